# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Why a simulation stands still: from the state of every stream to the one that is the cause."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hw.errors import HardwareError

__all__ = ["Stall", "StreamState", "explain_stall", "shallow_fifo"]

_LISTED = 6  # streams of each kind in a message


class Stall(HardwareError):  # noqa: N818 - what happened, as the field calls it
    """A simulation stands still; `fifo` is the one that is too shallow, if that is the cause."""

    def __init__(self, message: str, fifo: str = "") -> None:
        super().__init__(message)
        self.fifo = fifo


@dataclass(frozen=True)
class StreamState:
    """What a stream from one layer or FIFO to another does in the last cycle."""

    source: str  # "input" for the images
    sink: str  # "output" for the results
    valid: bool
    ready: bool

    @property
    def blocked(self) -> bool:
        """Whether the source waits for its reader."""
        return self.valid and not self.ready

    def __str__(self) -> str:
        """Return both ends."""
        return f"{self.source} -> {self.sink}"


def explain_stall(streams: Sequence[StreamState], held: Mapping[str, int]) -> str:
    """Name the cause and the remedy, then the streams that wait for a reader and for a source.

    Args:
        streams: all of them, in the order of the graph.
        held: FIFO name -> beats in it.
    """
    blocked = [str(s) for s in streams if s.blocked]
    starved = [str(s) for s in streams if s.ready and not s.valid]
    return (
        f"{_cause(streams, held)}; "
        f"valid without ready: {_listed(blocked, _LISTED, last=True)}; "
        f"ready without valid: {_listed(starved, _LISTED, last=False)}"
    )


def _listed(names: list[str], limit: int, *, last: bool) -> str:
    """Return those next to the place where blocked streams end and starved ones begin."""
    shown = names[-limit:] if last else names[:limit]
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return (", ".join(shown) or "none") + more


def _cause(streams: Sequence[StreamState], held: Mapping[str, int]) -> str:
    shallow = shallow_fifo(streams, held)
    if shallow:
        fifo, join, missing = shallow
        return (
            f"{fifo} is full with {held[fifo]} beats while {join} waits for {missing}; "
            f"give {fifo} more depth"
        )
    if any(s.sink == "output" and s.blocked for s in streams):
        return "the results are not taken; let the reader be ready"
    if not any(s.valid for s in streams):
        return "no image is offered; offer one"
    for name in dict.fromkeys(s.sink for s in streams):
        inputs = [s for s in streams if s.sink == name]
        if all(s.blocked for s in inputs) and not any(s.valid for s in _outputs(streams, name)):
            return f"{name} takes no beat and gives none; report this network"
    return "no layer waits for another; report this network"


def shallow_fifo(
    streams: Sequence[StreamState], held: Mapping[str, int]
) -> tuple[str, str, str] | None:
    """Return a full FIFO, the join behind it and what that waits for, if that is the cause."""
    for name in dict.fromkeys(s.sink for s in streams):
        inputs = [s for s in streams if s.sink == name]
        waiting = [s for s in inputs if s.blocked]
        missing = [s for s in inputs if not s.valid]
        if waiting and missing and not any(s.valid for s in _outputs(streams, name)):
            for fifo in _chain_before(streams, waiting[0]):
                if fifo in held and all(s.blocked for s in streams if s.sink == fifo):
                    return fifo, name, missing[0].source
    return None


def _chain_before(streams: Sequence[StreamState], stream: StreamState) -> list[str]:
    """Return the layers and FIFOs from which a stream comes, the last first, up to a fork."""
    chain: list[str] = []
    before = [stream]
    while len(before) == 1 and len(_outputs(streams, before[0].source)) == 1:
        chain.append(before[0].source)
        before = [s for s in streams if s.sink == chain[-1]]
    return chain


def _outputs(streams: Sequence[StreamState], name: str) -> list[StreamState]:
    return [s for s in streams if s.source == name]

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The search for depths that cost less: all FIFOs at once, and only downwards."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from hw.fifo_sizing._bench import Bench
from hw.fifo_sizing._steps import cheaper_depths, fifo_cost

__all__ = ["shrink"]


def shrink(
    bench: Bench, depths: dict[str, int], frame_cycles: int, budget_cycles: int
) -> dict[str, int]:
    """Lower every FIFO, step by step, until the next step would cost the pace.

    A FIFO that a step makes too shallow is too shallow at every further step, so it stays.

    Args:
        bench: what is simulated.
        depths: that keep the pace.
        frame_cycles: the pace.
        budget_cycles: of simulation; when they are used up, no other depths are tried.
    """
    manifest = bench.simulation.accelerator.manifest
    cost = {f.name: partial(fifo_cost, f, part=manifest.part) for f in manifest.fifos}
    steps = {f.name: [*cheaper_depths(f, depths[f.name], manifest.part)] for f in manifest.fifos}
    search = _Search(bench, dict(depths), frame_cycles, _trials(bench, frame_cycles, budget_cycles))
    while not search.exhausted:
        wanted = {name: smaller.pop() for name, smaller in steps.items() if smaller}
        if not wanted:
            break
        saved = {n: cost[n](search.depths[n]) - cost[n](depth) for n, depth in wanted.items()}
        search.lower({name: wanted[name] for name in sorted(wanted, key=lambda n: -saved[n])})
        for name in (n for n, depth in wanted.items() if search.depths[n] != depth):
            steps[name].clear()
    return search.depths


@dataclass
class _Search:
    """Depths that keep the pace, and how many others may still be tried."""

    bench: Bench
    depths: dict[str, int]
    frame_cycles: int
    trials: int

    @property
    def exhausted(self) -> bool:
        """Whether the budget is used up."""
        return self.trials <= 0

    def lower(self, wanted: Mapping[str, int]) -> None:
        """Lower all FIFOs to their wanted depths, or else those of each part that can be."""
        (blockers,) = self._blockers([wanted])
        if blockers is None:
            self.depths |= wanted
        else:
            self._split(wanted, blockers)

    def _split(self, wanted: Mapping[str, int], blockers: frozenset[str]) -> None:
        """Lower a part of those that are too shallow together."""
        if len(wanted) == 1 or self.exhausted:
            return
        names = _parts(list(wanted), blockers)
        parts = [{name: wanted[name] for name in part} for part in names]
        first, *others = sorted(
            zip(parts, self._blockers(parts), strict=True), key=lambda found: found[1] is not None
        )
        if first[1] is None:
            self.depths |= first[0]
        else:
            others.insert(0, first)
        for part, found in others:
            self._split(part, found or frozenset())  # it fails, if not alone then with the first

    def _blockers(self, parts: Sequence[Mapping[str, int]]) -> list[frozenset[str] | None]:
        self.trials -= len(parts)
        return self.bench.blockers([{**self.depths, **part} for part in parts], self.frame_cycles)


def _trials(bench: Bench, frame_cycles: int, budget_cycles: int) -> int:
    """Return how many simulations keep the budget; at least one unless it is 0.

    Counted by the pace, as if none were cut short, so that equal inputs give equal depths on any
    machine, whatever else runs there.
    """
    return math.ceil(budget_cycles / (bench.frames * frame_cycles))


def _parts(names: list[str], blockers: frozenset[str]) -> tuple[list[str], list[str]]:
    """Return the FIFOs that blocked nothing and the others, or else two halves."""
    free = [name for name in names if name not in blockers]
    blocked = [name for name in names if name in blockers]
    if free and blocked:
        return free, blocked
    return names[: len(names) // 2], names[len(names) // 2 :]

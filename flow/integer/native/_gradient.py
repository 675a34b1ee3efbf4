# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""From an integer network to the plan by which gradients go back through it."""

from dataclasses import dataclass, field
from enum import IntEnum
from functools import singledispatchmethod

import numpy as np
from numpy.typing import NDArray

from flow.integer.graph import IntegerGraph
from flow.integer.operations import (
    IMAGE,
    Add,
    Bias,
    Concat,
    Convolution,
    Dense,
    Flatten,
    Integers,
    MaxPool,
    Operation,
    Padding,
    Pool,
    Threshold,
)

__all__ = ["Field", "GradientPlan", "Phase", "Pull", "PullOp", "Slopes", "plan_gradient"]

Floats = NDArray[np.float32]
Slopes = dict[str, Floats]  # of each Threshold's channels
_BLOCK = 64  # as in src/gradient.hpp
_LANES = 16
_LINES = 4  # of a kernel that are added at once, where each is one register's lanes or fewer
_TOGETHER = 8  # images at a time
_SMALL = 64 * 1024  # bytes of an operation's gradients: then its weights are what fills the cache


class Pull(IntEnum):
    """As in src/gradient.hpp."""

    PRODUCTS = 0
    DEPTHWISE = 1
    COUNTS = 2
    MAX = 3
    SUM = 4
    TERM = 5


@dataclass
class Field:
    """A value's gradient: float32[height][width][channels] inside a margin."""

    height: int
    width: int
    channels: int
    margin: Padding = (0, 0, 0, 0)  # top, left, bottom, right
    place: int = 0  # floats before it in an image's memory

    @property
    def line(self) -> int:
        """Floats from row to row."""
        return (self.width + self.margin[1] + self.margin[3]) * self.channels

    @property
    def begin(self) -> int:
        """Floats before the first pixel."""
        return self.place + self.margin[0] * self.line + self.margin[1] * self.channels

    @property
    def size(self) -> int:
        """Floats of all of it."""
        return (self.height + self.margin[0] + self.margin[2]) * self.line


@dataclass(kw_only=True)
class PullOp:
    """One operation taken back; see PullOp of src/gradient.hpp."""

    kind: Pull
    source: int
    to: int
    weights: Floats
    kernel: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    corner: tuple[int, int] = (0, 0)
    first: int = 0
    trace: int = 0


@dataclass(frozen=True)
class Phase:
    """Operations up to `end`, that take `images` images at a time."""

    end: int
    images: int


@dataclass(frozen=True, kw_only=True)
class GradientPlan:
    """Operations from the last to the first, and the gradients that they read and add to."""

    fields: tuple[Field, ...]
    ops: tuple[PullOp, ...]
    phases: tuple[Phase, ...]
    logits: int
    image: int
    block: int = field(default=_TOGETHER)


def plan_gradient(
    network: IntegerGraph, traces: dict[str, int], slopes: Slopes
) -> GradientPlan | None:
    """Plan the way back; None where an operation has none yet.

    Args:
        network: what was traced.
        traces: where the bytes of each Threshold and MaxPool begin.
        slopes: what each Threshold multiplies gradients by.
    """
    planner = _Planner(network, traces, slopes)
    for operation in reversed(network.operations):
        if not planner.add(operation):
            return None
    return planner.plan()


class _Planner:
    def __init__(self, network: IntegerGraph, traces: dict[str, int], slopes: Slopes) -> None:
        self.network, self.traces, self.slopes = network, traces, slopes
        self.fields: list[Field] = []
        self.number: dict[str, int] = {IMAGE: self._new(IMAGE)}
        for operation in network.operations:
            source = network.sources[operation.name][0]
            own = self.number[source] if self._in_place(operation) else self._new(operation.name)
            self.number[operation.name] = own
            if isinstance(operation, Pool | Convolution):
                self._widen(self.fields[self.number[source]], operation.padding)
        self.ops: list[PullOp] = []

    def plan(self) -> GradientPlan:
        end = 0
        for one in self.fields:
            one.place, end = end, end + -(-(one.size + _BLOCK) // _LANES) * _LANES
        return GradientPlan(
            fields=tuple(self.fields),
            ops=tuple(self.ops),
            phases=self._phases(),
            logits=self.number[self.network.output],
            image=self.number[IMAGE],
        )

    def _new(self, name: str) -> int:
        shape = self.network.shapes[name]
        height, width = shape[:2] if len(shape) == 3 else (1, 1)
        self.fields.append(Field(height, width, shape[-1]))
        return len(self.fields) - 1

    def _in_place(self, operation: Operation) -> bool:
        """Whether the gradients of its output and of its input may share their memory."""
        source = self.network.sources[operation.name][0]
        alone = len(self.network.readers(source)) == 1
        return alone and isinstance(operation, Threshold | Bias)

    @staticmethod
    def _widen(own: Field, padding: Padding) -> None:
        top, left, bottom, right = map(max, own.margin, padding)
        own.margin = (top, left, bottom, right)

    def _phases(self) -> tuple[Phase, ...]:
        phases: list[Phase] = []
        for index, op in enumerate(self.ops):
            gradients = 4 * (self.fields[op.source].size + self.fields[op.to].size)
            images = _TOGETHER if gradients <= _SMALL else 1
            if phases and phases[-1].images == images:
                phases.pop()
            phases.append(Phase(index + 1, images))
        return tuple(phases)

    @singledispatchmethod
    def add(self, operation: Operation) -> bool:
        """Append the operation's passes; False where there are none for it."""
        del operation
        return False

    def _append(
        self,
        kind: Pull,
        operation: Operation,
        *,
        weights: Floats | None = None,
        source: str | None = None,
        window: Convolution | Pool | None = None,
        first: int = 0,
    ) -> bool:
        """Append a pass to one of the sources, the first if none is named."""
        own = PullOp(
            kind=kind,
            source=self.number[operation.name],
            to=self.number[source or self.network.sources[operation.name][0]],
            weights=np.ones(1, np.float32) if weights is None else weights,
            first=first,
            trace=self.traces.get(operation.name, 0),
        )
        if window is not None:
            own.kernel, own.stride, own.corner = window.kernel, window.stride, window.padding[:2]
        self.ops.append(own)
        return True

    @add.register
    def _(self, operation: Dense) -> bool:
        return self._append(Pull.PRODUCTS, operation, weights=_tiles(operation.weights[None, None]))

    @add.register
    def _(self, operation: Convolution) -> bool:
        outputs = operation.weights.shape[3]
        if operation.groups == 1:
            weights = _tiles(operation.weights)
            return self._append(Pull.PRODUCTS, operation, weights=weights, window=operation)
        if not operation.depthwise or outputs != operation.groups:
            return False
        taps = operation.weights.astype(np.float32)
        return self._append(Pull.DEPTHWISE, operation, weights=taps, window=operation)

    @add.register
    def _(self, operation: Threshold) -> bool:
        channels = self.network.shapes[operation.name][-1]
        slopes = np.broadcast_to(self.slopes[operation.name], channels).copy()
        self._append(Pull.COUNTS, operation, weights=slopes, source=operation.name)
        return self._in_place(operation) or self._append(Pull.TERM, operation)

    @add.register
    def _(self, operation: Bias) -> bool:
        return self._in_place(operation) or self._append(Pull.TERM, operation)

    @add.register
    def _(self, operation: Flatten) -> bool:
        return self._append(Pull.TERM, operation)

    @add.register
    def _(self, operation: Pool) -> bool:
        kind = Pull.MAX if isinstance(operation, MaxPool) else Pull.SUM
        return self._append(kind, operation, window=operation)

    @add.register
    def _(self, operation: Add) -> bool:
        sources = self.network.sources[operation.name]
        for name, factor in zip(sources, operation.factors, strict=True):
            weights = np.array([factor], dtype=np.float32)
            self._append(Pull.TERM, operation, weights=weights, source=name)
        return True

    @add.register
    def _(self, operation: Concat) -> bool:
        first = 0
        for name in self.network.sources[operation.name]:
            self._append(Pull.TERM, operation, source=name, first=first)
            first += self.network.shapes[name][-1]
        return operation.axis == -1


def _tiles(weights: Integers) -> Floats:
    """Return int64[KH, KW, I, O] in the order in which add_tile of src/gradient.inl reads it."""
    height, width, inputs, outputs = weights.shape
    span = width * inputs
    most = _LINES if span <= _LANES else 1
    whole = np.zeros((height, outputs, -(-span // _LANES) * _LANES), dtype=np.float32)
    whole[..., :span] = weights.reshape(height, span, outputs).transpose(0, 2, 1)
    parts = [
        whole[ky : ky + most, o : o + _BLOCK, lane : lane + _BLOCK].transpose(1, 0, 2).ravel()
        for ky in range(0, height, most)
        for lane in range(0, span, _BLOCK)
        for o in range(0, outputs, _BLOCK)
    ]
    return np.concatenate(parts)

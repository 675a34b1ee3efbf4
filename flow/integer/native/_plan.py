# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""From an integer network to the plan that the C++ engine executes."""

from dataclasses import dataclass, replace

import numpy as np

from flow.errors import FlowError
from flow.integer.bounds import Interval
from flow.integer.graph import IntegerGraph
from flow.integer.native._counting import Counter, count_bytes, count_shorts, plan_counting
from flow.integer.native._layout import PACKED, Form, Format, Kernels, fits_int32, forms_of
from flow.integer.native._pack import pack_alone, pack_bits, pack_bytes, pack_nibbles
from flow.integer.native._padding import zeros
from flow.integer.native._planned import Kind, Plan, PlannedOp
from flow.integer.native._stages import Stage, stages_of
from flow.integer.native._trace import Trace, Traces, Windows
from flow.integer.operations import (
    Add,
    Concat,
    Convolution,
    Dense,
    Flatten,
    Gather,
    Integers,
    MaxPool,
    Pool,
    Scale,
    Shape,
    SumPool,
)
from flow.integer.taken import taken_rows

__all__ = ["make_plan"]

_INT64_MAX = 2**63 - 1
_LONG_ROW = 1024  # values of a row, where each is taken alone


_MAX_OF = {Format.BITS: Kind.MAX_BITS, Format.NIBBLES: Kind.MAX_NIBBLES}


def make_plan(
    network: IntegerGraph,
    kernels: Kernels,
    *,
    signed: bool = False,
    windows: Windows | None = None,
) -> Plan:
    """Choose a kernel for every stage by the proven ranges.

    Args:
        network: what to compute.
        kernels: of packed codes, which to use where they are proven exact.
        signed: whether the kernel of bytes multiplies signed ones; see pack_bytes.
        windows: what a trace needs of each Threshold; None for a plan that keeps none.

    Raises:
        FlowError: an operation's sums may pass int64, or it has no meaning (see stages_of).
    """
    for choice in (kernels, replace(kernels, tables=False)):
        plan = _plan(network, choice, signed, windows)
        if not _unproven(plan, traced=windows is not None):
            return plan
    return _plan(network, replace(kernels, planes=0, tables=False), signed, windows)


def _unproven(plan: Plan, *, traced: bool) -> bool:
    """Whether a pass reads packed codes without a kernel that is proven exact, or that traces."""
    reads_packed = () if traced else tuple(_MAX_OF.values())
    return any(
        op.packed is None and op.kind not in reads_packed and plan.forms[name].format in PACKED
        for op in plan.ops
        for name in op.reads
    )


def _plan(network: IntegerGraph, kernels: Kernels, signed: bool, windows: Windows | None) -> Plan:
    stages = stages_of(network)
    forms = forms_of(network, stages, kernels)
    roots = {name: name for name in forms}
    for operation in network.operations:
        if isinstance(operation, Flatten):
            read, shape = network.sources[operation.name][0], network.shapes[operation.name]
            view = _view_name(network, operation.name)
            if read in forms:
                roots[view], forms[view] = roots[read], forms[read].viewed(shape)
    ranges = network.ranges()
    traces = None if windows is None else Traces(windows)
    choice = _Choice(shorts=kernels.shorts, signed=signed, traces=traces)
    ops = tuple(_Planner(network, forms, ranges, stage, choice).op() for stage in stages)
    for op in ops:
        if op.kind == Kind.ADD:
            _view_rows(op, forms, roots)
    return Plan(ops, forms, roots, traces)


def _view_rows(op: PlannedOp, forms: dict[str, Form], roots: dict[str, str]) -> None:
    """Give a pass that takes each value alone views of the long rows that it works on."""
    rows = op.out_shape[0] * op.out_shape[1]
    views = {name: f"{name} ({rows} rows)" for name in (*op.reads, op.writes)}
    for name, view in views.items():
        forms[view], roots[view] = forms[name].rows_of(rows), roots[name]
    op.reads, op.writes = tuple(views[name] for name in op.reads), views[op.writes]


def _view_name(network: IntegerGraph, flatten: str) -> str:
    """Return the name of a Flatten's view; one that is the network's output is copied as well."""
    return f"{flatten} (view)" if flatten == network.output else flatten


def _spatial(shape: Shape) -> Shape:
    return shape[:2] if len(shape) == 3 else (1, 1)


@dataclass(frozen=True, kw_only=True)
class _Choice:
    """See Kernels.shorts and make_plan."""

    shorts: bool
    signed: bool
    traces: Traces | None


class _Planner:
    """Plans one stage."""

    def __init__(
        self,
        network: IntegerGraph,
        forms: dict[str, Form],
        ranges: dict[str, Interval],
        stage: Stage,
        choice: _Choice,
    ) -> None:
        self.choice = choice
        self.network, self.forms, self.ranges, self.stage = network, forms, ranges, stage
        flatten = isinstance(stage.head, Flatten)
        self.names = (_view_name(network, stage.name),) if flatten else stage.reads
        self.reads = [forms[name] for name in self.names]
        self.read, self.out = self.reads[0], forms[stage.name]
        self.channels = network.shapes[stage.sums][-1]
        bias = np.zeros(1, dtype=np.int64) if stage.bias is None else stage.bias
        self.bias: Integers = np.ascontiguousarray(np.broadcast_to(bias, self.channels))

    def op(self) -> PlannedOp:
        head = self.stage.head
        match head:
            case Convolution() | Dense():
                op = self._matrix(head)
            case Pool():
                op = self._pool(head)
            case Concat(axis=-1):
                op = self._base(Kind.CONCAT)
            case Concat() | Gather() | Scale():
                op = self._gather(head)
            case Add(factors=factors):
                op = self._add(factors)
            case _:  # a copy
                op = self._add((1,))
        sums = self.ranges[self.stage.sums]
        op.wide |= not self._narrow(sums)
        traced = self.choice.traces is not None
        quick = None if traced else self._bytes(op, sums) or self._shorts(op)
        op.counter = quick or plan_counting(self.stage.threshold, sums, self.channels, wide=op.wide)
        op.trace = self._trace()
        if op.bias is None:
            op.bias = self.bias.astype(np.int64 if op.wide else np.int32)
        return op

    def _trace(self) -> Trace | None:
        """Return where maxima and counts are written down, if a gradient will go back here."""
        traces, threshold = self.choice.traces, self.stage.threshold
        if traces is None or (threshold is None and not isinstance(self.stage.head, MaxPool)):
            return None
        size = int(np.prod(self.network.shapes[self.stage.sums]))
        return traces.added(self.stage.head, threshold, size, self.channels)

    def _bytes(self, op: PlannedOp, sums: Interval) -> Counter | None:
        """Return how to count the input's own bytes, if they are what is compared."""
        threshold = self.stage.threshold
        copied = op.factors == (1,) and self.read.format == Format.U8 and not self.bias.any()
        if threshold is None or op.wide or not copied:
            return None
        return count_bytes(threshold, sums, self.read.low, self.channels)

    def _shorts(self, op: PlannedOp) -> Counter | None:
        """Return how to count sums in 16 bits, if they are proven to fit."""
        threshold, packed = self.stage.threshold, op.packed
        if not self.choice.shorts or threshold is None or packed is None or not packed.short:
            return None
        if self.out.format not in (Format.U8, *PACKED):
            return None
        start = packed.bias.reshape(op.groups, -1)[:, : op.group_outputs].astype(np.int64)
        scale = self.read.step if op.kind == Kind.TABLES else 1
        counter = count_shorts(threshold, start.reshape(-1), scale)
        if counter is not None:
            op.bias = np.zeros_like(packed.bias)
        return counter

    def _narrow(self, sums: Interval) -> bool:
        """Whether the sums, the results and everything on the way to them are int32."""
        threshold, results = self.stage.threshold, self.out.values
        if threshold is not None:
            span = threshold.step * threshold.thresholds.shape[1]
            results = Interval(threshold.offset, threshold.offset + span)
        inside = fits_int32(Interval(sums.lo - 1, sums.hi + 1)) and fits_int32(results)
        return inside and all(form.format != Format.I64 for form in self.reads)

    def _base(self, kind: Kind, *, wide: bool = False) -> PlannedOp:
        shape = self.network.shapes[self.stage.reads[0]]
        return PlannedOp(
            name=self.stage.name,
            kind=kind,
            reads=self.names,
            writes=self.stage.name,
            wide=wide,
            products=0,
            shape=_spatial(shape),
            out_shape=_spatial(self.network.shapes[self.stage.sums]),
        )

    def _add(self, factors: tuple[int, ...]) -> PlannedOp:
        """Plan a sum of values, each alone: in rows of several pixels."""
        terms = [abs(f) * r.values.magnitude() for f, r in zip(factors, self.reads, strict=True)]
        op = self._base(Kind.ADD, wide=self._wide(sum(terms)))
        op.factors = factors
        rows = self.out.folded(_LONG_ROW)
        op.out_shape = (rows.pixels, 1)
        self.bias = np.tile(self.bias, rows.channels // self.channels)
        self.channels = rows.channels
        return op

    def _gather(self, head: Concat | Gather | Scale) -> PlannedOp:
        """Plan what takes a row of an input, times a factor, for each pixel."""
        taken = taken_rows(head, [self.network.shapes[name] for name in self.stage.reads])
        most = int(taken[:, 2].max()) * max(form.values.magnitude() for form in self.reads)
        op = self._base(Kind.GATHER, wide=self._wide(most))
        op.factors = tuple(taken.reshape(-1).tolist())
        return op

    def _wide(self, sums: int) -> bool:
        """Whether sums of up to `sums` and the bias need int64."""
        most = sums + int(np.abs(self.bias).max(initial=0))
        if most > _INT64_MAX:
            raise FlowError(
                f"{self.stage.name}: sums of up to {most} do not fit int64; use narrower values"
            )
        return not fits_int32(Interval(0, most + 1))

    def _pool(self, head: Pool) -> PlannedOp:
        size = head.kernel[0] * head.kernel[1] if isinstance(head, SumPool) else 1
        most = size * self.read.values.magnitude()
        kind = Kind.SUM
        if isinstance(head, MaxPool):
            kind = _MAX_OF.get(self.read.format, Kind.MAX)
        op = self._base(kind, wide=self._wide(most))
        op.kernel, op.stride, op.corner = head.kernel, head.stride, head.padding[:2]
        return op

    def _matrix(self, head: Convolution | Dense) -> PlannedOp:
        op = self._base(Kind.MATRIX)
        inputs, outputs = head.weights.shape[-2:]
        if isinstance(head, Convolution):
            op.kernel, op.stride, op.corner = head.kernel, head.stride, head.padding[:2]
            op.groups = head.groups
        else:
            op.shape = op.out_shape = (1, 1)
        op.group_outputs = outputs // op.groups
        weights = head.weights.reshape(-1, inputs, outputs)
        op.products = int(weights.size * np.prod(op.out_shape))
        op.fitting = _fitting(weights, self.read)
        self._choose(op, weights)
        return op

    def _choose(self, op: PlannedOp, weights: Integers) -> None:
        """Take the fastest kernel that is proven exact."""
        narrow = self._narrow(self.ranges[self.stage.sums])
        if not narrow:
            pass
        elif self.read.format == Format.U8 and not self._is_depthwise(op):
            op.kind = Kind.DOT
            op.packed = pack_bytes(
                weights, self.bias, self.read, op.groups, signed=self.choice.signed
            )
        elif self.read.format == Format.BITS:
            op.kind, op.packed = Kind.BITS, pack_bits(weights, self.bias, self.read, op.groups)
        elif self.read.format == Format.NIBBLES:
            op.kind = Kind.TABLES
            op.packed = pack_nibbles(weights, self.bias, self.read, op.groups)
        if op.packed is not None:
            op.weights, op.bias = op.packed.weights, op.packed.bias
            op.padding = zeros(self.read, op.groups, op.kernel[1])
            return
        sums = int(np.abs(weights).sum(axis=(0, 1)).max(initial=0))
        op.wide = self._wide(sums * self.read.values.magnitude()) or not narrow
        op.wide |= int(np.abs(weights).max(initial=0)) >= 2**31
        op.kind = Kind.MATRIX
        if self._is_depthwise(op) and self.read.format == Format.U8 and not op.wide:
            packed = pack_alone(weights, self.bias, self.read)
            if packed is not None:
                op.kind, (op.weights, op.bias) = Kind.DEPTHWISE, packed
                op.padding = zeros(self.read, 1, 1)
                return
        op.weights = np.ascontiguousarray(weights, dtype=np.int64 if op.wide else np.int32)

    def _is_depthwise(self, op: PlannedOp) -> bool:
        return op.groups == self.read.channels and op.group_outputs == 1 and op.groups > 1


def _fitting(weights: Integers, form: Form) -> tuple[tuple[Kind, int], ...]:
    """Return the kernels that could take these weights and activations, with planes of these."""
    found = [(Kind.DOT, 1)]
    planes = int((form.values.hi - form.low) // form.step).bit_length()
    if not 1 <= planes <= 2:
        return tuple(found)
    distinct = len(np.unique(weights))
    if int(np.abs(weights).max(initial=0)) <= 1:
        found.append((Kind.BITS, planes))
    if distinct <= 4:
        found.append((Kind.TABLES, 1 if planes == 1 and distinct <= 2 else 2))
    return tuple(found)

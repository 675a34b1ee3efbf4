# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A plan in the memory layout of src/plan.hpp, with the sizes of the workspace."""

from ctypes import c_int64
from dataclasses import dataclass
from typing import Any

import numpy as np

from flow.integer.graph import IntegerGraph
from flow.integer.native._layout import PACKED, Form
from flow.integer.native._library import ABI, COp, CPlan, CTensor
from flow.integer.native._planned import Kind, Plan, PlannedOp
from flow.integer.operations import IMAGE

__all__ = ["Bound", "bind"]

_SLACK = 256  # bytes after every buffer, as in src/plan.hpp
_LANES = 16
_LINE = 64  # bytes of a cache line
_OUTSIDE = -1  # of the workspace
_CACHE = 512 * 1024  # bytes of a block's values: half of a usual second-level cache
_MOST_IMAGES = 256
_SUMS = 64 * 1024  # bytes of a tile of sums
_GATHERED = 128 * 1024  # bytes of a tile of windows
_ROWS = 12  # of the widest kernel; a tile is a multiple
_FEW_ROWS = 96  # a tile of what has no panels


@dataclass(frozen=True)
class Bound:
    """The structures for C++, and all that they point to."""

    plan: CPlan
    ops: tuple[PlannedOp, ...]
    forms: dict[str, Form]
    held: list[Any]


def bind(plan: Plan, network: IntegerGraph) -> Bound:
    """Lay out the workspace of a block of images and fill in the structures."""
    return _Binder(plan, network).bound()


class _Binder:
    def __init__(self, plan: Plan, network: IntegerGraph) -> None:
        self.plan, self.network = plan, network
        self.names = [IMAGE, *(name for name in plan.forms if name != IMAGE)]
        self.held: list[Any] = []

    def bound(self) -> Bound:
        plan, forms = self.plan, self.plan.forms
        block = self._block()
        places, arena_bytes = self._places(block)
        tensors = [self._tensor(forms[n], places[plan.roots[n]]) for n in self.names]
        ops = [self._op(op) for op in plan.ops]
        widths = [form.channels for form in forms.values()]
        result = CPlan(
            abi=ABI,
            block=block,
            image_bytes=forms[IMAGE].image_bytes,
            classes=self.network.classes,
            arena_bytes=arena_bytes,
            gather_bytes=max((o.tile_rows * self._gathered(o) for o in ops if o.panels), default=0),
            sums_bytes=max(
                [8 * max(widths)] + [o.tile_rows * _stride(o) * 4 for o in ops if o.panels]
            ),
            row_bytes=8 * max(widths),
            taps_bytes=16 * max((op.kernel[0] * op.kernel[1] for op in self.plan.ops), default=1),
            last_bytes=max(form.row_bytes for form in forms.values()),
            codes_bytes=max((o.tile_rows * self._codes(o) for o in ops), default=0),
            trace_bytes=plan.traces.bytes if plan.traces else 0,
            tensor_count=len(tensors),
            op_count=len(ops),
            tensors=self._keep((CTensor * len(tensors))(*tensors)),
            ops=self._keep((COp * len(ops))(*ops)),
        )
        return Bound(result, plan.ops, forms, self.held)

    def _keep(self, value: Any) -> Any:  # noqa: ANN401 - ctypes arrays have no common type
        self.held.append(value)
        return value

    def _lives(self) -> dict[str, tuple[int, int]]:
        """Return when each value but the image is written and last read."""
        lives: dict[str, tuple[int, int]] = {}
        for index, op in enumerate(self.plan.ops):
            lives[op.name] = (index, index)
            for read in op.reads:
                root = self.plan.roots[read]
                if root != IMAGE:
                    lives[root] = (lives[root][0], index)
        return lives

    def _block(self) -> int:
        """Return how many images keep the values that live at one time within the cache."""
        lives = self._lives()
        needs = [
            sum(self.plan.forms[n].image_bytes for n, (a, b) in lives.items() if a <= time <= b)
            for time in range(len(self.plan.ops))
        ]
        needs[0] += self.plan.forms[IMAGE].image_bytes  # read where it is, through the same cache
        return max(1, min(_MOST_IMAGES, _CACHE // max(needs)))

    def _places(self, block: int) -> tuple[dict[str, int], int]:
        """Return each value's offset, the lowest that no value of its time uses, and the end."""
        lives, placed = self._lives(), list[tuple[int, int, int, int]]()
        places = {IMAGE: _OUTSIDE}
        for name, (begin, end) in lives.items():
            size = _aligned(self.plan.forms[name].image_bytes * block)
            offset = 0
            for start, stop, first, last in sorted(placed):
                if first <= end and begin <= last and start < offset + size and offset < stop:
                    offset = stop
            placed.append((offset, offset + size, begin, end))
            places[name] = offset
        return places, max((stop for _, stop, _, _ in placed), default=0)

    def _tensor(self, form: Form, place: int) -> CTensor:
        return CTensor(
            format=form.format,
            pixels=form.pixels,
            channels=form.channels,
            row_bytes=form.row_bytes,
            arena=place,
            low=form.low,
            step=form.step,
            planes=form.planes,
        )

    def _op(self, op: PlannedOp) -> COp:
        counter = op.counter
        result = COp(
            kind=op.kind,
            wide=op.wide,
            output=self.names.index(op.writes),
            input_count=len(op.reads),
            inputs=self._numbers([self.names.index(name) for name in op.reads]),
            factors=self._numbers(list(op.factors)),
            groups=op.groups,
            group_outputs=op.group_outputs,
            steps=op.packed.steps if op.packed else 0,
            panels=op.packed.panels if op.packed else 0,
            flag=op.packed.flag if op.packed else 0,
            scale=self.plan.forms[op.reads[0]].step,
            weights=self._address(op.weights),
            table=self._address(op.packed.table if op.packed else None),
            bias=self._address(op.bias),
            padding=self._address(op.padding),
            counting=counter.counting,
            levels=counter.levels,
            thresholds=self._address(counter.thresholds),
            slope=self._address(counter.slope),
            start=self._address(counter.start),
            low=counter.low,
            step=counter.step,
            trace=op.trace.begin if op.trace else -1,
            trace_low=self._address(op.trace.low if op.trace else None),
            trace_high=self._address(op.trace.high if op.trace else None),
        )
        self._set_window(result, op)
        result.tile_rows = self._tile_rows(result) if op.packed else _FEW_ROWS
        return result

    def _set_window(self, result: COp, op: PlannedOp) -> None:
        result.height, result.width = op.shape
        result.out_height, result.out_width = op.out_shape
        result.kernel_height, result.kernel_width = op.kernel
        result.stride_y, result.stride_x = op.stride
        result.top, result.left = op.corner

    def _tile_rows(self, op: COp) -> int:
        rows = min(_SUMS // (4 * _stride(op)), _GATHERED // max(1, self._gathered(op)))
        return max(_ROWS, rows // _ROWS * _ROWS)

    def _gathered(self, op: COp) -> int:
        """Bytes of one gathered window."""
        planes = self.plan.forms[self.names[op.inputs[0]]].planes
        step = {Kind.DOT: 4, Kind.BITS: 4 * planes}
        return int(op.steps) * step.get(Kind(op.kind), 1)

    def _codes(self, op: COp) -> int:
        """Bytes of one row of counts that become planes of bits."""
        form = self.plan.forms[self.names[op.output]]
        return -(-form.channels // 64) * 64 if form.format in PACKED else 0

    def _numbers(self, values: list[int]) -> Any:  # noqa: ANN401 - a ctypes array
        return self._keep((c_int64 * max(1, len(values)))(*values))

    def _address(self, values: Any) -> int | None:  # noqa: ANN401 - any numpy array
        """Keep a copy that begins a cache line, with slack after it for whole registers."""
        if values is None:
            return None
        held = np.zeros(values.nbytes + _SLACK + _LINE, np.uint8)
        self.held.append(held)
        first = int(-held.ctypes.data % _LINE)
        held[first : first + values.nbytes] = np.frombuffer(values.tobytes(), np.uint8)
        return int(held.ctypes.data) + first


def _stride(op: COp) -> int:
    """Return the sums of one row; see run_tile in src/operations.inl."""
    return int((op.groups - 1) * op.group_outputs + op.panels * _LANES)


def _aligned(size: int) -> int:
    return (size + _SLACK + 63) // 64 * 64

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Logits of images with the gradients of these images, both by C++ kernels."""

import weakref
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flow.classifier import Images, Logits, check_images
from flow.integer.graph import IntegerGraph
from flow.integer.native._bind import Bound, bind
from flow.integer.native._gradient import GradientPlan, Pull, PullOp, Slopes, plan_gradient
from flow.integer.native._gradient_library import (
    ABI,
    CField,
    CGradientPlan,
    CPhase,
    CPullOp,
    gradients,
)
from flow.integer.native._library import index_of, instruction_sets, library
from flow.integer.native._plan import make_plan
from flow.integer.native._trace import Window, Windows
from flow.integer.native.engine import KERNELS, SIGNED

__all__ = ["Slopes", "TracedNetwork", "TracedPlan", "Window", "Windows", "plan_traced"]

Trace = NDArray[np.uint8]
_MOST_TAPS = 254  # places in a window, which a byte names
_LINE = 64  # bytes of a cache line


@dataclass(frozen=True)
class Back:
    """The structures for C++, and all that they point to."""

    plan: CGradientPlan
    held: list[Any]


@dataclass(frozen=True)
class TracedPlan:
    """The way there and back on an instruction set, which need not be this machine's."""

    network: IntegerGraph
    isa: str
    there: Bound
    back: Back


class TracedNetwork:
    """An IntegerNetwork on its way there and back; safe to call from several threads at once.

    Attributes:
        network: what it computes.
        isa: the instruction set of its kernels; gradients have the same bits on all of them.
    """

    def __init__(self, plan: TracedPlan) -> None:
        """Take a plan of one of instruction_sets(); FlowError for another."""
        self.network, self.isa, self._plan = plan.network, plan.isa, plan
        number = index_of(plan.isa)
        self._engine = library().sf_create(plan.there.plan, number)
        weakref.finalize(self, library().sf_destroy, self._engine)
        self._gradient = gradients().sg_create(plan.back.plan, number)
        weakref.finalize(self, gradients().sg_destroy, self._gradient)

    def logits(self, images: Images, threads: int) -> tuple[Logits, Trace]:
        """Return int32[N, K] of uint8[N, H, W, C], and what `pull` needs to know of them."""
        check_images(images, self.network.input_shape)
        images = np.ascontiguousarray(images)
        logits = np.empty((len(images), self.network.classes), dtype=np.int32)
        trace = np.empty((len(images), int(self._plan.there.plan.trace_bytes)), dtype=np.uint8)
        found = (images.ctypes.data, len(images), logits.ctypes.data, trace.ctypes.data)
        if not library().sf_run(self._engine, *found, threads, None):
            raise MemoryError("native engine: no memory for a block of images")
        return logits, trace

    def pull(self, trace: Trace, gradient: NDArray[np.float32], threads: int) -> NDArray[Any]:
        """Return the gradient float32[N, H, W, C] of the images from that of logits [N, K]."""
        given = np.ascontiguousarray(gradient, dtype=np.float32)
        found = np.empty((len(trace), *self.network.input_shape), dtype=np.float32)
        arrays = (trace.ctypes.data, given.ctypes.data, found.ctypes.data)
        if not gradients().sg_run(self._gradient, *arrays, len(trace), threads):
            raise MemoryError("native engine: no memory for the gradients of a block of images")
        return found


def plan_traced(
    network: IntegerGraph, windows: Windows, slopes: Slopes, *, isa: str | None = None
) -> TracedPlan | None:
    """Plan the way there and back; None where the kernels have none.

    That is so where sums need 64 bits, and for grouped convolutions, gathers and scales.

    Args:
        network: what to compute.
        windows: of each Threshold, by its name.
        slopes: of each Threshold, what gradients are multiplied by; float32 of its channels.
        isa: an instruction set; None for the fastest here.
    """
    isa = isa or instruction_sets()[-1]
    plan = make_plan(network, KERNELS[isa], signed=isa in SIGNED, windows=windows)
    assert plan.traces is not None
    if any(op.trace and (op.wide or np.prod(op.kernel) > _MOST_TAPS) for op in plan.ops):
        return None
    back = plan_gradient(network, plan.traces.begins, slopes)
    if back is None:
        return None
    return TracedPlan(network, isa, bind(plan, network), _bound(back, plan.traces.bytes))


def _bound(plan: GradientPlan, trace_bytes: int) -> Back:
    held: list[Any] = []
    fields = (CField * len(plan.fields))(
        *(CField(f.height, f.width, f.channels, f.line, f.begin) for f in plan.fields)
    )
    ops = (CPullOp * len(plan.ops))(*(_op(op, held) for op in plan.ops))
    phases = (CPhase * len(plan.phases))(*(CPhase(p.end, p.images) for p in plan.phases))
    held += [fields, ops, phases]
    sums = [plan.fields[op.source] for op in plan.ops if op.kind == Pull.PRODUCTS]
    last = max(plan.fields, key=lambda one: one.place)
    result = CGradientPlan(
        abi=ABI,
        block=plan.block,
        image_floats=(last.place + last.size + 2 * _LINE) // 16 * 16,
        trace_bytes=trace_bytes,
        entries=max((f.height * f.width * f.channels for f in sums), default=1),
        runs=max((f.height * f.width * -(-f.channels // 64) for f in sums), default=1),
        logits=plan.logits,
        image=plan.image,
        field_count=len(fields),
        op_count=len(ops),
        phase_count=len(phases),
        fields=fields,
        ops=ops,
        phases=phases,
    )
    return Back(result, held)


def _op(op: PullOp, held: list[Any]) -> CPullOp:
    own = CPullOp(kind=op.kind, source=op.source, to=op.to, first=op.first, trace=op.trace)
    own.kernel_height, own.kernel_width = op.kernel
    own.stride_y, own.stride_x = op.stride
    own.top, own.left = op.corner
    own.weights = _address(op.weights, held)
    return own


def _address(values: NDArray[np.float32], held: list[Any]) -> int:
    """Keep a copy that begins a cache line."""
    copy = np.zeros(values.nbytes + 2 * _LINE, np.uint8)
    held.append(copy)
    first = int(-copy.ctypes.data % _LINE)
    copy[first : first + values.nbytes] = np.frombuffer(values.tobytes(), np.uint8)
    return int(copy.ctypes.data) + first

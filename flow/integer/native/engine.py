# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The native engine: a Classifier on all cores."""

import os
import weakref
from ctypes import byref, c_uint8
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from flow.classifier import Images, Logits, check_images
from flow.errors import FlowError
from flow.integer.graph import IntegerGraph
from flow.integer.native._bind import Bound, bind
from flow.integer.native._layout import Kernels
from flow.integer.native._library import index_of, instruction_sets, library
from flow.integer.native._plan import make_plan
from flow.integer.native._planned import Kind

__all__ = ["KERNELS", "SIGNED", "NativeNetwork", "StageTime", "plan_for"]

# What beats multiplying bytes, as measured; for NEON by count of instructions.
KERNELS = {
    "portable": Kernels(planes=1, tables=False),
    "avx2": Kernels(planes=1, tables=True, shorts=True),
    "avx512": Kernels(planes=2, tables=False),
    "neon": Kernels(planes=1, tables=True, shorts=True),
    "neon_dot": Kernels(planes=1, tables=True, shorts=True),
}
SIGNED = ("neon", "neon_dot")  # which multiply signed bytes


@dataclass(frozen=True)
class StageTime:
    """What one pass of the engine took.

    Attributes:
        name: of the last integer operation inside.
        kernel: dot, bits, depthwise, matrix, max, max_bits, sum, add, concat, gather, tables or
            max_nibbles.
        planes: bits of the codes that it reads, for bits and tables; else 0.
        products: multiply-accumulates of all images.
        seconds: on one thread.
        fitting: kernels that could compute it, each with planes of activations; none without sums
            of products.
    """

    name: str
    kernel: str
    planes: int
    products: int
    seconds: float
    fitting: tuple[tuple[Kind, int], ...] = ()


class NativeNetwork:
    """An IntegerNetwork in C++; a Classifier that is safe to call from several threads at once.

    Attributes:
        network: what it computes.
        threads: of one call of logits.
        isa: the instruction set of its kernels.
    """

    name = "native"

    def __init__(
        self,
        network: IntegerGraph,
        *,
        threads: int | None = None,
        isa: str | None = None,
        kernels: Kernels | None = None,
    ) -> None:
        """Choose a kernel for every operation by the proven ranges, and pack the weights.

        Args:
            network: what to compute.
            threads: at most so many work on one call; None for one a core of this process.
            isa: one of instruction_sets(); None for the fastest.
            kernels: of packed codes; None for those that are fastest there.

        Raises:
            FlowError: the instruction set is not this machine's, or a sum may pass int64.
        """
        self.network, self.input_shape, self.classes = network, network.input_shape, network.classes
        self.threads = len(os.sched_getaffinity(0)) if threads is None else threads
        if self.threads < 1:
            raise FlowError(f"native engine: {self.threads} threads is not at least 1")
        self.isa = instruction_sets()[-1] if isa is None else isa
        number = index_of(self.isa)
        self._bound = plan_for(network, self.isa, kernels)
        self._engine = library().sf_create(self._bound.plan, number)
        weakref.finalize(self, library().sf_destroy, self._engine)

    def logits(self, images: Images) -> Logits:
        """Return int32[N, K]; see Classifier."""
        return self._run(images, self.threads, None)

    def profile(self, images: Images) -> list[StageTime]:
        """Time every pass of the engine over the images, on one thread."""
        seconds = np.zeros(len(self._bound.ops))
        self._run(images, 1, seconds.ctypes.data)
        forms = self._bound.forms
        return [
            StageTime(
                name=op.name,
                kernel=op.kind.name.lower(),
                planes=forms[op.reads[0]].planes if op.kind in (Kind.BITS, Kind.TABLES) else 0,
                products=op.products * len(images),
                seconds=float(spent),
                fitting=op.fitting,
            )
            for op, spent in zip(self._bound.ops, seconds, strict=True)
        ]

    def _run(self, images: Images, threads: int, seconds: int | None) -> Logits:
        check_images(images, self.input_shape)
        images = np.ascontiguousarray(images)
        logits = np.empty((len(images), self.classes), dtype=np.int32)
        done = library().sf_run(
            self._engine, _address(images), len(images), _address(logits), None, threads, seconds
        )
        if not done:
            raise MemoryError("native engine: no memory for a block of images")
        return logits


def plan_for(network: IntegerGraph, isa: str, kernels: Kernels | None = None) -> Bound:
    """Return the plan of an instruction set, which need not be this machine's."""
    plan = make_plan(network, kernels or KERNELS[isa], signed=isa in SIGNED)
    return bind(plan, network)


def _address(values: Images | Logits) -> Any:  # noqa: ANN401 - of ctypes
    """Return what ctypes takes for a pointer; `ndarray.ctypes` takes a microsecond to make."""
    if values.size and values.flags.writeable:
        return byref(c_uint8.from_buffer(cast(Any, values)))
    return values.ctypes.data

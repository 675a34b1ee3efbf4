# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Max-pool, sum-pool and global sum: the core stream_pool as FINN's Pool and GlobalAccPool.

An average is the sum here; the division and its rounding belong to the thresholds behind it. Sums
are exact where the output datatype holds them, as it must: bounds are proven where it is chosen.
"""

import math
from pathlib import Path
from typing import Any

from finn.custom_op.fpgadataflow.globalaccpool import GlobalAccPool
from finn.custom_op.fpgadataflow.pool import Pool
from numpy.typing import NDArray
from onnx import GraphProto
from qonnx.core.datatype import BaseDataType, DataType

from hw.layers._wrapper import Core, Wrapper, stream_pins
from hw.layers.base import StreamLayer, is_integer, is_signed
from hw.layers.written_memory import WrittenMemory, written_memory

__all__ = ["GlobalAccPool_rtl", "Pool_rtl"]

_MAXIMA = {"MaxPool": 1, "AccPool": 0}
# From synthesis with Yosys:
_CONTROL_LUTS = 10  # counters and handshake


class _PoolLayer(StreamLayer):
    """The core, for operators that differ in the order of the stream."""

    cores = ("stream_pool",)

    def is_maximum(self) -> int:
        """Return 1 for a maximum, 0 for a sum."""
        return 0

    def window(self) -> int:
        """Return the elements that are pooled."""
        raise NotImplementedError

    def folds(self) -> int:
        """Return the groups of channels that arrive in turn within the window."""
        raise NotImplementedError

    def problem(self) -> str:
        """Return what is wrong with the datatypes, or nothing."""
        into = self.get_input_datatype()
        if self.is_maximum():
            return "" if into.is_integer() else f"maximum of {into.name}; only integers have RTL"
        return "" if is_integer(into) else f"sum of {into.name}; only integers have RTL"

    def wrapper(self, module: str, folder: Path) -> Wrapper:  # noqa: ARG002
        """Return the core with FINN's ports."""
        into, out = self.input_ports(), self.output_ports()
        core = Core(
            module="stream_pool",
            parameters={
                "Window": self.window(),
                "Folds": self.folds(),
                "Pe": self.get_nodeattr("PE"),
                "InBits": self.get_input_datatype().bitwidth(),
                "OutBits": self.get_output_datatype().bitwidth(),
                "Signed": is_signed(self.get_input_datatype()),
                "Max": self.is_maximum(),
            },
            pins=stream_pins("in", into, into=True)
            | stream_pins("out", out, into=False)
            | {"in_data_i": into[0].data, "out_data_o": out[0].data},
        )
        return Wrapper(module=module, inputs=into, outputs=out, cores=[core])

    def bram_estimation(self, fpgapart: str) -> int:
        """Return BRAM18 of the partial results."""
        return round(2 * self._memory(fpgapart).bram36)

    def lut_estimation(self, fpgapart: str) -> int:
        """Return LUTs: an adder, or a comparison and a choice, a lane; the partial results."""
        width = int(self.get_outstream_width())
        luts = width + _CONTROL_LUTS + self._memory(fpgapart).lut
        if self.is_maximum() and self.get_output_datatype().bitwidth() > 2:
            luts += width
        return luts

    def _memory(self, fpgapart: str) -> WrittenMemory:
        """Return what the memory of partial results takes; a single one is a register."""
        return written_memory(self.folds(), int(self.get_outstream_width()), fpgapart)


class Pool_rtl(_PoolLayer, Pool):  # noqa: N801
    """Pooling behind a depthwise ConvolutionInputGenerator whose SIMD is PE.

    Function "MaxPool" takes any integers; "AccPool" is the exact sum, in OutputDataType.
    Input [1, OH, OW, C / PE, KH * KW, PE] in the order of the stream, output [1, OH, OW, C].
    """

    finn_op = Pool

    def problem(self) -> str:
        """Return what is wrong with the function or the datatypes, or nothing."""
        function = self.get_nodeattr("Function")
        if function not in _MAXIMA:
            return f"Function {function} has no RTL; use MaxPool, or AccPool and thresholds"
        return super().problem()

    def is_maximum(self) -> int:
        """Return 1 for a maximum, 0 for a sum."""
        return _MAXIMA[self.get_nodeattr("Function")]

    def window(self) -> int:
        """Return the elements of the kernel."""
        return math.prod(self.get_nodeattr("KernelSize"))

    def folds(self) -> int:
        """Return 1: the sliding window gives a group of channels after the other."""
        return 1

    def execute_in_python(self, context: dict[str, NDArray[Any]], graph: GraphProto) -> None:
        """Pool the tensor in the order in which it arrives.

        FINN's RTL sliding window interleaves groups of PE channels, its generic one and Im2Col
        do not; FINN's own Python for Pool assumes the latter, its VVAU tells them apart as here.
        """
        node = self.onnx_node
        producer = [n.op_type for n in graph.node if node.input[0] in n.output]
        plain = producer in (["Im2Col"], ["ConvolutionInputGenerator"])
        channels = self.get_nodeattr("Channels")
        lanes = channels if plain else self.get_nodeattr("PE")
        shape = self.get_normal_output_shape()
        windows = context[node.input[0]].reshape(
            *shape[:-1], channels // lanes, self.window(), lanes
        )
        pooled = windows.max(axis=-2) if self.is_maximum() else windows.sum(axis=-2)
        context[node.output[0]] = pooled.reshape(shape)


class GlobalAccPool_rtl(_PoolLayer, GlobalAccPool):  # noqa: N801
    """Sum over all pixels, [1, H, W, C] -> [1, 1, 1, C], exact.

    Its datatype is FINN's, for any pixels of inputDataType, or outputDataType where that is given.
    """

    finn_op = GlobalAccPool

    def get_nodeattr_types(self) -> dict[str, Any]:
        """Return FINN's attributes, and one for the datatype of the sum."""
        return super().get_nodeattr_types() | {"outputDataType": ("s", False, "")}

    def get_output_datatype(self, ind: int = 0) -> BaseDataType:
        """Return the datatype of the sum."""
        given = self.get_nodeattr("outputDataType")
        return DataType[given] if given else GlobalAccPool.get_output_datatype(self, ind)

    def window(self) -> int:
        """Return the pixels of an image."""
        height, width = self.get_nodeattr("numInputVectors")[-2:]
        return int(height * width)

    def folds(self) -> int:
        """Return the beats of a pixel."""
        return int(self.get_nodeattr("NumChannels") // self.get_nodeattr("PE"))

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Fork, join of channels, and the label: FINN's DuplicateStreams, StreamingConcat, LabelSelect."""

from pathlib import Path
from typing import Any

import numpy as np
from finn.custom_op.fpgadataflow.concat import StreamingConcat
from finn.custom_op.fpgadataflow.duplicatestreams import DuplicateStreams
from finn.custom_op.fpgadataflow.labelselect import LabelSelect
from numpy.typing import NDArray
from onnx import GraphProto

from hw.layers._wrapper import Core, Port, Wrapper, joined, stream_pins
from hw.layers.base import StreamLayer, is_integer, is_signed

__all__ = ["DuplicateStreams_rtl", "LabelSelect_rtl", "StreamingConcat_rtl"]


class DuplicateStreams_rtl(StreamLayer, DuplicateStreams):  # noqa: N801
    """Every beat to each output."""

    finn_op = DuplicateStreams
    cores = ("stream_fork",)

    def problem(self) -> str:
        """Return what is wrong with the number of outputs, or nothing."""
        wanted, found = self.get_num_output_streams(), len(self.onnx_node.output)
        return "" if wanted == found else f"NumOutputStreams {wanted} of {found} outputs"

    def wrapper(self, module: str, folder: Path) -> Wrapper:  # noqa: ARG002
        """Return the core with FINN's ports."""
        into, out = self.input_ports(), self.output_ports()
        core = Core(
            module="stream_fork",
            parameters={"Width": into[0].width_bits, "Outputs": len(out)},
            pins=stream_pins("in", into, into=True)
            | stream_pins("out", out, into=False)
            | {"in_data_i": into[0].data, "out_data_o": "data"},
        )
        return Wrapper(
            module=module,
            inputs=into,
            outputs=out,
            cores=[core],
            wires={"data": into[0].width_bits},
            assigns={port.data: "data" for port in out},
        )

    def lut_estimation(self, fpgapart: str) -> int:  # noqa: ARG002
        """Return LUTs, from synthesis: the handshake alone."""
        return 2 * len(self.onnx_node.output)


class StreamingConcat_rtl(StreamLayer, StreamingConcat):  # noqa: N801
    """Channels of input 0, then of input 1, ...; lanes as wide as the widest integers need.

    OutShape is the shape of the output tensor where its channels are rows or columns in truth.
    """

    finn_op = StreamingConcat
    cores = ("widen_lanes", "stream_concat")

    def get_nodeattr_types(self) -> dict[str, Any]:
        """Return FINN's attributes, and the output's shape."""
        return super().get_nodeattr_types() | {"OutShape": ("ints", False, [])}

    def execute_in_python(self, context: dict[str, NDArray[Any]], graph: GraphProto) -> None:  # noqa: ARG002
        """Join the tensors as they arrive."""
        names = self.onnx_node.input
        parts = [
            context[name].reshape(self.get_normal_input_shape(i)) for i, name in enumerate(names)
        ]
        joined = np.concatenate(parts, axis=-1)
        shape = self.get_nodeattr("OutShape") or joined.shape
        context[self.onnx_node.output[0]] = joined.reshape(tuple(map(int, shape)))

    def problem(self) -> str:
        """Return which input has no RTL, or nothing."""
        inputs = [self.get_input_datatype(i) for i in range(self.get_n_inputs())]
        if len(inputs) != len(self.onnx_node.input):
            return f"ChannelsPerStream names {len(inputs)} of {len(self.onnx_node.input)} inputs"
        for datatype in inputs:
            if not is_integer(datatype):
                return f"input of {datatype.name}; only integers have RTL"
        return ""

    def wrapper(self, module: str, folder: Path) -> Wrapper:  # noqa: ARG002
        """Return the core with FINN's ports."""
        into, out = self.input_ports(), self.output_ports()
        folds = [self.get_folded_input_shape(i)[-2] for i in range(len(into))]
        wide = [f"{port.name}_wide" for port in into]
        core = Core(
            module="stream_concat",
            parameters={
                "Inputs": len(into),
                "Width": out[0].width_bits,
                "Folds": joined(f"32'd{fold}" for fold in folds),
            },
            pins=stream_pins("in", into, into=True)
            | stream_pins("out", out, into=False)
            | {"in_data_i": joined(wide), "out_data_o": out[0].data},
        )
        widened = [self._widen(i, port, wide[i]) for i, port in enumerate(into)]
        return Wrapper(
            module=module,
            inputs=into,
            outputs=out,
            cores=[*widened, core],
            wires=dict.fromkeys(wide, out[0].width_bits),
        )

    def _widen(self, index: int, port: Port, wide: str) -> Core:
        return Core(
            module="widen_lanes",
            parameters={
                "Lanes": self.get_nodeattr("SIMD"),
                "InBits": self.get_input_datatype(index).bitwidth(),
                "OutBits": self.get_output_datatype().bitwidth(),
                "Signed": is_signed(self.get_input_datatype(index)),
            },
            pins={"data_i": port.data, "data_o": wide},
            clocked=False,
        )

    def lut_estimation(self, fpgapart: str) -> int:  # noqa: ARG002
        """Return LUTs, from synthesis: the choice between the inputs, counters."""
        inputs = len(self.onnx_node.input)
        return int(self.get_outstream_width()) * -(-inputs // 3) + 3 * inputs


class LabelSelect_rtl(StreamLayer, LabelSelect):  # noqa: N801
    """Index of the largest logit, the lowest one on ties; K = 1."""

    finn_op = LabelSelect
    cores = ("stream_argmax",)

    def problem(self) -> str:
        """Return what is wrong with labels or datatypes, or nothing."""
        labels, out = self.get_nodeattr("Labels"), self.get_output_datatype()
        if self.get_nodeattr("K") != 1:
            return f"K {self.get_nodeattr('K')} has no RTL; use 1, the best label"
        if not self.get_input_datatype().is_integer():
            return f"labels by {self.get_input_datatype().name}; only integers have RTL"
        if not is_integer(out) or not out.allowed(labels - 1):
            return f"{out.name} does not name {labels} labels; widen outputDataType"
        return ""

    def wrapper(self, module: str, folder: Path) -> Wrapper:  # noqa: ARG002
        """Return the core with FINN's ports."""
        into, out = self.input_ports(), self.output_ports()
        core = Core(
            module="stream_argmax",
            parameters={
                "Labels": self.get_nodeattr("Labels"),
                "Pe": self.get_nodeattr("PE"),
                "InBits": self.get_input_datatype().bitwidth(),
                "Signed": is_signed(self.get_input_datatype()),
                "OutBits": out[0].width_bits,
            },
            pins=stream_pins("in", into, into=True)
            | stream_pins("out", out, into=False)
            | {"in_data_i": into[0].data, "out_data_o": out[0].data},
        )
        return Wrapper(module=module, inputs=into, outputs=out, cores=[core])

    def lut_estimation(self, fpgapart: str) -> int:  # noqa: ARG002
        """Return LUTs, from synthesis: a tree of comparisons and choices, and the last one."""
        bits = self.get_input_datatype().bitwidth()
        label_bits = (int(self.get_nodeattr("Labels")) - 1).bit_length()
        tree = int(1.75 * bits * (self.get_nodeattr("PE") - 1))
        return tree + int(bits) // 2 + 2 * label_bits + 12

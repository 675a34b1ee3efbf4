# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""FINN's operator of depthwise convolutions, with our unit beside FINN's (which is for Versal)."""

from typing import Any

import numpy as np
from finn.custom_op.fpgadataflow.rtl.vectorvectoractivation_rtl import VVAU_rtl as FinnVVAU_rtl
from finn.custom_op.fpgadataflow.vectorvectoractivation import (
    VVAU as FinnVVAU,  # noqa: N811
)
from numpy.typing import NDArray
from onnx import GraphProto
from qonnx.core.datatype import BaseDataType, DataType

from hw.layers.matrix_rules import UNIT_ATTRIBUTES
from hw.layers.matrix_shape import MatrixShape, Operand
from hw.layers.matrix_unit import MatrixUnit

__all__ = ["VVAU", "VVAU_rtl"]

_UNFOLDED = ("Im2Col", "ConvolutionInputGenerator")  # write all channels of a place together


class VVAU(FinnVVAU):
    """The operator before specialisation.

    Unlike FINN's, the product of BIPOLAR operands is the sum of their products -1 and 1.
    """

    def get_nodeattr_types(self) -> dict[str, Any]:
        """Return FINN's attributes and those of `VVAU_rtl`."""
        return dict(super().get_nodeattr_types()) | UNIT_ATTRIBUTES

    def execute_node(self, context: dict[str, NDArray[Any]], graph: GraphProto) -> None:
        """Compute the output in `context`."""
        _execute(self, context, graph)


class VVAU_rtl(MatrixUnit, FinnVVAU_rtl):  # noqa: N801
    """The operator in RTL; see `MatrixUnit`."""

    finn_op = FinnVVAU_rtl

    def shape(self) -> MatrixShape:
        """Return size, folding and number formats."""
        return MatrixShape(
            inputs=int(np.prod(self.get_nodeattr("Kernel"))),
            outputs=int(self.get_nodeattr("Channels")),
            pe=int(self.get_nodeattr("PE")),
            simd=int(self.get_nodeattr("SIMD")),
            weight=Operand.of(self.get_input_datatype(1)),
            act=Operand.of(self.get_input_datatype(0)),
            out_bits=int(self.get_output_datatype().bitwidth()),
            depthwise=True,
            registered=bool(self.get_nodeattr("registered")),
        )

    def matrix(self, weights: NDArray[Any]) -> NDArray[Any]:
        """Return weights [C, 1, KH, KW] as a matrix [KH * KW, C]."""
        return weights.reshape(len(weights), -1).T

    def simulated_weights(self) -> BaseDataType:
        """Return the datatype as which FINN's rtlsim reads the weights of decoupled_npy."""
        datatype = self.get_input_datatype(1)
        return DataType["BINARY"] if datatype.name == "BIPOLAR" else datatype

    def execute_in_python(self, context: dict[str, NDArray[Any]], graph: GraphProto) -> None:
        """Compute the output in `context`."""
        _execute(self, context, graph)


def _execute(layer: FinnVVAU, context: dict[str, NDArray[Any]], graph: GraphProto) -> None:
    """Multiply exactly; thresholds are FINN's."""
    if not layer.get_nodeattr("noActivation"):
        FinnVVAU.execute_node(layer, context, graph)
        return
    node, channels = layer.onnx_node, int(layer.get_nodeattr("Channels"))
    writers = [other.op_type for other in graph.node if node.input[0] in other.output]
    pe = channels if set(writers) & set(_UNFOLDED) else int(layer.get_nodeattr("PE"))
    kernels = context[node.input[1]].reshape(channels // pe, pe, -1).swapaxes(1, 2)
    shape = layer.get_normal_output_shape()
    windows = context[node.input[0]].reshape(*shape[:-1], channels // pe, -1, pe)
    sums = np.einsum("...fkp,fkp->...fp", windows.astype(np.float64), kernels.astype(np.float64))
    context[node.output[0]] = sums.reshape(shape).astype(np.float32)

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""FINN's matrix-vector operator, with our unit beside FINN's."""

from typing import Any

import numpy as np
from finn.custom_op.fpgadataflow.matrixvectoractivation import (
    MVAU as FinnMVAU,  # noqa: N811
)
from finn.custom_op.fpgadataflow.rtl.matrixvectoractivation_rtl import MVAU_rtl as FinnMVAU_rtl
from numpy.typing import NDArray
from onnx import GraphProto

from hw.layers.matrix_rules import UNIT_ATTRIBUTES
from hw.layers.matrix_shape import MatrixShape, Operand
from hw.layers.matrix_unit import MatrixUnit

__all__ = ["MVAU", "MVAU_rtl"]


class MVAU(FinnMVAU):
    """The operator before specialisation.

    Unlike FINN's, the product of BIPOLAR operands is the sum of their products -1 and 1; only with
    binaryXnorMode is it the number of equal places.
    """

    def get_nodeattr_types(self) -> dict[str, Any]:
        """Return FINN's attributes and those of `MVAU_rtl`."""
        return dict(super().get_nodeattr_types()) | UNIT_ATTRIBUTES

    def execute_node(self, context: dict[str, NDArray[Any]], graph: GraphProto) -> None:
        """Compute the output in `context`."""
        _execute(self, context, graph)


class MVAU_rtl(MatrixUnit, FinnMVAU_rtl):  # noqa: N801
    """The operator in RTL; see `MatrixUnit`."""

    finn_op = FinnMVAU_rtl

    def shape(self) -> MatrixShape:
        """Return size, folding and number formats."""
        popcount = bool(self.get_nodeattr("binaryXnorMode"))
        bipolar = Operand(1, bipolar=True)
        operands = [Operand.of(self.get_input_datatype(i)) for i in (0, 1)]
        act, weight = (bipolar, bipolar) if popcount else operands
        return MatrixShape(
            inputs=int(self.get_nodeattr("MW")),
            outputs=int(self.get_nodeattr("MH")),
            pe=int(self.get_nodeattr("PE")),
            simd=int(self.get_nodeattr("SIMD")),
            weight=weight,
            act=act,
            out_bits=int(self.get_output_datatype().bitwidth()),
            popcount=popcount,
            registered=bool(self.get_nodeattr("registered")),
        )

    def matrix(self, weights: NDArray[Any]) -> NDArray[Any]:
        """Return the weights as a matrix [inputs, outputs], which they are."""
        return weights

    def execute_in_python(self, context: dict[str, NDArray[Any]], graph: GraphProto) -> None:
        """Compute the output in `context`."""
        _execute(self, context, graph)


def _execute(layer: FinnMVAU, context: dict[str, NDArray[Any]], graph: GraphProto) -> None:
    """Multiply exactly; thresholds and popcounts are FINN's."""
    if not layer.get_nodeattr("noActivation") or layer.get_nodeattr("binaryXnorMode"):
        FinnMVAU.execute_node(layer, context, graph)
        return
    node = layer.onnx_node
    vectors = context[node.input[0]].reshape(layer.get_normal_input_shape())
    product = vectors.astype(np.float64) @ context[node.input[1]].astype(np.float64)
    context[node.output[0]] = product.astype(np.float32)

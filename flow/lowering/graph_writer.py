# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Writing QONNX graphs node by node."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp
from qonnx.util.basic import qonnx_make_model

from flow.lowering.constants import Constant, constant_node

__all__ = ["GraphWriter"]

_GENERAL = "qonnx.custom_op.general"
_OPSET = 18
_CUSTOM = ("Quant", "BipolarQuant", "MultiThreshold", "Trunc")


@dataclass
class GraphWriter:
    """Nodes and constants of a graph; tensors are named t0, t1, ...

    Each node is executed at once on a few images, so that scales can be chosen by what they meet.

    Attributes:
        nodes, constants: of the graph, in order.
        values: name of a tensor -> its values, for a batch of images or constant.
    """

    nodes: list[NodeProto] = field(default_factory=list)
    constants: list[TensorProto] = field(default_factory=list)
    values: dict[str, NDArray[Any]] = field(default_factory=dict)

    def constant(self, value: object) -> str:
        """Add a constant, float32 unless it is an array of integers; return its name."""
        array: NDArray[Any] = np.asarray(value)
        array = array if array.dtype.kind in "iu" else array.astype(np.float32)
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(array, name))
        self.values[name] = array
        return name

    def node(self, op_type: str, *inputs: str, **attributes: object) -> str:
        """Add a node; return its output's name."""
        output = f"t{len(self.nodes)}"
        node = helper.make_node(
            op_type,
            inputs,
            [output],
            name=f"{op_type}_{len(self.nodes)}",
            domain=_GENERAL if op_type in _CUSTOM else "",
            **attributes,
        )
        self.nodes.append(node)
        context = {name: self.values[name] for name in inputs if name}
        self.values[output] = _executed(node, context)
        return output

    def drop_last(self) -> None:
        """Remove the node added last."""
        del self.values[self.nodes.pop().output[0]]

    def quant(
        self,
        tensor: str,
        scale: object,
        bits: int,
        *,
        signed: bool,
        narrow: bool = False,
        zero: object = 0.0,
        rounding: str = "ROUND",
    ) -> str:
        """Add a Quant node."""
        operands = (self.constant(scale), self.constant(zero), self.constant(float(bits)))
        flags = {"signed": int(signed), "narrow": int(narrow)}
        return self.node("Quant", tensor, *operands, rounding_mode=rounding, **flags)

    def model(
        self, source: tuple[str, list[int]], output: tuple[str, list[int]], kind: int
    ) -> ModelWrapper:
        """Return the graph from a float32 input to an output of a TensorProto type."""
        first = helper.make_tensor_value_info(source[0], TensorProto.FLOAT, source[1])
        last = helper.make_tensor_value_info(output[0], kind, output[1])
        graph = helper.make_graph(self.nodes, "random", [first], [last], self.constants)
        opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_GENERAL, 1)]
        return ModelWrapper(qonnx_make_model(graph, opset_imports=opsets))


def _executed(node: NodeProto, context: dict[str, NDArray[Any]]) -> NDArray[Any]:
    """Return a node's output."""
    if node.domain:
        found: dict[str, Any] = {**context, node.output[0]: context[node.input[0]]}
        getCustomOp(node, onnx_opset_version=1).execute_node(found, None)
        return np.asarray(found[node.output[0]], dtype=np.float32)
    constants = {name: Constant(value) for name, value in context.items()}
    return constant_node(node, constants, _OPSET)[node.output[0]].values

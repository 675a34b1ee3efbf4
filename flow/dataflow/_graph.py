# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A FINN dataflow graph while it is being written: tensors with datatypes, and nodes."""

from dataclasses import dataclass, field
from math import prod

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.util.basic import qonnx_make_model

from flow.integer import Interval

__all__ = ["DataflowWriter", "Tensor", "signed_datatype", "smallest_datatype"]

_DOMAIN = "finn.custom_op.fpgadataflow"
_OPSET = 18


@dataclass(frozen=True)
class Tensor:
    """A stream of the graph; shape is that of one image, without the batch of 1."""

    name: str
    shape: tuple[int, ...]
    datatype: str  # FINN's name, as "UINT4"

    @property
    def values(self) -> Interval:
        """All that the datatype holds."""
        datatype = DataType[self.datatype]
        return Interval(int(datatype.min()), int(datatype.max()))

    @property
    def channels(self) -> int:
        """Size of the last axis."""
        return self.shape[-1]

    @property
    def size(self) -> int:
        """Number of values."""
        return prod(self.shape)

    @property
    def vectors(self) -> list[int]:
        """FINN's numInputVectors: all axes but the channels, the batch in front."""
        return [1, *self.shape[:-1]]


def smallest_datatype(values: Interval) -> str:
    """Return the name of the narrowest FINN integer type that holds an interval."""
    if values.lo >= 0:
        return f"UINT{max(1, values.hi.bit_length())}"
    return signed_datatype(values)


def signed_datatype(values: Interval) -> str:
    """Return the name of the narrowest signed FINN type, INT2 or wider, that holds an interval."""
    bits = 1 + max((-values.lo - 1).bit_length() if values.lo < 0 else 0, values.hi.bit_length())
    return f"INT{max(2, bits)}"


@dataclass
class DataflowWriter:
    """Collects nodes of FINN's domain and makes the model of them.

    Attributes:
        source: the integer operation whose nodes are being written; kept with each node.
        operand: which of its inputs the node prepares; kept, too.
    """

    source: str = ""
    operand: int = 0
    nodes: list[NodeProto] = field(default_factory=list)
    tensors: list[Tensor] = field(default_factory=list)
    constants: list[tuple[str, NDArray[np.floating], str]] = field(default_factory=list)

    def constant(self, values: NDArray[np.int64], datatype: str) -> str:
        """Add an initializer of integers and return its name."""
        name = f"parameters{len(self.constants)}"
        self.constants.append((name, _exact(values), datatype))
        return name

    def tensor(self, shape: tuple[int, ...], datatype: str) -> Tensor:
        """Add a tensor that a node will write."""
        self.tensors.append(Tensor(f"stream{len(self.tensors)}", shape, datatype))
        return self.tensors[-1]

    def layer(
        self,
        op_type: str,
        inputs: list[str],
        shape: tuple[int, ...],
        datatype: str,
        **attributes: object,
    ) -> Tensor:
        """Add a node that is to become RTL, and return the one tensor that it writes."""
        output = self.tensor(shape, datatype)
        self.node(op_type, inputs, [output], **attributes)
        return output

    def node(
        self, op_type: str, inputs: list[str], outputs: list[Tensor], **attributes: object
    ) -> None:
        """Add a node that is to become RTL."""
        self.nodes.append(
            helper.make_node(
                op_type,
                inputs,
                [tensor.name for tensor in outputs],
                name=f"{op_type}_{len(self.nodes)}",
                domain=_DOMAIN,
                backend="fpgadataflow",
                preferred_impl_style="rtl",
                source=self.source,
                operand=self.operand,
                **attributes,
            )
        )

    def model(self, image: Tensor, output: Tensor) -> ModelWrapper:
        """Return the graph from the image to the output."""
        values = {t.name: _value_info(t) for t in (image, *self.tensors)}
        graph = helper.make_graph(
            self.nodes,
            "dataflow",
            [values.pop(image.name)],
            [values.pop(output.name)],
            value_info=list(values.values()),
        )
        opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(_DOMAIN, 1)]
        model = ModelWrapper(qonnx_make_model(graph, opset_imports=opsets))
        for name, array, datatype in self.constants:
            model.set_initializer(name, array)
            model.set_tensor_datatype(name, DataType[datatype])
        for tensor in (image, *self.tensors):
            model.set_tensor_datatype(tensor.name, DataType[tensor.datatype])
        return model


def _exact(values: NDArray[np.int64]) -> NDArray[np.floating]:
    """Return integers below 2**53 as float32 as FINN has them, or as float64 where that rounds."""
    narrow = values.astype(np.float32)
    return narrow if np.array_equal(narrow, values) else values.astype(np.float64)


def _value_info(tensor: Tensor) -> object:
    return helper.make_tensor_value_info(tensor.name, TensorProto.FLOAT, [1, *tensor.shape])

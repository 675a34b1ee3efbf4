# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Constants of the source graph, as integers times scales wherever a quantizer made them."""

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnx import NodeProto, helper, numpy_helper
from qonnx.custom_op.general.bipolar_quant import binary_quant
from qonnx.custom_op.general.intquant import int_quant

from flow.integer.operations import Integers
from flow.lowering._refusal import Refusal
from flow.lowering._values import Rationals, common_unit, rationals
from steelflow_names import one_line

__all__ = ["Constant", "attribute", "constant_node", "integer_codes"]

_LARGEST_CODE = 2**15 - 1  # of weights without a quantizer: more is a float, not an integer
_LARGEST_QUANTIZED = 2**53  # of what a quantizer made
_PARTS = (1, 2, 3, 4)  # the smallest weight is one of these multiples of the scale
_RESHAPING = ("Transpose", "Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity")


@dataclass(frozen=True, eq=False)
class Constant:
    """A constant; where codes is given, exactly codes * scale, elementwise.

    Attributes:
        values: what the source graph's executor computes.
        codes: integers of the same shape.
        scale: of a shape that broadcasts to that of codes.
    """

    values: NDArray[Any]
    codes: Integers | None = None
    scale: NDArray[Any] | None = None

    def exact(self) -> Rationals:
        """Return the values as fractions."""
        if self.codes is None or self.scale is None:
            return rationals(self.values)
        scale = np.broadcast_to(rationals(self.scale), self.codes.shape)
        result: Rationals = rationals(self.codes) * scale
        return np.asarray(result, dtype=object)

    def transposed(self, axes: tuple[int, ...]) -> "Constant":
        """Permute the axes."""
        if self.codes is None or self.scale is None:
            return Constant(self.values.transpose(axes))
        scale = np.broadcast_to(self.scale, self.codes.shape)
        codes = self.codes.transpose(axes)
        return Constant(self.values.transpose(axes), codes, _shrink(scale.transpose(axes)))

    def reshaped(self, shape: tuple[int, ...]) -> "Constant":
        """Change the shape."""
        if self.codes is None or self.scale is None:
            return Constant(self.values.reshape(shape))
        scale = np.broadcast_to(self.scale, self.codes.shape)
        codes = self.codes.reshape(shape)
        return Constant(self.values.reshape(shape), codes, _shrink(scale.reshape(shape)))


def _shrink(scale: NDArray[Any]) -> NDArray[Any]:
    """Keep one entry of each axis along which nothing changes."""
    for axis in range(scale.ndim):
        first = scale.take([0], axis=axis)
        if (scale == first).all():
            scale = first
    return scale


def attribute(node: NodeProto, name: str, default: Any = None) -> Any:  # noqa: ANN401 - any type
    """Return an attribute; text as str."""
    for item in node.attribute:
        if item.name == name:
            value = helper.get_attribute_value(item)
            return value.decode() if isinstance(value, bytes) else value
    return default


def constant_node(node: NodeProto, inputs: dict[str, Constant], opset: int) -> dict[str, Constant]:
    """Compute a node all of whose inputs are constant, as qonnx executes it.

    Raises:
        Refusal: the executor cannot.
    """
    values = [inputs[name].values if name else None for name in node.input]
    try:
        outputs = _execute(node, values, opset)
    except Exception as error:
        # numpy, qonnx and onnxruntime raise anything, bare Exception included
        raise Refusal(
            f"its constant inputs cannot be computed ({one_line(error)[:200]})",
            "export the model again",
            structural=True,
        ) from error
    results = {
        name: Constant(np.asarray(found)) for name, found in zip(node.output, outputs, strict=False)
    }
    first = node.output[0]
    if values:
        results[first] = _with_codes(node, inputs, results[first])
    return results


def _execute(node: NodeProto, values: list[Any], opset: int) -> list[Any]:
    match node.op_type:
        case "Quant" | "IntQuant":
            signed, narrow = attribute(node, "signed", 1), attribute(node, "narrow", 1)
            mode = attribute(node, "rounding_mode", "ROUND")
            found = int_quant(*values[:4], signed, narrow, mode)
            return [np.asarray(found, dtype=np.float32)]
        case "BipolarQuant":
            return [np.asarray(binary_quant(*values[:2]), dtype=np.float32)]
    return _run(node, values, opset)


def _run(node: NodeProto, values: list[Any], opset: int) -> list[Any]:
    """Run one node in onnxruntime."""
    constants = [
        numpy_helper.from_array(value, name)
        for name, value in dict(zip(node.input, values, strict=True)).items()
        if name
    ]
    outputs = [helper.make_empty_tensor_value_info(name) for name in node.output]
    graph = helper.make_graph([node], "constant", [], outputs, constants)
    imports = [helper.make_opsetid(node.domain, opset)]
    model = helper.make_model(graph, opset_imports=imports, ir_version=8)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    return list(session.run(None, {}))


def _with_codes(node: NodeProto, inputs: dict[str, Constant], result: Constant) -> Constant:
    data = inputs[node.input[0]]
    if node.op_type in ("Quant", "IntQuant", "BipolarQuant"):
        return _coded(result, inputs[node.input[1]].values)
    if node.op_type == "DequantizeLinear":
        scale = inputs[node.input[1]].values
        axis = attribute(node, "axis", 1) % max(data.values.ndim, 1)
        if scale.size > 1:
            scale = scale.reshape([-1 if i == axis else 1 for i in range(data.values.ndim)])
        return _coded(result, scale)
    if node.op_type == "Transpose":
        reverse = tuple(reversed(range(data.values.ndim)))
        return data.transposed(tuple(attribute(node, "perm", reverse)))
    if node.op_type in _RESHAPING:
        return data.reshaped(result.values.shape)
    return result


def _coded(result: Constant, scale: NDArray[Any]) -> Constant:
    """Recover a quantizer's integers from its output; they are far below float32's 2**24."""
    quotients = result.values.astype(np.float64) / scale
    codes = np.rint(quotients)
    if not np.isfinite(codes).all() or np.abs(quotients - codes).max(initial=0) > 1e-2:
        return result  # the zero point is not an integer
    if np.abs(codes).max(initial=0) > _LARGEST_QUANTIZED:
        return result  # only a damaged zero point makes such
    return replace(result, codes=codes.astype(np.int64), scale=np.asarray(scale))


def integer_codes(weights: Constant, channel_axis: int) -> tuple[Integers, Rationals]:
    """Return codes and scales (broadcastable) whose products are the weights.

    Raises:
        Refusal: weights that no quantizer made and that are not integers times a scale.
    """
    if weights.codes is not None and weights.scale is not None:
        return weights.codes, _aligned(rationals(weights.scale), weights.codes.ndim)
    values = weights.values.astype(np.float64)
    if not np.isfinite(values).all():
        raise Refusal("its weights are not finite", "train or export it again", structural=True)
    found = _grid(values, weights.values)
    if found is not None:
        return found[0], rationals(np.ones([1] * values.ndim, dtype=np.int64)) * found[1]
    return _channel_codes(weights.values, channel_axis)


def _aligned(scale: Rationals, ndim: int) -> Rationals:
    return scale.reshape([1] * (ndim - scale.ndim) + list(scale.shape))


def _channel_codes(values: NDArray[Any], axis: int) -> tuple[Integers, Rationals]:
    """Find a scale for each output channel on its own."""
    moved = np.moveaxis(values, axis, 0)
    grids = [_grid(channel.astype(np.float64), channel) for channel in moved]
    missing = [i for i, grid in enumerate(grids) if grid is None]
    if missing:
        raise Refusal(
            f"its weights are neither quantized nor integers of at most 16 bits times a scale "
            f"(channel {missing[0]} has {len(np.unique(moved[missing[0]]))} different values)",
            "put a Quant node before them",
            structural=True,
        )
    found = [grid for grid in grids if grid is not None]
    codes = np.moveaxis(np.stack([grid[0] for grid in found]), 0, axis)
    scale = np.empty([len(found) if i == axis else 1 for i in range(values.ndim)], dtype=object)
    scale.reshape(-1)[:] = [grid[1] for grid in found]
    return codes, scale


def _grid(values: NDArray[np.float64], stored: NDArray[Any]) -> tuple[Integers, Fraction] | None:
    """Return (codes, scale) of at most 16 bits with codes * scale == stored, if there are any."""
    sizes = np.unique(np.abs(values[values != 0]))
    if not sizes.size:
        return np.zeros(values.shape, dtype=np.int64), Fraction(1)
    largest = sizes[-1]
    if sizes.size <= _LARGEST_CODE:
        unit = common_unit([Fraction(size) for size in sizes.tolist()])
        if Fraction(largest) / unit <= _LARGEST_CODE:
            return np.rint(values / float(unit)).astype(np.int64), unit
    for part in _PARTS:
        unit = Fraction(float(np.float32(sizes[0] / part)))
        codes = np.rint(values / float(unit))
        if np.abs(codes).max() <= _LARGEST_CODE and _rounds_to(codes, unit, stored):
            return codes.astype(np.int64), unit
    return None


def _rounds_to(codes: NDArray[np.float64], unit: Fraction, stored: NDArray[Any]) -> bool:
    products = codes.astype(np.float32) * np.float32(float(unit))
    return np.array_equal(products, stored.astype(np.float32))

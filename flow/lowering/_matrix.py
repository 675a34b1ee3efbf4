# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Conv, Gemm and MatMul with constant weights."""

from fractions import Fraction

import numpy as np
from onnx import NodeProto

from flow.integer import Convolution, Dense
from flow.integer.operations import Integers, Padding
from flow.lowering._builder import Builder
from flow.lowering._operands import Operands, constant, data, optional
from flow.lowering._products import Weights, product
from flow.lowering._refusal import Refusal
from flow.lowering._settle import as_image, centred, flat, plain, unclamped
from flow.lowering._values import NO_PADDING, Rationals, Value, image_index, objects
from flow.lowering.constants import Constant, attribute, integer_codes

__all__ = ["conv", "gemm", "matmul", "window_padding"]

_LARGEST_KERNEL = 1024


def conv(builder: Builder, node: NodeProto, operands: Operands) -> Value:
    """Lower a 2-D Conv (a 1-D one is lifted); a dilated kernel gets its zeros."""
    weights = constant(operands, 1, "weight")
    if weights.values.ndim != 4:
        raise Refusal(
            f"its weights have shape {weights.values.shape}",
            "use 1-D or 2-D convolutions",
            structural=True,
        )
    found = _window_weights(node, weights, optional(operands, 2, "bias"))
    groups, kernel = attribute(node, "group", 1), found.codes.shape[:2]
    value = data(operands)
    if _is_vector(value) and kernel == (1, 1) and groups == 1:
        value = unclamped(builder, node.name, value)
        return _dense(builder, node, value, found, 1)
    value = unclamped(builder, node.name, as_image(builder, node.name, value))
    padding = _total_padding(node, value, (kernel[0], kernel[1]))
    if any(padding):
        value = centred(builder, node.name, value)
    sums = product(found, value, builder.interval(value), groups)
    operation = Convolution(
        name=node.name,
        inputs=(value.source,),
        weights=sums.weights,
        stride=_pair(node, "strides"),
        padding=padding,
        groups=groups,
    )
    source = builder.emit(operation)
    builder.factors[source] = sums.factors
    shape = builder.shapes[source]
    index = image_index(shape)
    return Value.plain(source, shape, index, sums.unit, sums.offset, known=value.known)


def _window_weights(node: NodeProto, weights: Constant, bias: Constant | None) -> Weights:
    """Return a convolution's weights as int64[KH, KW, I, O], spread by its dilation."""
    codes, scale = integer_codes(weights.transposed((2, 3, 1, 0)), 3)
    if scale.shape[0] > 1 or scale.shape[1] > 1:
        raise Refusal(
            "its weights' scale changes inside a kernel",
            "use one scale for each filter",
            structural=True,
        )
    codes = _dilated(codes, _pair(node, "dilations"))
    return Weights(codes, scale, None if bias is None else bias.exact())


def _is_vector(value: Value) -> bool:
    return len(value.shape) == 1 and value.index.ndim == 4 and value.index.shape[2:] == (1, 1)


def _pair(node: NodeProto, name: str) -> tuple[int, int]:
    given = attribute(node, name, [1, 1])
    return int(given[0]), int(given[1])


def _dilated(codes: Integers, dilation: tuple[int, int]) -> Integers:
    if dilation == (1, 1):
        return codes
    sizes = [(codes.shape[i] - 1) * dilation[i] + 1 for i in (0, 1)]
    if max(sizes) > _LARGEST_KERNEL:
        raise Refusal(
            f"dilations {list(dilation)} make a kernel of {sizes}",
            f"use kernels of at most {_LARGEST_KERNEL}",
            structural=True,
        )
    spread = np.zeros((*sizes, *codes.shape[2:]), dtype=np.int64)
    spread[:: dilation[0], :: dilation[1]] = codes
    return spread


def _total_padding(node: NodeProto, value: Value, kernel: tuple[int, int]) -> Padding:
    own = window_padding(node, value, kernel, _pair(node, "strides"))
    top, left, bottom, right = (a + b for a, b in zip(own, value.padding, strict=True))
    return (top, left, bottom, right)


def window_padding(
    node: NodeProto, value: Value, kernel: tuple[int, int], stride: tuple[int, int]
) -> Padding:
    """Return the zeros around the tensor (top, left, bottom, right), after auto_pad."""
    mode = attribute(node, "auto_pad", "NOTSET")
    if mode in ("NOTSET", ""):
        top, left, bottom, right = attribute(node, "pads", NO_PADDING)
        return (int(top), int(left), int(bottom), int(right))
    if mode == "VALID":
        return NO_PADDING
    before, after = [], []
    for size, width, step in zip(value.index.shape[2:], kernel, stride, strict=True):
        total = max((-(-size // step) - 1) * step + width - size, 0)
        small, large = total // 2, total - total // 2
        before.append(small if mode == "SAME_UPPER" else large)
        after.append(large if mode == "SAME_UPPER" else small)
    return (before[0], before[1], after[0], after[1])


def gemm(builder: Builder, node: NodeProto, operands: Operands) -> Value:
    """Lower Gemm: alpha * x @ weights + beta * bias."""
    if attribute(node, "transA", 0):
        raise Refusal("transA is 1", "transpose its weights instead", structural=True)
    weights = _second(operands)
    if attribute(node, "transB", 0):
        weights = weights.transposed((1, 0))
    alpha, beta = (Fraction(attribute(node, name, 1.0)) for name in ("alpha", "beta"))
    if not alpha:
        raise Refusal("alpha is 0, so that no image counts", "set it to 1", structural=True)
    bias = optional(operands, 2, "bias")
    scaled = None if bias is None else bias.exact().reshape(-1) * (beta / alpha)
    value = _product_of_rows(builder, node, data(operands), weights, scaled)
    factor = objects([alpha] * value.channels)
    return value.affine(factor, factor * 0)


def _second(operands: Operands) -> Constant:
    """Return the matrix of a product, which comes behind the data."""
    if isinstance(operands[0], Constant) and isinstance(operands[1], Value):
        raise Refusal(
            "its constant comes first", "multiply the image by the transposed one", structural=True
        )
    return constant(operands, 1, "weight")


def matmul(builder: Builder, node: NodeProto, operands: Operands) -> Value:
    """Lower MatMul of vectors, or of the pixels of a channels-last image."""
    weights = _second(operands)
    if weights.values.ndim != 2:
        raise Refusal(
            f"its weights have shape {weights.values.shape}", "use a matrix", structural=True
        )
    return _product_of_rows(builder, node, data(operands), weights, None)


def _product_of_rows(
    builder: Builder, node: NodeProto, value: Value, weights: Constant, bias: Rationals | None
) -> Value:
    codes, scale = integer_codes(weights.reshaped((1, 1, *weights.values.shape)), 3)
    features = value.index.shape[-1]
    if features != codes.shape[2]:
        raise Refusal(
            f"its input has {features} features, its weights {codes.shape[2]} rows",
            "export the model again",
        )
    value = plain(builder, node.name, value)
    found = Weights(codes, scale, bias)
    if value.index.size == features:
        return _dense(builder, node, value, found, value.index.ndim - 1)
    return _pixelwise(builder, node, value, found)


def _dense(builder: Builder, node: NodeProto, value: Value, weights: Weights, axis: int) -> Value:
    """Multiply a vector along the only axis of its tensor that can have a size other than 1."""
    order, before = value.index.reshape(-1), value.index.shape
    value = flat(builder, node.name, value)
    shape = (1, 1, value.channels, weights.codes.shape[3])
    codes = np.zeros(shape, dtype=np.int64)
    codes[:, :, order] = weights.codes
    scale = weights.scale
    if scale.shape[2] > 1:
        scale = np.ones((*shape[:3], scale.shape[3]), dtype=object)
        scale[:, :, order] = weights.scale
    found = Weights(codes, scale, weights.bias)
    sums = product(found, value, builder.interval(value))
    matrix = sums.weights[0, 0]
    source = builder.emit(Dense(name=node.name, inputs=(value.source,), weights=matrix))
    builder.factors[source] = sums.factors
    after = [shape[3] if place == axis else 1 for place in range(len(before))]
    index = np.arange(shape[3]).reshape(after)
    return Value.plain(source, (shape[3],), index, sums.unit, sums.offset, known=value.known)


def _pixelwise(builder: Builder, node: NodeProto, value: Value, weights: Weights) -> Value:
    """Multiply every pixel of a channels-last image: a 1x1 convolution."""
    in_order = np.array_equal(value.index.reshape(-1), np.arange(int(np.prod(value.shape))))
    if not in_order or value.channels != weights.codes.shape[2] or len(value.shape) != 3:
        raise Refusal(
            f"its input of shape {value.index.shape} is neither a vector nor a channels-last image",
            "flatten the image, or transpose it to NHWC",
        )
    sums = product(weights, value, builder.interval(value))
    source = builder.emit(Convolution(name=node.name, inputs=(value.source,), weights=sums.weights))
    builder.factors[source] = sums.factors
    shape = builder.shapes[source]
    index = np.arange(int(np.prod(shape))).reshape(*value.index.shape[:-1], shape[2])
    return Value.plain(source, shape, index, sums.unit, sums.offset, known=value.known)

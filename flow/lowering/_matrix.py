# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Conv, Gemm and MatMul with constant weights."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
from onnx import NodeProto

from flow.integer import Convolution, Dense
from flow.integer.operations import Integers, Padding
from flow.lowering._builder import Builder
from flow.lowering._constants import Constant, attribute, integer_codes
from flow.lowering._operands import Operands, constant, data, optional
from flow.lowering._refusal import Refusal
from flow.lowering._settle import as_image, centred, flat, plain, unclamped
from flow.lowering._values import (
    NO_PADDING,
    Rationals,
    Value,
    common_unit,
    image_index,
    objects,
    rationals,
    same,
)

__all__ = ["conv", "gemm", "matmul", "window_padding"]

_LARGEST_WEIGHT = 2**16
_LARGEST_KERNEL = 1024


@dataclass(frozen=True, eq=False)
class _Product:
    """Integer weights, and what the real sums are in terms of the integer ones.

    Attributes:
        weights: int64[KH, KW, I, O].
        unit: real value of one of each output's integer steps.
        offset: real value of each output's 0.
    """

    weights: Integers
    unit: Rationals
    offset: Rationals


def conv(builder: Builder, node: NodeProto, operands: Operands) -> Value:
    """Lower a 2-D Conv; a dilated kernel gets its zeros."""
    weights = constant(operands, 1, "weight")
    if weights.values.ndim != 4:
        raise Refusal(
            f"its weights have shape {weights.values.shape}",
            "use 2-D convolutions",
            structural=True,
        )
    codes, scale = integer_codes(weights.transposed((2, 3, 1, 0)), 3)
    codes = _dilated(codes, _pair(node, "dilations"))
    if scale.shape[0] > 1 or scale.shape[1] > 1:
        raise Refusal("its weights' scale changes inside a kernel", "use one scale for each filter")
    groups = attribute(node, "group", 1)
    value = data(operands)
    if _is_vector(value) and codes.shape[:2] == (1, 1) and groups == 1:
        return _dense_of_conv(builder, node, operands, (codes, scale))
    value = unclamped(builder, node.name, as_image(builder, node.name, value))
    padding = _total_padding(node, value, (codes.shape[0], codes.shape[1]))
    if any(padding):
        value = centred(builder, node.name, value)
    product = _with_bias(_product(codes, scale, value, groups), optional(operands, 2, "bias"))
    operation = Convolution(
        name=node.name,
        inputs=(value.source,),
        weights=product.weights,
        stride=_pair(node, "strides"),
        padding=padding,
        groups=groups,
    )
    source = builder.emit(operation)
    shape = builder.shapes[source]
    index = image_index(shape)
    return Value.plain(source, shape, index, product.unit, product.offset, known=value.known)


def _is_vector(value: Value) -> bool:
    return len(value.shape) == 1 and value.index.ndim == 4 and value.index.shape[2:] == (1, 1)


def _dense_of_conv(
    builder: Builder, node: NodeProto, operands: Operands, weights: tuple[Integers, Rationals]
) -> Value:
    """Lower a 1x1 convolution of a vector."""
    codes, scale = weights
    value = unclamped(builder, node.name, data(operands))
    order = value.index.reshape(-1)
    found = _dense(builder, node, value, codes, scale, order, optional(operands, 2, "bias"))
    return replace(found, index=found.index.reshape(1, -1, 1, 1))


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
    weights = constant(operands, 1, "weight")
    if attribute(node, "transB", 0):
        weights = weights.transposed((1, 0))
    alpha, beta = (Fraction(attribute(node, name, 1.0)) for name in ("alpha", "beta"))
    bias = optional(operands, 2, "bias")
    scaled = None if bias is None else bias.exact() * (beta / alpha)
    value = _product_of_rows(builder, node, data(operands), weights, scaled)
    factor = objects([alpha] * value.channels)
    return value.affine(factor, factor * 0)


def matmul(builder: Builder, node: NodeProto, operands: Operands) -> Value:
    """Lower MatMul of vectors, or of the pixels of a channels-last image."""
    weights = constant(operands, 1, "weight")
    if weights.values.ndim != 2:
        raise Refusal(
            f"its weights have shape {weights.values.shape}", "use a matrix", structural=True
        )
    return _product_of_rows(builder, node, data(operands), weights, None)


def _product_of_rows(
    builder: Builder, node: NodeProto, value: Value, weights: Constant, bias: Rationals | None
) -> Value:
    codes, scale = integer_codes(weights.reshaped((1, 1, *weights.values.shape)), 3)
    *lead, features = value.index.shape
    if features != codes.shape[2]:
        raise Refusal(
            f"its input has {features} features, its weights {codes.shape[2]} rows",
            "export the model again",
        )
    value = plain(builder, node.name, value)
    if int(np.prod(lead)) == 1:
        order = value.index.reshape(-1)
        found = _dense(builder, node, value, codes, scale, order, bias)
    else:
        found = _pixelwise(builder, node, value, codes, scale, bias)
    return replace(found, index=found.index.reshape(*lead, codes.shape[3]))


def _dense(
    builder: Builder,
    node: NodeProto,
    value: Value,
    codes: Integers,
    scale: Rationals,
    order: Integers,
    bias: Rationals | Constant | None,
) -> Value:
    """Multiply a vector, whose features have the given places in the source."""
    value = flat(builder, node.name, value)
    rows = np.zeros((1, 1, value.channels, codes.shape[3]), dtype=np.int64)
    rows[:, :, order] = codes
    if scale.shape[2] > 1:
        spread = np.ones((1, 1, value.channels, scale.shape[3]), dtype=object)
        spread[:, :, order] = scale
        scale = spread
    product = _with_bias(_product(rows, scale, value, 1), bias)
    source = builder.emit(
        Dense(name=node.name, inputs=(value.source,), weights=product.weights[0, 0])
    )
    count = codes.shape[3]
    return Value.plain(
        source, (count,), np.arange(count), product.unit, product.offset, known=value.known
    )


def _pixelwise(
    builder: Builder,
    node: NodeProto,
    value: Value,
    codes: Integers,
    scale: Rationals,
    bias: Rationals | None,
) -> Value:
    """Multiply every pixel of a channels-last image: a 1x1 convolution."""
    in_order = np.array_equal(value.index.reshape(-1), np.arange(int(np.prod(value.shape))))
    if not in_order or value.channels != codes.shape[2] or len(value.shape) != 3:
        raise Refusal(
            f"its input of shape {value.index.shape} is neither a vector nor a channels-last image",
            "flatten the image, or transpose it to NHWC",
        )
    product = _with_bias(_product(codes, scale, value, 1), bias)
    source = builder.emit(
        Convolution(name=node.name, inputs=(value.source,), weights=product.weights)
    )
    shape = builder.shapes[source]
    index = np.arange(int(np.prod(shape)))
    return Value.plain(source, shape, index, product.unit, product.offset, known=value.known)


def _with_bias(product: _Product, bias: Rationals | Constant | None) -> _Product:
    if bias is None:
        return product
    exact = bias.exact() if isinstance(bias, Constant) else bias
    if exact.size not in (1, product.unit.size):
        raise Refusal(
            f"its bias has {exact.size} entries for {product.unit.size} outputs",
            "export the model again",
            structural=True,
        )
    return replace(product, offset=product.offset + exact.reshape(-1))


def _product(codes: Integers, scale: Rationals, value: Value, groups: int) -> _Product:
    """Combine codes int64[KH, KW, I, O], their scales and the scales of the input's channels."""
    inputs, outputs = codes.shape[2:]
    if inputs * groups != value.channels or outputs % groups:
        raise Refusal(
            f"its weights read {inputs * groups} channels in {groups} groups, its input has "
            f"{value.channels}",
            "export the model again",
        )
    parts = []
    for group, own in enumerate(np.split(np.arange(outputs), groups)):
        channels = slice(group * inputs, (group + 1) * inputs)
        scales = scale[0, 0] if scale.shape[3] == 1 else scale[0, 0][:, own]
        steps, starts = value.scale[channels], value.offset[channels]
        parts.append(_group(codes[..., own], scales, steps, starts))
    return _Product(
        np.concatenate([part.weights for part in parts], axis=3),
        np.concatenate([part.unit for part in parts]),
        np.concatenate([part.offset for part in parts]),
    )


def _group(codes: Integers, scale: Rationals, steps: Rationals, starts: Rationals) -> _Product:
    """Do _product for one group; scale is of [I or 1, O or 1]."""
    inputs, outputs = codes.shape[2:]
    offset = _offset(codes, scale, starts)
    if scale.shape[0] == 1 and steps[0] and same(steps):
        unit = np.broadcast_to(scale[0] * steps[0], (outputs,)).copy()
        return _Product(codes, unit, offset)
    real = np.broadcast_to(scale, (inputs, outputs)) * steps[:, None]
    used = np.abs(codes).sum(axis=(0, 1)) > 0
    units = [common_unit([real[i, o] for i in np.flatnonzero(used[:, o])]) for o in range(outputs)]
    multiples = [[_multiple(real[i, o], units[o]) for o in range(outputs)] for i in range(inputs)]
    factors = np.where(used, np.array(multiples, dtype=object), 0)
    largest = int((np.abs(codes).max(axis=(0, 1)) * np.abs(factors)).max())
    if largest > _LARGEST_WEIGHT:
        raise Refusal(
            f"the scales of its input's channels have no small common unit (a weight becomes "
            f"{largest})",
            "quantize its input with one scale for all channels",
        )
    return _Product(codes * factors.astype(np.int64), objects(units), offset)


def _multiple(value: Fraction, unit: Fraction) -> int:
    """Return value / unit; meaningless, and not used, where it is no integer."""
    return int(value / unit)


def _offset(codes: Integers, scale: Rationals, starts: Rationals) -> Rationals:
    """Return each output's sum over its weights times the offset of the input."""
    outputs = codes.shape[3]
    if not any(starts):
        return rationals(np.zeros(outputs, dtype=np.int64))
    sums = codes.sum(axis=(0, 1))
    if scale.shape[0] == 1:
        by_start: Sequence[Fraction] = list(dict.fromkeys(starts))
        rows = [sums[[s == start for s in starts]].sum(axis=0) for start in by_start]
        total = sum(rationals(row) * start for row, start in zip(rows, by_start, strict=True))
        return np.asarray(total * scale[0], dtype=object)
    total = (rationals(sums) * np.broadcast_to(scale, sums.shape) * starts[:, None]).sum(axis=0)
    return np.asarray(total, dtype=object)

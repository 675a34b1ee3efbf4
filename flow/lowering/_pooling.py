# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Maxima and averages over windows and over the whole image."""

from dataclasses import replace
from fractions import Fraction

from onnx import NodeProto

from flow.integer import MaxPool, SumPool
from flow.integer.operations import Padding
from flow.lowering._builder import Builder
from flow.lowering._constants import attribute
from flow.lowering._matrix import window_padding
from flow.lowering._operands import Operands, data, integers, optional
from flow.lowering._refusal import Refusal
from flow.lowering._settle import as_image, centred, oriented, plain, unclamped, unpadded
from flow.lowering._values import NO_PADDING, Value, image_index, objects

__all__ = [
    "average_pool",
    "global_average",
    "global_max",
    "max_pool",
    "reduce_max",
    "reduce_mean",
    "reduce_sum",
]


def max_pool(builder: Builder, node: NodeProto, operands: Operands) -> Value:
    """Lower MaxPool; it commutes with growing functions, so nothing need be quantized before it."""
    value = as_image(builder, node.name, unpadded(builder, node.name, data(operands)))
    kernel, stride, padding = _window(node, value)
    if len(node.output) > 1 and node.output[1]:
        raise Refusal("its indices are used", "use the values alone", structural=True)
    padding = _with_ceiling(node, value, padding)
    if any(pad >= size for pad, size in zip(padding[:2], kernel, strict=True)):
        raise Refusal(f"a window of {kernel} may hold padding alone", "use less padding")
    value = oriented(builder, node.name, value)
    operation = MaxPool(
        name=node.name, inputs=(value.source,), kernel=kernel, stride=stride, padding=padding
    )
    return _over_image(builder, value, builder.emit(operation))


def average_pool(builder: Builder, node: NodeProto, operands: Operands) -> Value:
    """Lower AveragePool: a sum, whose divisor goes into the scale."""
    value = as_image(builder, node.name, data(operands))
    kernel, stride, own = _window(node, value)
    value = unclamped(builder, node.name, value)
    if _with_ceiling(node, value, own) != own:
        raise Refusal(
            "ceil_mode adds windows that reach over the edge", "set ceil_mode=0", structural=True
        )
    if any(own) and not attribute(node, "count_include_pad", 0):
        raise Refusal(
            "its padding does not count in the average (count_include_pad=0)",
            "set count_include_pad=1 or use no padding",
            structural=True,
        )
    top, left, bottom, right = (a + b for a, b in zip(own, value.padding, strict=True))
    return _average(builder, node, value, (kernel, stride, (top, left, bottom, right)))


def _average(
    builder: Builder,
    node: NodeProto,
    value: Value,
    window: tuple[tuple[int, int], tuple[int, int], Padding],
) -> Value:
    kernel, stride, padding = window
    if any(padding):
        value = centred(builder, node.name, value)
    operation = SumPool(
        name=node.name, inputs=(value.source,), kernel=kernel, stride=stride, padding=padding
    )
    result = _over_image(builder, value, builder.emit(operation))
    size = Fraction(kernel[0] * kernel[1])
    return replace(result, scale=result.scale / size, padding=NO_PADDING)


def global_average(builder: Builder, node: NodeProto, operands: Operands) -> Value:
    """Lower GlobalAveragePool."""
    value = as_image(builder, node.name, data(operands))
    value = plain(builder, node.name, value)
    size = (value.shape[0], value.shape[1])
    return _average(builder, node, value, (size, (1, 1), NO_PADDING))


def global_max(builder: Builder, node: NodeProto, operands: Operands) -> Value:
    """Lower GlobalMaxPool."""
    value = as_image(builder, node.name, unpadded(builder, node.name, data(operands)))
    value = oriented(builder, node.name, value)
    size = (value.shape[0], value.shape[1])
    pool = MaxPool(name=node.name, inputs=(value.source,), kernel=size, stride=(1, 1))
    return _over_image(builder, value, builder.emit(pool))


def reduce_mean(builder: Builder, node: NodeProto, operands: Operands) -> Value:
    """Lower ReduceMean over height and width."""
    value, keep = _as_nchw(builder, node, operands)
    return keep(global_average(builder, node, [value]))


def reduce_sum(builder: Builder, node: NodeProto, operands: Operands) -> Value:
    """Lower ReduceSum over height and width."""
    value, keep = _as_nchw(builder, node, operands)
    height, width = value.index.shape[2:]
    factor = objects([Fraction(height * width)] * value.channels)
    result = global_average(builder, node, [value])
    return keep(result.affine(factor[: result.channels], factor[: result.channels] * 0))


def reduce_max(builder: Builder, node: NodeProto, operands: Operands) -> Value:
    """Lower ReduceMax over height and width."""
    value, keep = _as_nchw(builder, node, operands)
    return keep(global_max(builder, node, [value]))


class _Kept:
    """Gives the reduced NCHW tensor the shape that the node's attributes ask for."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.shape = shape

    def __call__(self, value: Value) -> Value:
        return replace(value, index=value.index.reshape(self.shape))


def _as_nchw(builder: Builder, node: NodeProto, operands: Operands) -> tuple[Value, _Kept]:
    """Return the image of a reduction as NCHW, and what restores its layout."""
    value = unpadded(builder, node.name, data(operands))
    rank = value.index.ndim
    given = integers(optional(operands, 1, "axes")) or attribute(node, "axes", range(rank))
    axes = sorted(axis % rank for axis in given)
    if rank != 4 or axes not in ([2, 3], [1, 2]):
        raise Refusal(
            f"axes {list(given)} of a tensor of shape {value.index.shape} are not height and width",
            "reduce over the image's height and width",
            structural=True,
        )
    order = (0, 1, 2, 3) if axes == [2, 3] else (0, 3, 1, 2)
    shape: list[int] = [1 if axis in axes else size for axis, size in enumerate(value.index.shape)]
    if not attribute(node, "keepdims", 1):
        shape = [size for axis, size in enumerate(value.index.shape) if axis not in axes]
    return replace(value, index=value.index.transpose(order)), _Kept(tuple(shape))


def _window(node: NodeProto, value: Value) -> tuple[tuple[int, int], tuple[int, int], Padding]:
    """Return kernel, stride and padding of a 2-D pool."""
    kernel = tuple(attribute(node, "kernel_shape", ()))
    if len(kernel) != 2 or any(step != 1 for step in attribute(node, "dilations", (1, 1))):
        raise Refusal(
            f"kernel_shape {list(kernel)} with dilations {attribute(node, 'dilations', [1, 1])}",
            "use a 2-D pool without dilation",
            structural=True,
        )
    stride = tuple(attribute(node, "strides", (1, 1)))
    size, step = (kernel[0], kernel[1]), (stride[0], stride[1])
    return size, step, window_padding(node, value, size, step)


def _with_ceiling(node: NodeProto, value: Value, padding: Padding) -> Padding:
    """Return the padding with what ceil_mode adds below and to the right."""
    if not attribute(node, "ceil_mode", 0):
        return padding
    kernel, stride = attribute(node, "kernel_shape"), attribute(node, "strides", (1, 1))
    extra = []
    for axis in (0, 1):
        size = value.index.shape[2 + axis]
        rest = (size + padding[axis] + padding[2 + axis] - kernel[axis]) % stride[axis]
        starts = size + padding[axis] + padding[2 + axis] - kernel[axis] - rest + stride[axis]
        more = rest > 0 and starts < size + padding[axis]
        extra.append(stride[axis] - rest if more else 0)
    return (padding[0], padding[1], padding[2] + extra[0], padding[3] + extra[1])


def _over_image(builder: Builder, value: Value, source: str) -> Value:
    """Return the value, element by element, of a source of another size."""
    shape = builder.shapes[source]
    return replace(value, source=source, shape=shape, index=image_index(shape))

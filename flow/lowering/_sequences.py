# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Layers of sequences [N, C, L]: those of images of height 1, or of width 1."""

from collections.abc import Callable

from onnx import NodeProto, helper

from flow.lowering._builder import Builder
from flow.lowering._layouts import Layout, image_layout, layouts
from flow.lowering._operands import Operand, Operands
from flow.lowering._values import Value
from flow.lowering.constants import Constant

__all__ = ["lifted"]

_Rule = Callable[[Builder, NodeProto, Operands], Value]
_HEIGHT = 2  # where the added axis is the height of NCHW
_PER_AXIS = ("kernel_shape", "strides", "dilations")


def lifted(rule: _Rule) -> _Rule:
    """Let a rule for images [N, C, H, W] take sequences [N, C, L] too."""

    def apply(builder: Builder, node: NodeProto, operands: Operands) -> Value:
        value = operands[0] if operands else None
        if not isinstance(value, Value) or value.index.ndim != 3:
            return rule(builder, node, operands)
        layout = _layout(value)
        rest = [_with_axis(operand, layout) for operand in operands[1:]]
        return layout.back(rule(builder, _of_images(node, layout), [layout.image(value), *rest]))

    return apply


def _layout(value: Value) -> Layout:
    """Return the channels-first layout in which the tensor is its source's image, if one is."""
    first = [layout for layout in layouts(3) if layout.place(1) == 1]
    found = image_layout(value)
    return found if found in first else first[0]


def _with_axis(operand: Operand, layout: Layout) -> Operand:
    """Return weights [O, I, K] as those of images; anything else as it is."""
    if not isinstance(operand, Constant) or operand.values.ndim != 3:
        return operand
    outputs, inputs, size = operand.values.shape
    kernel = (1, size) if layout.added == _HEIGHT else (size, 1)
    return operand.reshaped((outputs, inputs, *kernel))


def _of_images(node: NodeProto, layout: Layout) -> NodeProto:
    """Return the node with attributes of two axes, of which the added one does nothing."""
    result = NodeProto()
    result.CopyFrom(node)
    del result.attribute[:]
    for item in node.attribute:
        value = helper.get_attribute_value(item)
        if item.name in _PER_AXIS:
            value = [1, *value] if layout.added == _HEIGHT else [*value, 1]
        elif item.name == "pads":
            before, after = value
            of_height = layout.added == _HEIGHT
            value = [0, before, 0, after] if of_height else [before, 0, after, 0]
        result.attribute.append(helper.make_attribute(item.name, value))
    return result

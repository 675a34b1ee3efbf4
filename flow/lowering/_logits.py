# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The last integers: one positive scale for all classes, and integer biases."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
from onnx import NodeProto

from flow.integer import IMAGE, Bias, Dense, IntegerNetwork
from flow.integer.operations import Integers
from flow.lowering._builder import Builder
from flow.lowering._coarse import Coarse, coarsened
from flow.lowering._growing import HardSigmoid, Leaky
from flow.lowering._rectify import clamped
from flow.lowering._refusal import Refusal
from flow.lowering._settle import flat, unclamped, unpadded
from flow.lowering._units import Units, choose_units
from flow.lowering._values import INFINITY, Value, objects, same
from flow.lowering.constants import attribute

__all__ = ["MOST_CLASSES", "Ending", "ending", "leave_out", "logits_tensor"]

MOST_CLASSES = 2**16
_INT32 = 2**31 - 1

_ELEMENTWISE = (  # they grow with the logits
    *("Celu", "Elu", "Erf", "Exp", "LeakyRelu", "Log", "Selu", "Sigmoid", "Softplus", "Softsign"),
    "Tanh",
)
_DECISIONS = ("ArgMax", "TopK", "Softmax", "LogSoftmax", *_ELEMENTWISE)
_LARGEST_ORDER = 2**24  # entries of a matrix that puts logits in order
_TRAILING = ("Cast", "Squeeze", "Unsqueeze", "Reshape", "Flatten", "Identity")
_ROUNDINGS = ("Quant", "QuantizeLinear", "DequantizeLinear")  # of what a Softmax gives


def logits_tensor(nodes: Sequence[NodeProto], output: str) -> tuple[str, NodeProto | None]:
    """Return the tensor before the decision at the graph's end, and the decision's node.

    A quantizer goes with the Softmax before it; one behind another function makes thresholds of it.
    """
    producers = {name: node for node in nodes for name in node.output}
    name, found, decision, rounded = output, output, None, False
    while name in producers and producers[name].op_type in _DECISIONS + _TRAILING + _ROUNDINGS:
        node = producers[name]
        rounded |= node.op_type in _ROUNDINGS
        if rounded and node.op_type in _ELEMENTWISE:
            break
        if any(attribute(node, setting, 1.0) <= 0 for setting in ("alpha", "gamma")):
            break
        name = node.input[0]
        if node.op_type in _DECISIONS:
            found, decision = name, node
    return found, decision


def leave_out(builder: Builder, node: NodeProto, value: Value) -> None:
    """Note that a decision is not part of the network.

    Raises:
        Refusal: it is not a decision between the classes.
    """
    shape = value.index.shape
    axis = attribute(node, "axis", 0 if node.op_type == "ArgMax" else -1)
    if node.op_type not in _ELEMENTWISE and shape[axis] != value.index.size:
        raise Refusal(f"axis {axis} of {shape} is not the classes", "decide between the classes")
    builder.notes.append(f"{node.name} ({node.op_type}) is left to the reader of the logits")


@dataclass(frozen=True)
class Ending:
    """The integer network, and how far the rounding of scales and offsets may move a logit.

    Attributes:
        network: the integers.
        rounding: of one class's integer logit, in steps; 0 where it is exact.
    """

    network: IntegerNetwork
    rounding: Fraction


def ending(builder: Builder, name: str, value: Value) -> Ending:
    """Return the network whose logits are the value, up to a positive scale and an offset.

    Raises:
        Refusal: activations that are not quantized, or constant logits alone; or more values than
            a classifier has.
    """
    if value.index.size > MOST_CLASSES:
        raise Refusal(
            f"its output of shape {value.index.shape} holds {value.index.size:,} values, and a "
            f"classifier has at most {MOST_CLASSES:,} logits",
            "set output_name to an output of logits",
        )
    value = _peeled(builder, name, unpadded(builder, name, value))
    value, ends = _freed(builder, name, value)
    coarse = coarsened(builder, _in_order(builder, name, value))
    value = coarse.value
    base = next((end for end in ends if abs(end) != INFINITY), None)
    magnitude = builder.interval(value).magnitude()
    units = choose_units(list(value.scale), list(value.offset), magnitude, base)
    source = _multiplied(builder, name, value, units.multiples)
    if any(units.biases):
        values = np.array(units.biases, dtype=np.int64)
        source = builder.emit(Bias(name=f"{name}_bias", inputs=(source,), values=values))
    if units.note:
        builder.notes.append(units.note)
    cut, moved = clamped(builder, name, source, [_places(end, units) for end in ends])
    error = units.error + coarse.error * max(map(abs, units.multiples))
    if coarse.name:
        builder.notes.append(_rounded(coarse, float(error * units.unit)))
    _refuse_wide(builder.ranges[cut].magnitude())
    shape = builder.shapes[IMAGE]
    made = IntegerNetwork(
        builder.needed(cut),
        (shape[0], shape[1], shape[2]),
        float(units.unit),
        float(units.base),
    )
    return Ending(made, error + moved)


def _refuse_wide(reach: int) -> None:
    if reach > _INT32:
        raise Refusal(
            f"its logits are integers up to {reach:,}, beyond 32 bits",
            "use fewer bits, and one shared quantizer for the inputs of a Concat or Add before it",
        )


def _rounded(coarse: Coarse, bound: float) -> str:
    return (
        f"{coarse.name}: the scales of what it adds have no small common unit and are rounded: a "
        f"logit is off by at most {bound:.3g} in all; a label can change only where two logits are "
        "closer than twice that"
    )


def _places(end: Fraction | float, units: Units) -> Fraction | None:
    """Return a bound of the logits in integer steps."""
    return None if abs(end) == INFINITY else (Fraction(end) - units.base) / units.unit


def _peeled(builder: Builder, name: str, value: Value) -> Value:
    """Leave out a growing function that is the same for all classes and keeps their order."""
    while value.curves:
        curve = value.curves[-1]
        if all(isinstance(function, HardSigmoid) for function in curve.functions):
            value = _clipped(value)
            continue
        alike = all(map(same, (value.scale, value.offset))) and value.scale[0] > 0
        leaky = [f for f in curve.functions if isinstance(f, Leaky) and f.slope]
        if value.clamps or not alike or len(leaky) < value.channels or len(set(leaky)) > 1:
            return value
        builder.notes.append(f"{name} (PRelu) is left to the reader of the logits")
        parts = {part: getattr(curve, part) for part in ("scale", "offset", "lo", "hi")}
        value = replace(value, curves=value.curves[:-1], **parts)
    return value


def _clipped(value: Value) -> Value:
    """Return HardSigmoid, the last function, as the line with two ends that it is."""
    *others, curve = value.curves
    parts = {part: getattr(curve, part) for part in ("scale", "offset", "lo", "hi")}
    line = replace(value, curves=tuple(others), **parts)
    alpha, beta = (
        objects([getattr(f, name) for f in curve.functions]) for name in ("alpha", "beta")
    )
    ends = (objects([Fraction(end)] * value.channels) for end in (0, 1))
    line = line.affine(alpha, beta).clamped(*ends)
    return line.affine(value.scale, value.offset).clamped(value.lo, value.hi)


def _freed(builder: Builder, name: str, value: Value) -> tuple[Value, tuple[Any, Any]]:
    """Return the value without clamps, and those that the logits get instead."""
    value = value.without_idle_clamps(builder.interval(value))
    free = (-INFINITY, INFINITY)
    if value.curves or not value.clamps or not (same(value.lo) and same(value.hi)):
        return unclamped(builder, name, value), free
    plainly = Value.plain(value.source, value.shape, value.index, value.scale, value.offset)
    return replace(plainly, known=value.known), (value.lo[0], value.hi[0])


def _in_order(builder: Builder, name: str, value: Value) -> Value:
    """Return the logits as a vector in the order of the classes."""
    value = flat(builder, name, value)
    order = value.index.reshape(-1)
    if np.array_equal(order, np.arange(value.channels)):
        return value
    if value.channels * order.size > _LARGEST_ORDER:
        raise Refusal(
            f"its {order.size:,} logits are {value.channels:,} values in another order",
            "transpose them to channels-last, or end with a dense layer",
        )
    weights = np.zeros((value.channels, order.size), dtype=np.int64)
    weights[order, np.arange(order.size)] = 1
    source = builder.emit(Dense(name=f"{name}_order", inputs=(value.source,), weights=weights))
    index = np.arange(order.size)
    return Value.plain(
        source, (order.size,), index, value.scale[order], value.offset[order], known=value.known
    )


def _multiplied(builder: Builder, name: str, value: Value, multiples: tuple[int, ...]) -> str:
    """Multiply the classes' integers, in the last weights if nothing else reads them."""
    factors: Integers = np.array(multiples, dtype=np.int64)
    if (factors == 1).all() or builder.multiply(value.source, factors):
        return value.source
    return builder.channelwise(f"{name}_scale", value, factors)

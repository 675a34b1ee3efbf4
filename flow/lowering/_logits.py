# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The last integers: one positive scale for all classes, and integer biases."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from onnx import NodeProto

from flow.integer import Bias, Dense, IntegerNetwork, Operation
from flow.integer.operations import Integers
from flow.lowering._builder import Builder
from flow.lowering._constants import attribute
from flow.lowering._refusal import Refusal
from flow.lowering._settle import flat, plain
from flow.lowering._values import Value, common_unit

__all__ = ["MOST_CLASSES", "leave_out", "logits_tensor", "network"]

MOST_CLASSES = 2**16

_ELEMENTWISE = ("Sigmoid", "Tanh")  # they grow with the logits
_DECISIONS = ("ArgMax", "TopK", "Softmax", "LogSoftmax", *_ELEMENTWISE)
_TRAILING = ("Cast", "Squeeze", "Unsqueeze", "Reshape", "Flatten", "Identity")
_FINEST = 8  # bits of a step that class offsets may take
_LARGEST_FACTOR = 2**8  # of one class's logits
_LARGEST_ORDER = 2**24  # entries of a matrix that puts logits in order
_INT32 = 2**31
_FAR = 2**20  # steps: offsets beyond are counted from that of the first class
_FLOAT32 = Fraction(1, 2**23)  # what the source's constants are rounded to


def logits_tensor(nodes: Sequence[NodeProto], output: str) -> tuple[str, NodeProto | None]:
    """Return the tensor before the decision at the graph's end, and the decision's node."""
    producers = {name: node for node in nodes for name in node.output}
    name, found, decision = output, output, None
    while name in producers and producers[name].op_type in _DECISIONS + _TRAILING:
        node = producers[name]
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
class _Steps:
    """Integer logits: a value in units is multiple * x + bias / 2**bits + base.

    Attributes:
        bits: fraction bits of a unit that the biases have.
        base: in units, the same for every class.
        error: the largest rounding of a bias, in units.
    """

    bits: int
    base: Fraction
    error: Fraction


def network(builder: Builder, name: str, value: Value) -> IntegerNetwork:
    """Return the network whose logits are the value, up to a positive scale and an offset.

    Raises:
        Refusal: classes whose scales have no small common unit, or constant logits alone; or more
            values than a classifier has.
    """
    if value.index.size > MOST_CLASSES:
        raise Refusal(
            f"its output of shape {value.index.shape} holds {value.index.size:,} values, and a "
            f"classifier has at most {MOST_CLASSES:,} logits",
            "set output_name to an output of logits",
        )
    value = _in_order(builder, name, plain(builder, name, value))
    scales: list[Fraction] = list(value.scale)
    unit = common_unit(scales)
    multiples = [int(scale / unit) for scale in scales]
    if max(map(abs, multiples)) > _LARGEST_FACTOR:
        raise Refusal(
            f"the logits of the classes have {len(set(scales))} scales without a small common unit "
            f"({', '.join(f'{float(s):g}' for s in scales[:3])}, ...)",
            "quantize the last layer's weights with one scale (per tensor), and its input too",
        )
    offsets = [offset / unit for offset in value.offset]
    limit = _INT32 // max(max(map(abs, multiples)) * builder.interval(value).magnitude(), 1)
    steps = _steps(offsets, limit)
    source = _multiplied(builder, name, value, multiples, steps.bits)
    factor = 2**steps.bits
    biases = [round((offset - steps.base) * factor) for offset in offsets]
    if any(biases):
        values = np.array(biases, dtype=np.int64)
        source = builder.emit(Bias(name=f"{name}_bias", inputs=(source,), values=values))
    if steps.error:
        builder.notes.append(
            f"the offsets of the classes are rounded to 1/{factor} of a step of the logits, by at "
            f"most {float(steps.error):.3g} of a step; a label can change only where two logits "
            "are closer than twice that"
        )
    shape = builder.shapes["image"]
    scale, offset = float(unit / factor), float(steps.base * unit)
    operations = _needed(builder, source)
    return IntegerNetwork(operations, (shape[0], shape[1], shape[2]), scale, offset)


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


def _steps(offsets: list[Fraction], limit: int) -> _Steps:
    """Choose how finely the offsets are held: as they are if 8 bits of a step can do it."""
    first = offsets[0]
    if all(offset == first for offset in offsets):
        return _Steps(0, first, Fraction(0))
    finest = max(bits for bits in range(_FINEST + 1) if 2**bits <= max(limit // 2, 1))
    allowed = [abs(offset) * _FLOAT32 for offset in offsets]
    bases = (Fraction(0), first) if max(map(abs, offsets)) < _FAR else (first,)
    for base in bases:
        for bits in range(finest + 1):
            errors = _errors(offsets, base, bits)
            if all(error <= size for error, size in zip(errors, allowed, strict=True)):
                return _Steps(bits, base, max(errors))
    base = Fraction(round(sum(offsets) / len(offsets)))
    return _Steps(finest, base, max(_errors(offsets, base, finest)))


def _errors(offsets: list[Fraction], base: Fraction, bits: int) -> list[Fraction]:
    scaled = [(offset - base) * 2**bits for offset in offsets]
    return [abs(item - round(item)) / 2**bits for item in scaled]


def _multiplied(builder: Builder, name: str, value: Value, multiples: list[int], bits: int) -> str:
    """Multiply the classes' integers, in the last weights if nothing else reads them."""
    factors: Integers = np.array(multiples, dtype=np.int64) * 2**bits
    if (factors == 1).all() or builder.multiply(value.source, factors):
        return value.source
    return builder.channelwise(f"{name}_scale", value, factors)


def _needed(builder: Builder, output: str) -> tuple[Operation, ...]:
    """Return the operations that the output depends on, in order."""
    needed, waiting = {output}, [output]
    while waiting:
        operation = builder.operations.get(waiting.pop())
        for source in operation.inputs if operation else ():
            if source not in needed:
                needed.add(source)
                waiting.append(source)
    return tuple(item for name, item in builder.operations.items() if name in needed)

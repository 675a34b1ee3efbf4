# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""From a QONNX graph to an integer network, by exact rational arithmetic."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import prod

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, numpy_helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.infer_shapes import InferShapes

from flow.classifier import Logits
from flow.errors import FlowError
from flow.integer import IMAGE, IntegerNetwork
from flow.integer.operations import Shape
from flow.lowering._builder import Builder, Placeholder
from flow.lowering._fused import fused
from flow.lowering._logits import MOST_CLASSES, Ending, ending, leave_out, logits_tensor
from flow.lowering._model_ends import BATCH
from flow.lowering._narrow import narrowed
from flow.lowering._near_ties import tie_notes
from flow.lowering._qoperator import expanded
from flow.lowering._refusal import Problem, Refusal
from flow.lowering._values import Value, image_index, rationals
from flow.lowering.constants import Constant, constant_node
from flow.lowering.encoding import InputEncoding, image_value
from flow.lowering.rules import rule_of
from steelflow_names import one_line

__all__ = ["Lowered", "lower"]

_MALFORMED = (
    ValueError,
    IndexError,
    KeyError,
    TypeError,
    AttributeError,
    ArithmeticError,
    MemoryError,
)


@dataclass(frozen=True)
class Lowered:
    """An integer network equal to a QONNX model.

    Attributes:
        network: the integers.
        notes: what was assumed, left out or rounded.
        rounding: steps by which the rounding of scales and offsets may move one integer logit.
        assumed: the fields of InputEncoding that neither the model nor its user has given: the
            answer is right only where they are as in training.
    """

    network: IntegerNetwork
    notes: tuple[str, ...]
    rounding: float = 0.0
    assumed: tuple[str, ...] = ()

    def undecided(self, logits: Logits) -> NDArray[np.bool_]:
        """Return for int32[N, K] whether an image's label could depend on the rounding."""
        if not self.rounding:
            return np.zeros(len(logits), dtype=np.bool_)
        if self.network.classes == 1:
            zero = -self.network.offset / self.network.scale
            margin, reach = np.abs(logits[:, 0] - zero), self.rounding
        else:
            first, second = np.sort(logits.astype(np.int64), axis=1)[:, -1:-3:-1].T
            margin, reach = first - second, 2 * self.rounding
        return np.asarray(margin <= reach)


def lower(model: ModelWrapper, *, input_encoding: InputEncoding | None = None) -> Lowered:
    """Lower a QONNX classifier to integer operations; scale * logits + offset equals its output.

    Constants are what the source graph's float32 executor computes; data is exact from there on,
    so that only a float rounding in the source that decides a tie can make a difference.

    Args:
        model: one input, of batch 1, and one output; it is not changed.
        input_encoding: the model's input for a uint8 pixel. By default an input annotated UINT8 is
            the pixel itself, and another is pixel / 255 unless the model divides it.

    Raises:
        FlowError: the input is no image; or listing every node that has no integer form, with its
            reason and a remedy.
    """
    initializers = _initializers(model)
    nodes = expanded(_named(model), initializers)
    nodes = fused(nodes, {name: item.values for name, item in initializers.items()})
    inputs = _input_names(model)
    output = model.graph.output[0].name
    _refuse_giant(model, output)
    logits, decision, rounded = logits_tensor(nodes, output)
    image = image_value(model, inputs[0], input_encoding)
    opsets = {item.domain: item.version for item in model.model.opset_import}
    builder = Builder(image.value.shape, opsets.get("", 1))
    builder.notes += [*image.notes, *_batch_note(model, inputs[0])]
    builder.tensors |= initializers
    builder.tensors[inputs[0]] = image.value
    needed = _needed(nodes, logits)
    for node in needed:
        for name in node.input:
            builder.readers.setdefault(name, []).append(node)
    problems = _walk(model, builder, needed)
    if problems:
        raise _refused(problems)
    made = _finished(builder, needed, logits, decision, rounded=rounded)
    network, proven = narrowed(made.network, builder.factors)
    network.preprocessing = image.preprocessing()
    notes = (*builder.notes, *proven, *tie_notes(builder.ties))
    rounding = float(made.rounding)
    return Lowered(network, notes, assumed=image.assumed, rounding=rounding)


def _refuse_giant(model: ModelWrapper, output: str) -> None:
    """Refuse what is no classifier before anything is computed for it."""
    shape = model.get_tensor_shape(output) or ()
    if prod(shape) > MOST_CLASSES:
        raise FlowError(
            f"output {output!r}: shape {list(shape)} holds {prod(shape):,} values, and a "
            f"classifier has at most {MOST_CLASSES:,} logits; set output_name to one of these"
        )


def _batch_note(model: ModelWrapper, name: str) -> list[str]:
    batch = model.get_metadata_prop(BATCH)
    return [f"input {name!r}: its batch of {batch} is taken as 1"] if batch else []


def _initializers(model: ModelWrapper) -> dict[str, Constant]:
    found = {}
    for item in model.graph.initializer:
        try:
            found[item.name] = Constant(numpy_helper.to_array(item))
        except (ValueError, TypeError, KeyError) as error:
            raise FlowError(
                f"constant {item.name!r}: its data does not fit its shape and type ({error}); "
                "export the model again"
            ) from error
    return found


def _named(model: ModelWrapper) -> list[NodeProto]:
    """Return copies of the nodes, each with a name of its own."""
    seen: set[str] = set()
    nodes = []
    for place, node in enumerate(model.graph.node):
        copy = NodeProto()
        copy.CopyFrom(node)
        if not copy.name or copy.name in seen:
            copy.name = f"{node.op_type}_{place}"
        seen.add(copy.name)
        nodes.append(copy)
    return nodes


def _input_names(model: ModelWrapper) -> list[str]:
    constants = {item.name for item in model.graph.initializer}
    names = [item.name for item in model.graph.input if item.name not in constants]
    if len(names) != 1 or not model.graph.output:
        raise FlowError(
            f"model: {len(names)} inputs ({', '.join(names)}) and {len(model.graph.output)} "
            "outputs; a classifier has one image as input and its logits as output"
        )
    return names


def _needed(nodes: list[NodeProto], output: str) -> list[NodeProto]:
    """Return the nodes that the output depends on, in order."""
    wanted, chosen = {output}, []
    for node in reversed(nodes):
        if wanted & set(node.output):
            wanted |= set(node.input)
            chosen.append(node)
    return chosen[::-1]


def _walk(model: ModelWrapper, builder: Builder, nodes: Iterable[NodeProto]) -> list[Problem]:
    """Lower node by node; go on behind a refused one, so that all problems are found."""
    problems = []
    shapes: ModelWrapper | None = None
    opsets = {item.domain: item.version for item in model.model.opset_import}
    for node in nodes:
        try:
            _lower_node(builder, node, opsets.get(node.domain, 1))
        except Refusal as refusal:
            if refusal.structural or _inputs_known(builder, node):
                problems.append(Problem(node.name, node.op_type, refusal))
            shapes = shapes or _with_shapes(model)
            _stand_in(shapes, builder, node)
    return problems


def _lower_node(builder: Builder, node: NodeProto, opset: int) -> None:
    operands = [builder.tensors.get(name) if name else None for name in node.input]
    missing = [name for name in node.input if name and name not in builder.tensors]
    if missing:
        raise Refusal(f"its input {missing[0]!r} is not computed", "mend the node before it")
    if all(not isinstance(operand, Value) for operand in operands):
        inputs = {name: builder.tensors[name] for name in node.input if name}
        constants = {k: v for k, v in inputs.items() if isinstance(v, Constant)}
        builder.tensors |= constant_node(node, constants, opset)
        return
    rule = rule_of(node)
    try:
        result = rule(builder, node, operands)
    except _MALFORMED as error:
        reason = one_line(error)[:200]
        raise Refusal(
            f"its inputs or attributes do not fit together ({type(error).__name__}: {reason})",
            "export the model again",
        ) from error
    results = result if isinstance(result, list) else [result]
    builder.tensors |= dict(zip(node.output, results, strict=False))


def _inputs_known(builder: Builder, node: NodeProto) -> bool:
    found = [builder.tensors.get(name) for name in node.input if name]
    return all(item is not None and (isinstance(item, Constant) or item.known) for item in found)


def _with_shapes(model: ModelWrapper) -> ModelWrapper:
    try:
        return ModelWrapper(model.model, make_deepcopy=True).transform(InferShapes())
    except Exception:  # onnx and qonnx raise anything; it is the refusal that counts
        return model


def _stand_in(model: ModelWrapper, builder: Builder, node: NodeProto) -> None:
    """Put placeholders for a refused node's outputs, where their shape is known."""
    for name in node.output:
        shape = model.get_tensor_shape(name)
        if not shape or min(shape) < 1 or shape[0] != 1:
            continue
        size, index = _stand_in_image(tuple(shape))
        source = builder.emit(Placeholder(name=f"{node.name}_{name}", shape=size))
        scale = rationals(np.ones(size[-1], dtype=np.int64))
        builder.tensors[name] = Value.plain(source, size, index, scale, known=False)


def _stand_in_image(shape: Shape) -> tuple[Shape, NDArray[np.int64]]:
    """Return the shape of a source for a tensor, and the tensor's index of it."""
    if len(shape) == 4:
        image = (shape[2], shape[3], shape[1])
        return image, image_index(image)
    if len(shape) == 3:
        image = (1, shape[2], shape[1])
        return image, image_index(image)[:, :, 0]
    return (prod(shape),), np.arange(prod(shape)).reshape(shape)


def _refused(problems: list[Problem]) -> FlowError:
    listed = "; ".join(map(str, problems))
    return FlowError(f"{len(problems)} node(s) have no integer form: {listed}")


def _finished(
    builder: Builder,
    nodes: list[NodeProto],
    logits: str,
    decision: NodeProto | None,
    *,
    rounded: bool,
) -> Ending:
    value = builder.tensors.get(logits)
    if not isinstance(value, Value):
        raise FlowError(f"output {logits!r}: does not depend on the image; export the model again")
    last = nodes[-1] if nodes else NodeProto(name=IMAGE, op_type="input")
    try:
        if decision is not None:
            last = decision
            leave_out(builder, decision, value, rounded=rounded)
        return ending(builder, last.name, value)
    except Refusal as refusal:
        raise _refused([Problem(last.name, last.op_type, refusal)]) from refusal

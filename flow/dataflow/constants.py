# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What the memories of each hardware layer must hold, straight from the integer network.

Only the graph's topology is read: which layer stands for which operation. The values come from the
operations and not from the graph's initializers, so that they judge what wrote those.
"""

import numpy as np
from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper

from flow.dataflow.emit import OUTPUT, PADDED, emitted_network
from flow.errors import FlowError
from flow.integer import (
    Add,
    Bias,
    Convolution,
    Dense,
    IntegerNetwork,
    MaxPool,
    Operation,
    Scale,
    SumPool,
    Threshold,
)
from flow.integer.operations import Integers
from hw.proof import Additions, Factors, Memory, Thresholds, Weights

__all__ = ["expected_memories"]

_HELD = (Convolution, Dense, Threshold, Bias, Scale)  # in memories of their own


def expected_memories(
    network: IntegerNetwork, model: ModelWrapper, *, label: bool = False
) -> dict[str, Memory]:
    """Return what a dataflow graph's memories must hold, by the name of the layer.

    Args:
        network: what the graph was made of.
        model: the graph, up to any step behind to_dataflow.
        label: whether it ends with an argmax.

    Raises:
        FlowError: an operation whose constants are in no layer; a layer whose constants stand for
            no operation.
    """
    network = emitted_network(network, label=label)
    operations = {operation.name: operation for operation in network.operations}
    constants = {tensor.name for tensor in model.graph.initializer}
    expected, held = dict[str, Memory](), set[str]()
    for node in model.graph.node:
        if constants.isdisjoint(node.input):
            continue
        source, operand = _attribute(node, "source"), int(_attribute(node, "operand") or 0)
        memory = _memory(network, operations.get(source), node, operand)
        if memory is None:
            raise FlowError(
                f"{node.name}: its constants stand for no operation of the network "
                f"({source or 'no name'}); report this network"
            )
        expected[node.name] = memory
        held.add(source)
    for operation in network.operations:
        if isinstance(operation, _HELD) and operation.name not in held:
            raise FlowError(f"{operation.name}: no layer holds its constants; report this network")
    return expected


def _attribute(node: NodeProto, name: str) -> str:
    found = {attribute.name: attribute for attribute in node.attribute}.get(name)
    return "" if found is None else found.s.decode() or str(found.i)


def _memory(
    network: IntegerNetwork, operation: Operation | None, node: NodeProto, operand: int
) -> Memory | None:
    """Return what a layer holds for an operation; None if such a layer has no part in it."""
    memory: Memory | None = None
    match node.op_type.removesuffix("_rtl"), operation:
        case "MVAU", Convolution():
            memory = Weights(_dense(operation))
        case "VVAU", Convolution() if operand != PADDED:
            memory = Weights(operation.weights.reshape(-1, operation.weights.shape[-1]))
        case "VVAU", Operation():
            memory = Weights(_factors(network, operation, operand))
        case "MVAU", Dense():
            memory = Weights(operation.weights)
        case "Thresholding", Threshold():
            memory = _thresholds(network, operation)
        case "PixelScale", Scale():
            memory = Factors(operation.factors)
        case "ElementwiseAdd", Bias():
            channels = network.shapes[operation.name][-1]
            memory = Additions(np.broadcast_to(operation.values, (channels,)))
        case "ElementwiseAdd", MaxPool():
            memory = Additions(_shift(network, operation, operand))
    return memory


def _dense(operation: Convolution) -> Integers:
    """Return int64[KH * KW * C, O]: zeros where an output's group does not hold the channel."""
    height, width, inputs, outputs = operation.weights.shape
    groups = operation.groups
    of_channel = np.repeat(np.arange(groups), inputs)
    of_output = np.repeat(np.arange(groups), outputs // groups)
    every = np.tile(operation.weights, (1, 1, groups, 1))
    kept = np.where(of_channel[:, None] == of_output, every, 0)
    return kept.reshape(height * width * groups * inputs, outputs)


def _thresholds(network: IntegerNetwork, operation: Threshold) -> Thresholds:
    values = network.ranges()[network.sources[operation.name][0]]
    return Thresholds(
        rows=operation.thresholds,
        offset=operation.offset,
        step=operation.step,
        lowest=values.lo,
        highest=values.hi,
    )


def _factors(network: IntegerNetwork, operation: Operation, operand: int) -> Integers:
    """Return int64[window, C] of a product by one factor, or of a sum as a product by ones."""
    factor = operation.factors[operand] if isinstance(operation, Add) else 1
    window = 1
    if isinstance(operation, SumPool) and operand != PADDED:
        window = int(np.prod(operation.kernel))
    sources = network.sources[operation.name]
    read = operation.name if operand == OUTPUT else sources[max(operand, 0)]
    return np.full((window, network.shapes[read][-1]), factor, dtype=np.int64)


def _shift(network: IntegerNetwork, operation: MaxPool, operand: int) -> Integers:
    """Return what brings the lowest value of a padded maximum to 0, and its output back."""
    lowest = network.ranges()[network.sources[operation.name][0]].lo
    channels = network.shapes[operation.name][-1]
    return np.full(channels, lowest if operand == OUTPUT else -lowest, dtype=np.int64)

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""From an integer network to FINN's hardware layers: one rule for each integer operation."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from qonnx.core.modelwrapper import ModelWrapper

from flow.dataflow import _layers, _pixel_layers
from flow.dataflow._graph import DataflowWriter, Tensor, smallest_datatype
from flow.errors import FlowError
from flow.integer import (
    IMAGE,
    Add,
    Bias,
    Concat,
    Convolution,
    Dense,
    Flatten,
    Gather,
    IntegerNetwork,
    Interval,
    MaxPool,
    Operation,
    Scale,
    SumPool,
    Threshold,
)
from flow.integer.operations import Integers, Shape
from flow.integer.selection import Selection, selection_of

__all__ = ["OUTPUT", "PADDED", "emit", "emitted_network"]

OUTPUT = -1  # in place of an operand: what an operation gives, not what it reads
PADDED = -2  # what it reads, before zeros are put around it


def emit(network: IntegerNetwork, *, label: bool = False) -> ModelWrapper:
    """Return FINN's dataflow graph, not yet specialised, that computes an integer network.

    Args:
        network: what the graph computes, from UINT8 NHWC images of batch 1.
        label: append an argmax (lowest index on ties), so that the output is the label.

    Raises:
        FlowError: listing every operation that no hardware layer can do, each with its reason.
    """
    problems = list(_problems(network))
    if problems:
        raise FlowError(f"{len(problems)} layer(s) cannot become hardware: {'; '.join(problems)}")
    network = emitted_network(network, label=label)
    emitter = _Emitter(network)
    for operation in network.operations:
        emitter.add(operation)
    output = emitter.result()
    if label:
        output = _layers.argmax(emitter.writer, output)
    return emitter.writer.model(emitter.image, output)


def emitted_network(network: IntegerNetwork, *, label: bool) -> IntegerNetwork:
    """Return what hardware computes of a network, before an argmax.

    For the label of a single logit this is 0 and the logit less its label's edge.
    """
    if not label or network.classes != 1:
        return network
    pair = Dense(name="pair", weights=np.array([[0, 1]], dtype=np.int64))
    edge = Bias(name="edge", values=np.array([0, 1 - network.positive_from], dtype=np.int64))
    operations = (*network.operations, pair, edge)
    return IntegerNetwork(operations, network.input_shape, network.scale)


def _problems(network: IntegerNetwork) -> Iterator[str]:
    for operation in network.operations:
        name = operation.name
        if isinstance(operation, Threshold) and operation.step != 1 and not _is_bipolar(operation):
            yield f"{name} (levels in steps of {operation.step}; quantize to -1 and 1, or by 1)"
        shape = network.shapes[network.sources[name][0]]
        if isinstance(operation, Gather) and _selection(operation, shape) is None:
            yield (
                f"{name} (it takes places in an order in which they do not arrive; take rows and "
                "columns from the first to the last)"
            )
        if name != network.output and not network.readers(name):
            yield f"{name} (nothing reads its output; remove it)"


def _selection(gather: Gather, shape: Shape) -> Selection | None:
    """Return the rows and columns that are taken of an input's places, None if they are none."""
    of_pixels = len(shape) == 3 and shape[2] == gather.channels
    size = shape[:2] if of_pixels else (1, int(np.prod(shape)) // gather.channels)
    return selection_of(gather.places, (size[0], size[1]))


def _stride(operation: Convolution | MaxPool | SumPool, size: tuple[int, ...]) -> tuple[int, int]:
    """Return a stride of at most the image's size, which takes the same windows.

    FINN's window generator refuses one beyond the image.
    """
    return min(operation.stride[0], size[0]), min(operation.stride[1], size[1])


def _covered(size: int, kernel: int, stride: int, *, single: bool) -> Integers:
    """Return the rows that windows cover, where these leave gaps or there is a single window.

    FINN's generator refuses some of these.
    """
    if stride <= kernel and not single:
        return np.arange(size)
    starts = np.arange(0, size - kernel + 1, stride)
    return (starts[:, None] + np.arange(kernel)).reshape(-1)


def _is_bipolar(operation: Operation) -> bool:
    return (
        isinstance(operation, Threshold)
        and (operation.step, operation.offset) == (2, -1)
        and operation.thresholds.shape[1] == 1
    )


class _Emitter:
    """Writes nodes; each tensor has a stream for every one of its readers."""

    def __init__(self, network: IntegerNetwork) -> None:
        self.network, self.ranges = network, network.ranges()
        self.writer = DataflowWriter()
        self.streams: dict[str, list[Tensor]] = {}
        self.image = Tensor("global_in", network.input_shape, "UINT8")
        self._publish(IMAGE, self.image)

    def result(self) -> Tensor:
        """Return the logits, integers even where they are -1 and 1."""
        return self._times(self.streams[self.network.output].pop(), 1, OUTPUT)

    def add(self, operation: Operation) -> None:
        """Write the nodes of one operation, whose inputs have been written."""
        read = [self.streams[name].pop(0) for name in self.network.sources[operation.name]]
        self.writer.source, self.writer.operand = operation.name, 0
        self._publish(operation.name, self._emit(operation, read))

    def _publish(self, name: str, tensor: Tensor) -> None:
        readers = len(self.network.readers(name))
        several = readers > 1
        self.streams[name] = (
            _layers.duplicate(self.writer, tensor, readers) if several else [tensor]
        )

    def _emit(self, operation: Operation, read: list[Tensor]) -> Tensor:  # noqa: PLR0911
        first, sums = read[0], self.ranges[operation.name]
        match operation:
            case Convolution():
                return self._convolution(operation, first)
            case Dense(weights=weights):
                return _layers.matrix(self.writer, first, weights, sums, ())
            case Threshold(thresholds=thresholds, offset=offset):
                bipolar, read_integers = _is_bipolar(operation), self._times(first, 1)
                return _layers.threshold(
                    self.writer, read_integers, thresholds, offset, bipolar=bipolar
                )
            case Flatten():  # or back: the stream's order is the flat one already
                return replace(first, shape=self.network.shapes[operation.name])
            case Add(factors=factors):
                return self._add(read, factors)
            case Bias(values=values):
                every = np.broadcast_to(values, (first.channels,))
                return _layers.add_constant(self.writer, self._times(first, 1), every)
            case Concat(axis=axis):
                integers = [self._times(tensor, 1, place) for place, tensor in enumerate(read)]
                return _layers.concat(self.writer, integers, axis)
            case Gather():
                return self._gather(operation, first)
            case Scale(factors=factors):
                return _pixel_layers.scale(self.writer, self._times(first, 1), factors)
            case MaxPool():
                return self._max_pool(operation, first)
            case SumPool():
                return self._sum_pool(operation, first)
        raise AssertionError(operation)

    def _gather(self, operation: Gather, read: Tensor) -> Tensor:
        shape = self.network.shapes[operation.name]
        selection = _selection(operation, read.shape)
        assert selection is not None, operation.name
        taken = _pixel_layers.take(self.writer, read, selection, operation.channels)
        return replace(taken, shape=shape)

    def _windows(
        self, read: Tensor, operation: Convolution | MaxPool | SumPool, *, channelwise: bool
    ) -> Tensor:
        if any(operation.padding):  # -1 and 1 have no 0 among them
            whole = self._times(read, 1, PADDED)
            self.writer.operand = 0
            read = _layers.pad(self.writer, whole, operation.padding)
        kernel, stride = operation.kernel, _stride(operation, read.shape)
        single = all(read.shape[i] - kernel[i] < stride[i] for i in (0, 1))
        rows, columns = (
            _covered(read.shape[i], kernel[i], stride[i], single=single) for i in (0, 1)
        )
        places = Selection((read.shape[0], read.shape[1]), rows, columns)
        read = _pixel_layers.take(self.writer, read, places, read.channels)
        if kernel == (1, 1):
            return read
        if single and (not channelwise or read.channels == 1):  # its pixels come in their order
            return replace(read, shape=(1, 1, int(np.prod(read.shape))))
        stride = min(stride[0], kernel[0]), min(stride[1], kernel[1])
        return _layers.windows(self.writer, read, kernel, stride, channelwise=channelwise)

    def _convolution(self, operation: Convolution, read: Tensor) -> Tensor:
        weights, sums = operation.weights, self.ranges[operation.name]
        height, width, outputs = self.network.shapes[operation.name]
        channelwise = operation.depthwise and outputs == operation.groups
        gathered = self._windows(read, operation, channelwise=channelwise)
        if channelwise:
            kernel = weights.transpose(3, 2, 0, 1)
            return _layers.depthwise(self.writer, gathered, kernel, sums, (height, width))
        matrix = _ungrouped(operation).reshape(-1, outputs)
        return _layers.matrix(self.writer, gathered, matrix, sums, (height, width))

    def _max_pool(self, operation: MaxPool, read: Tensor) -> Tensor:
        """Take maxima; padding is 0, below which nothing may be: values are shifted for it."""
        values = self.ranges[self.network.sources[operation.name][0]]
        lowest = np.full(read.channels, values.lo, dtype=np.int64)
        shifted = any(operation.padding) and values.lo < 0
        if shifted:
            above = Interval(0, values.hi - values.lo)
            read = _layers.add_constant(self.writer, self._times(read, 1), -lowest, above)
        gathered = self._windows(read, operation, channelwise=True)
        kernel, kind = operation.kernel, gathered.datatype
        pooled = _layers.pool(self.writer, gathered, kernel, "MaxPool", kind)
        if not shifted:
            return pooled
        self.writer.operand = OUTPUT
        return _layers.add_constant(self.writer, pooled, lowest, values)

    def _sum_pool(self, operation: SumPool, read: Tensor) -> Tensor:
        if read.datatype == "BIPOLAR":  # the pools take integers alone
            gathered = self._windows(read, operation, channelwise=True)
            ones = np.ones((read.channels, 1, *operation.kernel), dtype=np.int64)
            *pixels, _ = self.network.shapes[operation.name]
            sums = self.ranges[operation.name]
            return _layers.depthwise(self.writer, gathered, ones, sums, tuple(pixels))
        size = operation.kernel[0] * operation.kernel[1]
        lowest, highest = min(0, read.values.lo * size), max(0, read.values.hi * size)
        datatype = smallest_datatype(Interval(lowest, highest))
        if operation.kernel == read.shape[:2] and not any(operation.padding):
            return _layers.accumulate(self.writer, read, datatype)
        gathered = self._windows(read, operation, channelwise=True)
        return _layers.pool(self.writer, gathered, operation.kernel, "AccPool", datatype)

    def _add(self, read: list[Tensor], factors: tuple[int, ...]) -> Tensor:
        total, *rest = (
            self._times(tensor, factor, operand)
            for operand, (tensor, factor) in enumerate(zip(read, factors, strict=True))
        )
        for tensor in rest:
            total = _layers.add(self.writer, total, tensor)
        return total

    def _times(self, read: Tensor, factor: int, operand: int = 0) -> Tensor:
        """Multiply by an integer, and make -1 and 1 integers: a depthwise 1x1 convolution.

        `operand` says which of the operation's inputs it is, or OUTPUT.
        """
        if factor == 1 and read.datatype != "BIPOLAR":
            return read
        self.writer.operand = operand
        kernel = np.full((read.channels, 1, 1, 1), factor, dtype=np.int64)
        low, high = sorted((factor * read.values.lo, factor * read.values.hi))
        return _layers.depthwise(self.writer, read, kernel, Interval(low, high), read.shape[:-1])


def _ungrouped(operation: Convolution) -> Integers:
    """Return int64[KH, KW, I, O], with zeros for the inputs of other groups."""
    height, width, inputs, outputs = operation.weights.shape
    full = np.zeros((height, width, operation.groups, inputs, outputs), dtype=np.int64)
    for group, own in enumerate(np.split(np.arange(outputs), operation.groups)):
        full[:, :, group, :, own[0] : own[-1] + 1] = operation.weights[..., own]
    return full.reshape(height, width, -1, outputs)

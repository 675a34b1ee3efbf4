# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Random small integer networks, to compare the RTL with; each is a short text, and can shrink."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from flow.errors import SettingError
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
    MaxPool,
    Operation,
    Scale,
    SumPool,
    Threshold,
)
from flow.integer.operations import Integers, Padding

__all__ = ["LayerSpec", "NetworkSpec", "build", "draw", "shrunk"]

_KINDS = {  # and how often they are drawn
    "conv": 0.22,
    "depthwise": 0.12,
    "maxpool": 0.1,
    "sumpool": 0.08,
    "residual": 0.14,
    "concat": 0.08,
    "crop": 0.07,
    "upsample": 0.07,
    "join": 0.06,
    "border": 0.06,
}
_MOST_UPSAMPLED = 40  # places of an image that is upsampled
_SAMPLES = 8  # images of noise that thresholds are placed by


@dataclass(frozen=True, kw_only=True)
class LayerSpec:
    """One layer: a convolution or pool and the thresholds that follow.

    Attributes:
        kind: conv, depthwise, maxpool, sumpool, residual (a convolution added to its input),
            concat (of two convolutions), crop (with the stride), upsample (by the stride in each
            direction, drawn anew), join (of two convolutions' rows or columns) or border (an
            average that leaves out the padding).
        channels: of the output, where the kind leaves it open.
        kernel, stride: of the window; at most the image. In an image of one row, all windows have
            one row too.
        pad: zeros on each side.
        weight_bits: 1 (-1 and 1) to 8.
        levels: thresholds a channel; 1 with bipolar output if `bipolar`.
        bipolar: output -1 and 1 instead of 0 to levels.
        signed: output centred on 0.
    """

    kind: str
    channels: int = 2
    kernel: int = 1
    stride: int = 1
    pad: int = 0
    weight_bits: int = 2
    levels: int = 3
    bipolar: bool = False
    signed: bool = False


@dataclass(frozen=True, kw_only=True)
class NetworkSpec:
    """A whole network: image, layers, classes, and how far it is unfolded.

    Attributes:
        seed: of weights and thresholds.
        height, width, channels: of the image.
        layers: between image and logits.
        classes: logits.
        average: a global sum before the last layer.
        bias: a bias of the logits.
        cycles: target for each layer, a frame.
    """

    seed: int
    height: int
    width: int
    channels: int
    layers: tuple[LayerSpec, ...]
    classes: int
    average: bool
    bias: bool
    cycles: int

    def text(self) -> str:
        """Return one line of JSON that parse reads."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def parse(cls, text: str) -> "NetworkSpec":
        """Read what text wrote.

        Raises:
            FlowError: it is no such line.
        """
        try:
            values = json.loads(text)
            layers = tuple(LayerSpec(**layer) for layer in values.pop("layers"))
            return cls(layers=layers, **values)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise SettingError(
                f"spec: {error}; give the line that the benchmark printed", "spec"
            ) from error


def draw(seed: int) -> NetworkSpec:
    """Return a random network with one to four layers."""
    rng = np.random.default_rng(seed)

    def pick(*choices: int) -> int:
        return int(rng.choice(choices))

    layers = tuple(_draw_layer(rng) for _ in range(pick(1, 2, 2, 3, 3, 4)))
    return NetworkSpec(
        seed=seed,
        height=pick(1, 4, 5, 6, 7, 8),
        width=pick(4, 5, 6, 7, 8),
        channels=pick(1, 2, 3),
        layers=layers,
        classes=pick(2, 3, 5, 10),
        average=bool(rng.random() < 0.3),
        bias=bool(rng.random() < 0.3),
        cycles=pick(1, 40, 100, 250, 600, 5000),
    )


def _draw_layer(rng: np.random.Generator) -> LayerSpec:
    bipolar = bool(rng.random() < 0.2)
    return LayerSpec(
        kind=str(rng.choice(list(_KINDS), p=list(_KINDS.values()))),
        channels=int(rng.choice((1, 2, 3, 4, 6, 8))),
        kernel=int(rng.choice((1, 2, 3))),
        stride=int(rng.choice((1, 1, 2))),
        pad=int(rng.choice((0, 1))),
        weight_bits=int(rng.choice((1, 2, 2, 3, 4, 5, 8))),
        levels=1 if bipolar else int(rng.choice((1, 2, 3, 7, 14, 15, 30))),
        bipolar=bipolar,
        signed=bool(rng.random() < 0.3),
    )


def shrunk(spec: NetworkSpec) -> Iterator[NetworkSpec]:
    """Yield simpler networks, the simplest changes last."""
    for index in range(len(spec.layers)):
        yield replace(spec, layers=spec.layers[:index] + spec.layers[index + 1 :])
    for field, least in (("average", False), ("bias", False), ("cycles", 5000), ("channels", 1)):
        if getattr(spec, field) != least:
            yield _with(spec, field, least)
    for field, least in (("height", 3), ("width", 3), ("classes", 2)):
        if getattr(spec, field) > least:
            yield _with(spec, field, getattr(spec, field) - 1)
    for index, layer in enumerate(spec.layers):
        for simpler in _simpler(layer):
            layers = (*spec.layers[:index], simpler, *spec.layers[index + 1 :])
            yield replace(spec, layers=layers)


def _with(spec: NetworkSpec, field: str, value: int) -> NetworkSpec:
    changes: dict[str, Any] = {field: value}
    return replace(spec, **changes)


def _simpler(layer: LayerSpec) -> Iterator[LayerSpec]:
    least = LayerSpec(kind="conv")
    for field in ("kind", "channels", "kernel", "stride", "pad", "weight_bits", "levels"):
        if getattr(layer, field) != getattr(least, field) and not layer.bipolar:
            yield replace(layer, **{field: getattr(least, field)})
    if layer.bipolar or layer.signed:
        yield replace(layer, bipolar=False, signed=False)


def build(spec: NetworkSpec) -> IntegerNetwork:
    """Return the network; layers whose window does not fit are left out."""
    return _Builder(spec).build()


class _Builder:
    """Adds operations, and runs them on noise so that thresholds fall where values are."""

    def __init__(self, spec: NetworkSpec) -> None:
        self.spec, self.rng = spec, np.random.default_rng(spec.seed)
        shape = (_SAMPLES, spec.height, spec.width, spec.channels)
        self.operations: list[Operation] = []
        self.values: dict[str, Integers] = {IMAGE: self.rng.integers(0, 256, shape)}
        self.bipolar = False

    def build(self) -> IntegerNetwork:
        spec, last = self.spec, IMAGE
        for layer in spec.layers:
            last = self._layer(layer, last)
        if spec.average and not self.bipolar:
            size = self.values[last].shape[1:3]
            last = self._apply(SumPool(name="sum", inputs=(last,), kernel=size, stride=size))
        last = self._apply(Flatten(name="flatten", inputs=(last,)))
        inputs = self.values[last].shape[1]
        weights = self._weights((inputs, spec.classes), 3)
        last = self._apply(Dense(name="dense", inputs=(last,), weights=weights))
        if spec.bias:
            values = self.rng.integers(-20, 21, spec.classes)
            self._apply(Bias(name="bias", inputs=(last,), values=values))
        shape = (spec.height, spec.width, spec.channels)
        return IntegerNetwork(tuple(self.operations), shape, 1.0)

    def _apply(self, operation: Operation) -> str:
        name = f"{len(self.operations)}_{operation.name}"
        named = replace(operation, name=name)
        self.values[name] = named.apply(*(self.values[source] for source in named.inputs))
        self.operations.append(named)
        return name

    def _layer(self, layer: LayerSpec, source: str) -> str:
        height, width, _ = self.values[source].shape[1:]
        pad = 0 if layer.kind == "sumpool" else layer.pad
        if min(height, width, key=lambda size: (size == 1, size)) + 2 * pad < layer.kernel:
            return source
        window = replace(layer, pad=min(pad, layer.kernel - 1))
        found: dict[str, Callable[[LayerSpec, str], str]] = {
            "maxpool": self._max_pool,
            "sumpool": self._sum_pool,
            "residual": self._residual,
            "crop": self._crop,
            "upsample": self._upsample,
            "border": self._border,
            "concat": self._joined,
            "join": self._joined,
        }
        if layer.kind in found:
            return found[layer.kind](window, source)
        return self._threshold(layer, self._convolution(window, source))

    def _joined(self, layer: LayerSpec, source: str) -> str:
        first, second = (self._convolution(layer, source) for _ in range(2))
        axis = -1 if layer.kind == "concat" else int(self.rng.integers(2))
        joined = Concat(name=layer.kind, inputs=(first, second), axis=axis)
        return self._threshold(layer, self._apply(joined))

    def _square(self, source: str, size: int, least: int = 1) -> tuple[int, int]:
        """Return a size in both directions, the least one where an image has one row."""
        return (least if self.values[source].shape[1] == 1 else size, size)

    def _padding(self, source: str, pad: int) -> Padding:
        height, width = self._square(source, pad, 0)
        return (height, width, height, width)

    def _max_pool(self, layer: LayerSpec, source: str) -> str:
        return self._apply(
            MaxPool(
                name="maxpool",
                inputs=(source,),
                kernel=self._square(source, layer.kernel),
                stride=self._square(source, min(layer.stride, layer.kernel)),
                padding=self._padding(source, layer.pad),
            )
        )

    def _sum_pool(self, layer: LayerSpec, source: str) -> str:
        pool = SumPool(
            name="sumpool",
            inputs=(source,),
            kernel=self._square(source, layer.kernel),
            stride=self._square(source, min(layer.stride, layer.kernel)),
        )
        return self._threshold(layer, self._apply(pool))

    def _crop(self, layer: LayerSpec, source: str) -> str:
        """Take every stride-th row and column, from some place on."""
        height, width, channels = self.values[source].shape[1:]
        rows, columns = (
            np.arange(int(self.rng.integers(0, -(-size // 2))), size, layer.stride)
            for size in (height, width)
        )
        places = rows[:, None] * width + columns
        return self._apply(Gather(name="crop", inputs=(source,), places=places, channels=channels))

    def _upsample(self, layer: LayerSpec, source: str) -> str:
        """Repeat rows and columns, each up to three times, or up to twice with a stride of 1."""
        height, width, channels = self.values[source].shape[1:]
        if height * width > _MOST_UPSAMPLED:
            return source
        rows, columns = (
            np.repeat(np.arange(size), int(self.rng.integers(1, 3 + (layer.stride > 1))))
            for size in (height, width)
        )
        places = rows[:, None] * width + columns
        return self._apply(
            Gather(name="upsample", inputs=(source,), places=places, channels=channels)
        )

    def _border(self, layer: LayerSpec, source: str) -> str:
        """Sum windows, and multiply each by what its number of places lacks to the common one."""
        pad = layer.kernel - 1
        pool = SumPool(
            name="border",
            inputs=(source,),
            kernel=self._square(source, layer.kernel),
            stride=self._square(source, min(layer.stride, layer.kernel)),
            padding=self._padding(source, pad),
        )
        counts = pool.apply(np.ones((1, *self.values[source].shape[1:3], 1), dtype=np.int64))
        factors = np.lcm.reduce(counts.reshape(-1)) // counts[0, :, :, 0]
        scaled = Scale(name="scale", inputs=(self._apply(pool),), factors=factors)
        return self._threshold(layer, self._apply(scaled))

    def _residual(self, layer: LayerSpec, source: str) -> str:
        """Add a convolution that keeps the shape (3x3 padded, or 1x1) to its input."""
        channels = self.values[source].shape[3]
        kernel = 1 if self.bipolar else 3
        same = replace(layer, kernel=kernel, pad=kernel // 2, stride=1, channels=channels)
        branch = self._convolution(same, source)
        factors = (1, int(self.rng.choice((1, 1, 2, -1))))
        total = self._apply(Add(name="add", inputs=(branch, source), factors=factors))
        return self._threshold(layer, total)

    def _convolution(self, layer: LayerSpec, source: str) -> str:
        inputs = self.values[source].shape[3]
        depthwise = layer.kind == "depthwise" and inputs > 1
        outputs = inputs if depthwise else layer.channels
        groups = inputs if depthwise else 1
        shape = (*self._square(source, layer.kernel), inputs // groups, outputs)
        return self._apply(
            Convolution(
                name=layer.kind,
                inputs=(source,),
                weights=self._weights(shape, layer.weight_bits),
                stride=self._square(source, layer.stride),
                padding=self._padding(source, layer.pad),
                groups=groups,
            )
        )

    def _weights(self, shape: tuple[int, ...], bits: int) -> Integers:
        if bits == 1:
            return self.rng.choice((-1, 1), shape).astype(np.int64)
        limit = 2 ** (bits - 1) - 1
        return self.rng.integers(-limit, limit + 1, shape)

    def _threshold(self, layer: LayerSpec, source: str) -> str:
        """Place the thresholds of each channel at quantiles of its values on noise."""
        values = self.values[source]
        flat = values.reshape(-1, values.shape[-1])
        places = np.sort(self.rng.random((layer.levels, values.shape[-1])), axis=0)
        thresholds = [
            np.quantile(flat[:, c], places[:, c], method="nearest") for c in range(flat.shape[1])
        ]
        offset = -((layer.levels + 1) // 2) if layer.signed else 0
        self.bipolar = layer.bipolar
        return self._apply(
            Threshold(
                name="threshold",
                inputs=(source,),
                thresholds=np.sort(np.stack(thresholds), axis=1).astype(np.int64),
                offset=-1 if layer.bipolar else offset,
                step=2 if layer.bipolar else 1,
            )
        )

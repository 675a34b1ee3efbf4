# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The lanes of FINN's hardware layers: which are legal, what they cost in cycles."""

from dataclasses import dataclass, field
from functools import reduce
from math import gcd
from typing import Any

from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp

from hw.layers.estimates import cycles_per_frame

__all__ = ["Foldable", "foldables"]

_SIMD_LAYERS = ("FMPadding", "ConvolutionInputGenerator", "StreamingConcat")
_OUTPUT_COST = 4  # multipliers that an accumulator with its width converter is worth
_WIDEST_SIMD = 64  # wider sums need wide converters and deep adder trees


@dataclass(eq=False)
class Foldable:
    """A node and its lanes (PE, SIMD); a layer with one kind of lanes has 1 for the other.

    Attributes:
        name: of the node.
        has_weights: whether a configuration may name it.
        legal: the divisors that PE and SIMD may take.
        before: the layers whose outputs it reads.
        after: the layers that read its outputs.
        fixed: whether its lanes are given, so that its neighbours have to join them.
        follower: the pool or depthwise layer that must take as many lanes as this window.
        chosen: the lanes among which unfold chooses.
    """

    name: str
    instance: Any
    has_weights: bool
    legal: tuple[list[int], list[int]]
    before: list["Foldable"] = field(default_factory=list)
    after: list["Foldable"] = field(default_factory=list)
    fixed: bool = False
    follower: "Foldable | None" = None
    chosen: list[tuple[int, int]] = field(default_factory=list)

    @property
    def lanes(self) -> tuple[int, int]:
        """PE and SIMD as they are set."""
        attributes = self.instance.get_nodeattr_types()
        pe, simd = (
            int(self.instance.get_nodeattr(name)) if name in attributes else 1
            for name in ("PE", "SIMD")
        )
        return pe, simd

    def set_lanes(self, pe: int, simd: int) -> None:
        """Set PE and SIMD, and the same lanes of a layer that must follow."""
        attributes = self.instance.get_nodeattr_types()
        for name, value in (("PE", pe), ("SIMD", simd)):
            if name in attributes:
                self.instance.set_nodeattr(name, value)
        if self.follower:
            self.follower.set_lanes(max(pe, simd), 1)

    def cycles(self) -> int:
        """Return the cycles of a frame in steady state."""
        return cycles_per_frame(self.instance)

    def inputs(self) -> int:
        """Return the elements that enter in one beat."""
        return int(self.instance.get_folded_input_shape(0)[-1])

    def outputs(self) -> int:
        """Return the elements that leave in one beat."""
        return int(self.instance.get_folded_output_shape(0)[-1])

    def restrict(self, target: int) -> None:
        """Choose among lanes that reach the target and after which every free layer can, too.

        Where there are none, among all. The layers after it have been restricted before.
        """
        self.chosen = self._choices()
        fast = [choice for choice in self.chosen if self._reaches(choice, target)]
        self.chosen = fast or self.chosen
        readers = [layer for layer in (self.follower or self).after if not layer.fixed]
        for widths in (reader.widths() for reader in readers if not reader.follows()):
            joined = [choice for choice in self.chosen if self._serves(choice, widths)]
            self.chosen = joined or self.chosen

    def widths(self) -> set[int]:
        """Return how many elements may enter in one beat, by the chosen lanes."""
        found = set()
        for choice in self.chosen:
            self.set_lanes(*choice)
            found.add(self.inputs())
        return found

    def unfold(self, target: int) -> None:
        """Take the fewest of the chosen lanes that reach the target, or else the fastest."""
        fastest: tuple[int, tuple[int, int]] | None = None
        for choice in [*self.chosen, *self._choices()]:
            self.set_lanes(*choice)
            if not self._joins():
                continue
            cycles = self._cycles()
            if cycles <= target:
                return
            if fastest is None or cycles < fastest[0]:
                fastest = (cycles, choice)
        assert fastest is not None, self.name
        self.set_lanes(*fastest[1])

    def _cycles(self) -> int:
        return max(self.cycles(), self.follower.cycles() if self.follower else 0)

    def _reaches(self, choice: tuple[int, int], target: int) -> bool:
        self.set_lanes(*choice)
        return self._cycles() <= target

    def _serves(self, choice: tuple[int, int], widths: set[int]) -> bool:
        self.set_lanes(*choice)
        given = (self.follower or self).outputs()
        return any(max(given, width) % min(given, width) == 0 for width in widths)

    def follows(self) -> bool:
        """Say whether the window before this layer sets its lanes."""
        return any(self in layer.followed() for layer in self.before)

    def followed(self) -> list["Foldable"]:
        """Return the layers whose lanes this one sets."""
        return [self.follower] if self.follower else []

    def _choices(self) -> list[tuple[int, int]]:
        pes, simds = self.legal
        pairs = [(pe, simd) for pe in pes for simd in simds]
        return sorted(pairs, key=lambda pair: _cost(*pair))

    def _joins(self) -> bool:
        """Whether width converters exist to the layers before it and to fixed ones after it."""
        pairs = [(layer.outputs(), self.inputs()) for layer in self.before]
        pairs += [(self.outputs(), layer.inputs()) for layer in self.after if layer.fixed]
        return all(max(pair) % min(pair) == 0 for pair in pairs)


def _cost(pe: int, simd: int) -> int:
    """Return a cost in multipliers, of which an accumulator and its output take about four."""
    return pe * simd + _OUTPUT_COST * pe + (simd if simd > _WIDEST_SIMD else 0)


def foldables(model: ModelWrapper) -> dict[str, Foldable]:
    """Return the layers of a specialised graph in topological order, by node name."""
    found: dict[str, Foldable] = {}
    writers: dict[str, Foldable] = {}
    for node in model.graph.node:
        layer = _foldable(node)
        layer.before = [writers[name] for name in node.input if name in writers]
        found[node.name] = layer
        writers |= dict.fromkeys(node.output, layer)
        for previous in layer.before:
            previous.after.append(layer)
            if _is_channelwise_window(previous):
                previous.follower = layer
    return found


def _is_channelwise_window(layer: Foldable) -> bool:
    kind = _kind(layer.instance.onnx_node)
    return kind == "ConvolutionInputGenerator" and bool(layer.instance.get_nodeattr("depthwise"))


def _foldable(node: NodeProto) -> Foldable:
    instance, kind = getCustomOp(node), _kind(node)
    if kind == "MVAU":
        sizes = (instance.get_nodeattr("MH"), instance.get_nodeattr("MW"))
    elif kind in _SIMD_LAYERS:
        sizes = (1, _channels(instance, kind))
    else:
        sizes = (_channels(instance, kind), 1)
    legal = (_divisors(int(sizes[0])), _divisors(int(sizes[1])))
    if kind == "ConvolutionInputGenerator" and _is_pair(instance):
        legal = (legal[0], legal[1][:-1])
    return Foldable(node.name, instance, kind in ("MVAU", "VVAU"), legal)


def _is_pair(instance: Any) -> bool:  # noqa: ANN401 - FINN is untyped
    """Say whether a window is the whole image, of two pixels.

    FINN's generator cannot give the second one where all channels come in one beat.
    """
    height, width = instance.get_nodeattr("IFMDim")
    return bool(height * width == 2)


def _kind(node: NodeProto) -> str:
    return str(node.op_type).removesuffix("_rtl")


def _channels(instance: Any, kind: str) -> int:  # noqa: ANN401 - FINN is untyped
    if kind == "StreamingConcat":
        return reduce(gcd, (int(n) for n in instance.get_nodeattr("ChannelsPerStream")))
    return int(instance.get_normal_input_shape(0)[-1]) if kind in _WHOLE else _named(instance)


_WHOLE = ("ElementwiseAdd", "LabelSelect")


def _named(instance: Any) -> int:  # noqa: ANN401 - FINN is untyped
    names = instance.get_nodeattr_types()
    name = next(n for n in ("IFMChannels", "Channels", "NumChannels") if n in names)
    return int(instance.get_nodeattr(name))


def _divisors(size: int) -> list[int]:
    return [n for n in range(1, size + 1) if size % n == 0]

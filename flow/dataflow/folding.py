# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Folding: how many elements of each layer are worked on in one cycle."""

import copy
from collections.abc import Mapping
from dataclasses import dataclass

from qonnx.core.modelwrapper import ModelWrapper

from flow.config import CompileConfig, FoldingConfig
from flow.dataflow._lanes import Foldable, foldables
from flow.dataflow.fitting import built, fit_memories, place_thresholds
from flow.errors import FlowError
from hw.parts import find_part

__all__ = ["Folded", "fold", "fold_to_fit", "folding_of", "reachable_cycles"]


@dataclass(frozen=True)
class Folded:
    """A dataflow graph with PE and SIMD set.

    Attributes:
        model: the graph.
        cycles: layer -> cycles per frame.
        changes: layer -> how it would have been built and how it is, where block RAM or DSP
            slices made the difference.
    """

    model: ModelWrapper
    cycles: dict[str, int]
    changes: dict[str, tuple[str, str]]


def fold(model: ModelWrapper, config: CompileConfig) -> tuple[ModelWrapper, dict[str, int]]:
    """Return the model of fold_to_fit and each layer's cycles per frame."""
    folded = fold_to_fit(model, config)
    return folded.model, folded.cycles


def fold_to_fit(model: ModelWrapper, config: CompileConfig) -> Folded:
    """Set PE and SIMD of every layer, and where constants lie.

    Matrix layers named in config.folding get what is asked for. Every other layer gets the fewest
    lanes with which it takes at most clock / target_fps cycles and which divide or are divided by
    those of the layers before it, so that a width converter can join them. Where that asks for more
    block RAMs or DSP slices than the part has, matrix layers are folded anew and some keep their
    weights, or their products, in LUTs (flow.dataflow.fitting). Without a target_fps every matrix
    layer must be named, and the layers between are unfolded just enough not to be slower.

    Raises:
        FlowError: an unknown layer (known ones are listed), a PE or SIMD that does not divide
            its layer (legal values are listed), or a target that cannot be reached (the slowest
            layer and its rate are named).
    """
    model = copy.deepcopy(model)
    layers = foldables(model)
    _check_names(layers, config)
    for name, choice in config.folding.items():
        _set(layers[name], choice)
    target = _target_cycles(layers, config)
    _unfold(layers, target)
    part = find_part(config.part)
    place_thresholds(list(layers.values()), part)
    before = {name: built(layer, part) for name, layer in layers.items()}
    if fit_memories(list(layers.values()), part, target, config.folding):
        for layer in layers.values():
            layer.fixed = layer.has_weights
        _unfold(layers, target)
    cycles = {name: layer.cycles() for name, layer in layers.items()}
    _check_rate(cycles, config)
    after = {name: built(layer, part) for name, layer in layers.items()}
    changes = {name: (before[name], after[name]) for name in layers if before[name] != after[name]}
    return Folded(model, cycles, changes)


def reachable_cycles(model: ModelWrapper, target: int) -> int:
    """Return the cycles per frame nearest to a target that unfolding every layer can reach."""
    layers = foldables(copy.deepcopy(model))
    _unfold(layers, target)
    return max(target, *(layer.cycles() for layer in layers.values()))


def folding_of(model: ModelWrapper) -> dict[str, dict[str, int]]:
    """Return PE and SIMD of every matrix layer, in the form that a configuration gives them."""
    return {
        name: dict(zip(("pe", "simd"), layer.lanes, strict=True))
        for name, layer in foldables(model).items()
        if layer.has_weights
    }


def _check_names(layers: Mapping[str, Foldable], config: CompileConfig) -> None:
    known = [name for name, layer in layers.items() if layer.has_weights]
    for name in config.folding:
        if name not in known:
            raise FlowError(f"compile.folding: no layer {name!r}; layers are {', '.join(known)}")
    missing = [name for name in known if name not in config.folding]
    if config.target_fps is None and missing:
        raise FlowError(
            f"compile.folding: {', '.join(missing)} not given and target_fps is null; "
            "set target_fps or give a folding for every matrix layer"
        )


def _unfold(layers: Mapping[str, Foldable], target: int) -> None:
    free = [layer for layer in layers.values() if not layer.fixed and not layer.follows()]
    for layer in free:
        layer.unfold(target)
    if all(layer.cycles() <= target for layer in free):
        return
    for layer in reversed(free):  # the lanes of one may have left none to a later one
        layer.restrict(target)
    for layer in free:
        layer.unfold(target)


def _set(layer: Foldable, choice: FoldingConfig) -> None:
    for attribute, value, legal in zip(
        ("PE", "SIMD"), (choice.pe, choice.simd), layer.legal, strict=True
    ):
        if value not in legal:
            raise FlowError(
                f"compile.folding.{layer.name}: {attribute} {value} does not divide {max(legal)}; "
                f"legal values are {', '.join(map(str, legal))}"
            )
    layer.set_lanes(choice.pe, choice.simd)
    layer.fixed = True


def _target_cycles(layers: Mapping[str, Foldable], config: CompileConfig) -> int:
    if config.target_fps is not None:
        return max(1, int(config.clock_mhz * 1e6 / config.target_fps))
    return max(layer.cycles() for layer in layers.values() if layer.has_weights)


def _check_rate(cycles: Mapping[str, int], config: CompileConfig) -> None:
    slowest = max(cycles, key=lambda name: cycles[name])
    rate = config.clock_mhz * 1e6 / cycles[slowest]
    if config.target_fps is not None and rate < config.target_fps:
        raise FlowError(
            f"compile.target_fps: {config.target_fps:g} cannot be reached: {slowest} takes "
            f"{cycles[slowest]} cycles a frame, {rate:.0f} frames/s at {config.clock_mhz:g} MHz; "
            "lower target_fps, raise clock_mhz or change that layer's folding"
        )

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Where constants lie; and refolding layers that take more block RAMs or DSP slices than a part."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flow.dataflow._lanes import Foldable
from hw.layers.matrix_options import MatrixOption, chosen_option, matrix_options
from hw.layers.threshold_memory import (
    ThresholdOption,
    chosen_trigger,
    threshold_options,
    threshold_resources,
)
from hw.parts import Part

__all__ = ["built", "fit_memories", "place_thresholds"]

_WIDER = 1.5  # how many times the multipliers of the narrowest folding a better one may have
_BINS = 256  # in which DSP slices are counted
_RESERVE = 2.0  # block RAMs for FIFOs, whose depths come later
_Option = MatrixOption | ThresholdOption


@dataclass(frozen=True)
class _Choice:
    """A folding of one layer and a way to build it."""

    lanes: tuple[int, int]
    option: _Option


def place_thresholds(layers: Sequence[Foldable], part: Part) -> None:
    """Say for each thresholding whose memories lie where, by what each takes of the part."""
    for layer in layers:
        if _has_thresholds(layer):
            chosen_trigger(layer.instance, part.name).apply(layer.instance)


def built(layer: Foldable, part: Part) -> str:
    """Say how a matrix layer or a thresholding would be built as it is now; "" for others."""
    if layer.has_weights:
        option = chosen_option(layer.instance, part.name)
        place = "block RAM" if option.ram_style == "block" else "LUTs"
        pe, simd = layer.lanes
        return f"PE {pe}, SIMD {simd}, {option.unit.upper()} unit, weights in {place}"
    if _has_thresholds(layer):
        blocks = threshold_resources(layer.instance, part.name).bram36
        return f"thresholds in {blocks:g} block RAMs"
    return ""


def fit_memories(
    layers: Sequence[Foldable], part: Part, target: int, given: Collection[str]
) -> bool:
    """Choose folding, unit and memory of every matrix layer if the part would not suffice.

    That is if each for itself they ask for too many block RAMs or DSP slices. Of all combinations
    that keep to both, by prediction, the one with the fewest LUTs is taken, exactly, by dynamic
    programming over the two; thresholds go where they leave room. Without one the layers stay as
    they are, and synthesis says by how much they exceed the part.

    Args:
        layers: all layers, folded, with thresholds placed.
        part: what must hold them.
        target: cycles of a frame that no choice may exceed.
        given: names of matrix layers whose folding stays.

    Returns:
        Whether foldings may have changed.
    """
    chosen = [layer for layer in layers if layer.has_weights or _has_thresholds(layer)]
    rest = sum(
        float(layer.instance.bram_estimation(part.name)) / 2
        for layer in layers
        if layer not in chosen
    )
    alone = [_alone(layer, part) for layer in chosen]
    bram36 = rest + sum(option.bram36 for option in alone)
    if bram36 <= part.bram36 and sum(option.dsp for option in alone) <= part.dsp:
        return False
    choices = [list(_choices(layer, part, target, layer.name in given)) for layer in chosen]
    found = _fewest_luts(choices, part.bram36 - rest - _RESERVE, part.dsp)
    for layer, choice in zip(chosen, found, strict=bool(found)):
        layer.set_lanes(*choice.lanes)
        choice.option.apply(layer.instance)
    return bool(found)


def _has_thresholds(layer: Foldable) -> bool:
    return str(layer.instance.onnx_node.op_type) == "Thresholding_rtl"


def _alone(layer: Foldable, part: Part) -> _Option:
    """Return how a layer would be built if there were no others."""
    choose = chosen_option if layer.has_weights else chosen_trigger
    option: _Option = choose(layer.instance, part.name)
    return option


def _choices(layer: Foldable, part: Part, target: int, fixed: bool) -> Iterator[_Choice]:
    """Yield the choices for a layer, and leave its lanes as they were."""
    before = layer.lanes
    if not layer.has_weights:
        options = threshold_options(layer.instance, part.name)
        yield from (_Choice(before, option) for option in options)
        return
    limit = _WIDER * before[0] * before[1]
    pairs = [(pe, simd) for pe in layer.legal[0] for simd in layer.legal[1] if pe * simd <= limit]
    for lanes in [before] if fixed or layer.follows() else pairs:
        layer.set_lanes(*lanes)
        if lanes == before or layer.cycles() <= target:
            yield from (_Choice(lanes, o) for o in matrix_options(layer.instance, part.name))
    layer.set_lanes(*before)


def _fewest_luts(choices: Sequence[Sequence[_Choice]], bram36: float, dsp: int) -> list[_Choice]:
    """Return one choice a layer with the fewest LUTs within both limits; none if there is none."""
    halves, step = max(0, int(2 * bram36)), max(1, -(-dsp // _BINS))
    least = np.zeros((halves + 1, dsp // step + 1))  # LUTs, by what is left of both
    taken: list[NDArray[np.int64]] = []
    for options in choices:
        costs = np.stack([_after(least, choice.option, step) for choice in options])
        taken.append(costs.argmin(axis=0))
        least = costs.min(axis=0)
    if not np.isfinite(least[-1, -1]):
        return []
    found: list[_Choice] = []
    row, column = least.shape[0] - 1, least.shape[1] - 1
    for options, table in zip(reversed(choices), reversed(taken), strict=True):
        choice = options[int(table[row, column])]
        halves, slices = _use(choice.option, step)
        row, column = row - halves, column - slices
        found.append(choice)
    return found[::-1]


def _use(option: _Option, step: int) -> tuple[int, int]:
    return round(2 * option.bram36), -(-option.dsp // step)


def _after(least: NDArray[np.float64], option: _Option, step: int) -> NDArray[np.float64]:
    """Return the least LUTs with one layer more, built so."""
    halves, slices = _use(option, step)
    costs = np.full_like(least, np.inf)
    if halves < least.shape[0] and slices < least.shape[1]:
        rows, columns = least.shape[0] - halves, least.shape[1] - slices
        costs[halves:, slices:] = least[:rows, :columns] + option.lut
    return costs

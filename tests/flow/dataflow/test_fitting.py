# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Weights that exceed a part's block RAMs: which layers are refolded, and which go to LUTs."""

import copy
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp

from flow.config import CompileConfig, FoldingConfig
from flow.dataflow import fitting, fold, fold_to_fit, folding_of, to_dataflow
from flow.dataflow._lanes import foldables
from flow.dataflow.fitting import fit_memories
from flow.integer import Convolution, Dense, Flatten, IntegerNetwork, Threshold
from hw.layers.matrix_options import MatrixOption, chosen_option
from hw.parts import find_part

_PART = find_part("xc7z010clg400-1")  # 60 block RAMs


@pytest.fixture(scope="module")
def large() -> ModelWrapper:
    """Three layers with 2.4 Mbit of weights in all."""
    rng = np.random.default_rng(0)

    def weights(*shape: int) -> np.ndarray:
        return rng.integers(-7, 8, shape)

    def levels(channels: int) -> np.ndarray:
        return np.sort(rng.integers(-400, 400, (channels, 15)), axis=1)

    operations = (
        Convolution(name="c0", weights=weights(3, 3, 2, 96)),
        Threshold(name="t0", thresholds=levels(96), offset=0),
        Convolution(name="c1", weights=weights(3, 3, 96, 96)),
        Threshold(name="t1", thresholds=levels(96), offset=0),
        Convolution(name="dw", weights=weights(2, 2, 1, 96), groups=96, padding=(1, 1, 0, 0)),
        Threshold(name="tw", thresholds=levels(96), offset=0),
        Flatten(name="f"),
        Dense(name="d0", weights=weights(384, 1300)),
        Threshold(name="t2", thresholds=levels(1300), offset=0),
        Dense(name="d1", weights=weights(1300, 4)),
    )
    return to_dataflow(IntegerNetwork(operations, (6, 6, 2), 1.0), _PART.name)


def _matrices(model: ModelWrapper) -> list[object]:
    return [getCustomOp(node) for node in model.graph.node if node.op_type == "MVAU_rtl"]


def _total(model: ModelWrapper) -> tuple[float, float, int]:
    """LUTs, block RAMs and DSP slices of the matrix layers, by prediction."""
    options = [chosen_option(layer, _PART.name) for layer in _matrices(model)]
    return (
        sum(o.lut for o in options), sum(o.bram36 for o in options), sum(o.dsp for o in options)
    )  # fmt: skip


def test_weights_are_made_to_fit(large: ModelWrapper) -> None:
    roomy = CompileConfig(part="xc7z020clg400-1", target_fps=300)
    tight = roomy.model_copy(update={"part": _PART.name})
    alone, _ = fold(large, roomy)
    fitted, cycles = fold(large, tight)
    assert _total(alone)[1] > _PART.bram36
    assert _total(fitted)[1] <= _PART.bram36
    assert _total(fitted)[2] <= _PART.dsp
    assert max(cycles.values()) <= 100e6 / 300
    layers = foldables(fitted)
    for layer in layers.values():
        for before in layer.before:  # a width converter exists between them
            wide, narrow = sorted((before.outputs(), layer.inputs()), reverse=True)
            assert wide % narrow == 0
        if layer.follower:
            assert layer.follower.lanes[0] == max(layer.lanes)


def test_what_fits_stays_as_it_is(large: ModelWrapper) -> None:
    config = CompileConfig(part="xc7z020clg400-1", target_fps=300)
    fitted, _ = fold(large, config)
    styles = {layer.get_nodeattr("ram_style") for layer in _matrices(fitted)}  # type: ignore[attr-defined]
    assert styles == {"auto"}


def test_what_was_changed_to_fit_is_told(large: ModelWrapper) -> None:
    roomy = CompileConfig(part="xc7z020clg400-1", target_fps=300)
    tight = fold_to_fit(large, roomy.model_copy(update={"part": _PART.name}))
    assert fold_to_fit(large, roomy).changes == {}
    lanes = folding_of(tight.model)
    matrices = {name: told for name, told in tight.changes.items() if name in lanes}
    assert any("weights in LUTs" in after for _, after in matrices.values())
    for name, (before, after) in matrices.items():
        pe, simd = lanes[name].values()
        assert after.startswith(f"PE {pe}, SIMD {simd}, ")
        assert before != after


def test_products_that_exceed_the_multipliers_go_to_luts(large: ModelWrapper) -> None:
    part = find_part("ulx3s-85f")
    roomy, _ = fold(_multiplied(large), CompileConfig(part=part.name, target_fps=5_000))
    layers = foldables(roomy)
    before = [chosen_option(layer, part.name) for layer in _matrices(roomy)]
    slices = sum(option.dsp for option in before)
    assert {option.unit for option in before} == {"mul"}
    assert fit_memories(list(layers.values()), replace(part, dsp=slices - 1), 20_000, layers)
    after = [chosen_option(layer, part.name) for layer in _matrices(roomy)]
    assert {option.unit for option in after} == {"lut", "mul"}
    assert 0 < sum(option.dsp for option in after) < slices


def _multiplied(model: ModelWrapper) -> ModelWrapper:
    """Return a copy for an ECP5 whose multipliers cost next to nothing."""
    copied = copy.deepcopy(model)
    for layer in _matrices(copied):
        layer.set_nodeattr("dsp_possible", 1)  # type: ignore[attr-defined]
        layer.set_nodeattr("lut_per_dsp", 1.0)  # type: ignore[attr-defined]
    return copied


def test_given_foldings_stay(large: ModelWrapper) -> None:
    given = {"MVAU_rtl_2": FoldingConfig(pe=1, simd=2)}
    config = CompileConfig(part=_PART.name, target_fps=300, folding=given)
    fitted, _ = fold(large, config)
    assert folding_of(fitted)["MVAU_rtl_2"] == {"pe": 1, "simd": 2}
    assert _total(fitted)[1] <= _PART.bram36


def test_a_part_that_is_too_small_changes_nothing(large: ModelWrapper) -> None:
    layers = list(foldables(large).values())
    before = [layer.lanes for layer in layers]
    tiny = replace(_PART, bram36=1, dsp=1, name="xc7z010clg400-1")
    without = [layer for layer in layers if layer.has_weights]
    for layer in without:
        layer.instance.set_nodeattr("ram_style", "block")
    assert not fit_memories(layers, tiny, 300_000, ())
    assert [layer.lanes for layer in layers] == before
    for layer in without:
        layer.instance.set_nodeattr("ram_style", "auto")


@pytest.mark.parametrize("seed", range(5))
def test_the_choice_is_the_best_of_all(seed: int) -> None:
    rng = np.random.default_rng(seed)

    def choice() -> fitting._Choice:
        lut, dsp, halves = (int(n) for n in rng.integers((10, 0, 0), (99, 6, 9)))
        option = MatrixOption(
            unit="dsp", ram_style="block", lut=lut, dsp=dsp, bram36=halves / 2
        )  # fmt: skip
        return fitting._Choice((1, 1), option)

    choices = [[choice() for _ in range(4)] for _ in range(5)]
    found = fitting._fewest_luts(choices, bram36=9.5, dsp=12)
    fitting_ones = [
        combination
        for combination in product(*choices)
        if sum(c.option.bram36 for c in combination) <= 9.5
        and sum(c.option.dsp for c in combination) <= 12
    ]
    best = min((sum(c.option.lut for c in combination) for combination in fitting_ones), default=0)
    assert sum(c.option.lut for c in found) == best

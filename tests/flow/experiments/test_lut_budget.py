# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Networks compared at equal LUTs: by hand, and small runs."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from flow.experiments._lut_budget import Sized, against_area, at_area, best_of
from flow.experiments.layerwise_luts import LayerwiseLuts, judge
from flow.experiments.lut_bits import LutBits
from flow.experiments.lut_shapes import LutShapes
from flow.experiments.scale import Scale
from flow.experiments.study import Study
from tests.flow.bar_images import bars_dataset


def _one(series: str, size: float, lut: float, robust: float, seed: int = 0) -> Sized:
    return Sized(
        series=series,
        size=size,
        seed=seed,
        weights="2-2",
        lut=lut,
        bram36=0.0,
        clean=1.0,
        robust=robust,
    )


# From 1,000 to 4,000 LUTs; the second one only begins at 2,000.
_LINES = [
    _one("a", 2.0, 4000.0, 0.8),
    _one("a", 1.0, 1000.0, 0.4),
    _one("b", 1.0, 2000.0, 0.1),
    _one("b", 2.0, 8000.0, 0.3),
]


@pytest.mark.parametrize(
    ("lut", "held"),
    [
        (999.0, {}),
        (1000.0, {"a": 0.4}),
        (2000.0, {"a": 0.6, "b": 0.1}),  # half of the way, as LUTs double twice
        (4000.0, {"a": 0.8, "b": 0.2}),
        (1e6, {"a": 0.8, "b": 0.3}),
    ],
)
def test_what_a_series_holds_with_so_many_luts(lut: float, held: dict[str, float]) -> None:
    found = {name: values[0] for name, values in at_area(_LINES, lut).items()}
    assert found == pytest.approx(held)


def test_a_series_counts_where_every_seed_of_it_fits() -> None:
    seeds = [_one("a", 1.0, 1000.0, 0.4), _one("a", 1.0, 1100.0, 0.2, seed=1)]
    assert at_area(seeds, 1050.0) == {}
    assert at_area(seeds, 1100.0) == {"a": [0.4, 0.2]}


def _seeds(series: str, size: float, robust: Sequence[float], lut: float = 100.0) -> list[Sized]:
    return [_one(series, size, lut, value, seed) for seed, value in enumerate(robust)]


@pytest.mark.parametrize(
    ("rivals", "outcome"), [((0.5, 0.6), "reproduced"), ((0.5, 0.79), "undecided")]
)
def test_the_best_of_several_must_beat_each(rivals: tuple[float, ...], outcome: str) -> None:
    samples = _seeds("best", 1.0, (0.8, 0.8))
    for number, robust in enumerate(rivals):
        samples += _seeds(f"rival {number}", 1.0, (robust, robust))
    found = best_of(samples, 100.0, 500)
    assert found.outcome == outcome
    assert "100 LUTs, best holds more" in found.claim
    assert f"best 80.0%, rival 0 50.0%, rival 1 {100 * rivals[1]:.1f}%" in found.evidence


def test_curves_rise_with_luts_and_have_the_seeds_as_band() -> None:
    (curve,) = against_area(_seeds("a", 2.0, (0.5, 0.7), 300.0) + _LINES[1:2], "t").curves
    assert (curve.x, curve.y) == ((1000.0, 300.0), pytest.approx((0.4, 0.6)))  # by size
    assert (curve.low, curve.high) == ((0.4, 0.5), (0.4, 0.7))


@pytest.mark.parametrize(
    ("gain", "outcome"), [(0.1, "reproduced"), (0.0, "undecided"), (-0.1, "refuted")]
)
def test_layers_of_their_own_bits_are_judged_beside_uniform_ones(gain: float, outcome: str) -> None:
    levels = (0.3, 0.5, 0.7)  # a seed's own level cancels out
    samples = []
    for bits in (2.0, 3.0):
        samples += _seeds("uniform", bits, levels, 110.0)
        samples += _seeds("layer-wise", bits, [level + gain for level in levels])
    found = judge(samples, 1000)
    assert found.outcome == outcome
    assert f"{100 * gain:+.2f} points" in found.evidence
    assert "-10 LUTs of area; 2 bits" in found.evidence


_SCALE = Scale(train_images=120, epochs=2, images=10)


def _study(folder: Path, architecture: str) -> Study:
    return Study(bars_dataset(noise=60, light=120), _SCALE, folder, architecture)


def test_a_small_run_over_bits(tmp_path: Path) -> None:
    found = LutBits(bits=(1, 2), widths=(0.25, 0.5), budgets=(1e6,), seeds=1).run(
        _study(tmp_path, "tfc")
    )
    assert [row["network"] for row in found.rows] == ["1 bit", "1 bit", "2 bits", "2 bits"]
    assert [row["weights"] for row in found.rows][::2] == ["1-1-1-1", "2-2-2-2"]
    luts = [float(row["lut"] or 0) for row in found.rows]
    assert luts[0] < luts[1] < luts[3]
    assert [len(panel.curves) for panel in found.panels] == [2, 2, 2, 2]


def test_a_small_run_over_shapes(tmp_path: Path) -> None:
    found = LutShapes(widths=(0.25,), budget=1e6, seeds=1).run(_study(tmp_path, "tfc"))
    assert len(found.rows) == 4
    assert {row["weights"] for row in found.rows} == {"4-4-4-4", "4-4-4-4-4"}
    assert len(found.verdicts) == 3


def test_layer_wise_bits_take_no_more_area_than_uniform_ones(tmp_path: Path) -> None:
    found = LayerwiseLuts(budgets=(2,), seeds=1, tuning=1).run(_study(tmp_path, "tfc"))
    uniform, layerwise = found.rows
    assert (uniform["network"], uniform["weights"]) == ("uniform", "2-2-2-2")
    assert layerwise["network"] == "layer-wise"
    # the choice was by weights of chance; what was trained takes the same but for some thresholds
    assert float(layerwise["area"] or 0) <= 1.05 * float(uniform["area"] or 0)

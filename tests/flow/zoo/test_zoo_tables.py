# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Proven bounds in the zoo's list."""

from dataclasses import replace

import pytest

from brevitas_models.model_card import CertifiedFigures, ModelCard, RobustFigures
from brevitas_models.pretrained import card
from flow.zoo.defaults import zoo_defaults
from flow.zoo.tables import model_row, model_table

FIGURES = CertifiedFigures(
    norm="linf", epsilon_255=26, images=500, certified=0.784, possible=0.814, nodes=1000
)
EXACT = replace(FIGURES, possible=0.784)
ELSEWHERE = replace(EXACT, epsilon_255=30)


@pytest.mark.parametrize(
    ("figures", "text"),
    [
        (FIGURES, "78.4% to 81.4% of 500 "),
        (EXACT, "78.4% of 500 "),
        (ELSEWHERE, "78.4% of 500 at 30/255"),
    ],
)
def test_bounds_are_listed_with_their_ball(figures: CertifiedFigures, text: str) -> None:
    found = replace(card("mnist-tfc-w2a2-robust"), certified=figures, robust=_attacked(500, 0.9))
    table = model_table([model_row(found)])
    assert text in table
    assert "proven: the bounds of the robust accuracy" in table


def _attacked(images: int, accuracy: float, **changes: object) -> RobustFigures:
    found = card("mnist-tfc-w2a2-robust").robust
    assert found is not None
    return replace(found, images=images, accuracy=accuracy, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("attacked", "at_most"),
    [
        (_attacked(500, 0.8), 0.8),  # attacks broke 100 images, the proofs' searches 93
        (_attacked(500, 0.9), 0.814),
        (_attacked(250, 0.5), 0.75),  # 125 broken
        (_attacked(600, 0.7), 0.814),  # of 180 at least 80 among the first 500
        (_attacked(600, 0.5), 0.6),
        (_attacked(500, 0.8, epsilon_255=25), 0.8),  # a smaller ball lies within
        (_attacked(500, 0.8, epsilon_255=27), 0.814),
        (_attacked(500, 0.8, norm="l2"), 0.814),
    ],
)
def test_what_attacks_break_lowers_the_upper_bound(attacked: RobustFigures, at_most: float) -> None:
    assert FIGURES.at_most(attacked) == pytest.approx(at_most)
    row = model_row(replace(card("mnist-tfc-w2a2-robust"), certified=FIGURES, robust=attacked))
    assert (row["certified"], row["possible"]) == (0.784, pytest.approx(at_most))


def test_a_card_with_bounds_is_read_as_it_was_written() -> None:
    found = card("mnist-tfc-w2a2-certified")
    assert found.certified is not None
    assert found.certified.certified == found.certified.possible
    assert isinstance(found, ModelCard)


def test_a_run_of_a_certified_network_attacks_in_its_ball() -> None:
    assert 26 in zoo_defaults("mnist-tfc-w2a2-certified")["attack"]["epsilons_255"]

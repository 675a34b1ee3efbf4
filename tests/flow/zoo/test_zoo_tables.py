# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Proven bounds in the zoo's list."""

from dataclasses import replace

import pytest

from brevitas_models.model_card import CertifiedFigures, ModelCard
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
    found = replace(card("mnist-tfc-w2a2-robust"), certified=figures)
    table = model_table([model_row(found)])
    assert text in table
    assert "proven: the bounds of the robust accuracy" in table


def test_a_card_with_bounds_is_read_as_it_was_written() -> None:
    found = card("mnist-tfc-w2a2-certified")
    assert found.certified is not None
    assert found.certified.certified == found.certified.possible
    assert isinstance(found, ModelCard)


def test_a_run_of_a_certified_network_attacks_in_its_ball() -> None:
    assert 26 in zoo_defaults("mnist-tfc-w2a2-certified")["attack"]["epsilons_255"]

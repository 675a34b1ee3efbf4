# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
from pathlib import Path

import pytest

from flow.run.loading import load_config

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.mark.parametrize("source", ["digits", "mnist"])
def test_each_data_source_has_an_example_that_attacks_at_the_claimed_strength(source: str) -> None:
    config = load_config(EXAMPLES / f"{source}.yaml")
    assert (config.name, config.data.source) == (source, source)
    assert config.rtlsim.epsilon_255 in config.attack.epsilons_255
    assert {0, 128} <= set(config.attack.epsilons_255)
    assert config.attack.steps >= 40
    assert config.attack.restarts >= 5


def test_the_example_of_an_architecture_attacks_without_gradients_too() -> None:
    config = load_config(EXAMPLES / "lenet.yaml")
    assert (config.network.architecture, config.training.strengths) == ("lenet5", {"dq": 1e-3})
    assert config.rtlsim.epsilon_255 == config.training.held_out.epsilon_255 == 76
    assert {0, 76, 128} <= set(config.attack.epsilons_255)
    assert {"pgd", "apgd_ce", "apgd_dlr", "square"} == set(config.attack.attacks)

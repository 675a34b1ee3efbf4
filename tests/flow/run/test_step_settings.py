# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Whatever of a configuration a step's files depend on is among its settings."""

from pathlib import Path
from typing import Any

import pytest

from flow.run.loading import parse_config
from flow.run.pipeline import Context
from flow.run.steps import all_steps

BASE: dict[str, Any] = {"name": "one", "data": {"source": "digits"}}
# Each change, and the steps that must not take an earlier result for theirs; rtlsim takes its
# images from attack, whose output is among its inputs.
CHANGES: dict[str, tuple[dict[str, Any], set[str]]] = {
    "seed": ({"seed": 1}, {"train", "attack"}),
    "images": ({"data": {"source": "digits", "train_images": 99}}, {"train"}),
    "network": ({"network": {"channels": [4], "strides": [2]}}, {"train"}),
    "training": ({"training": {"epochs": 3}}, {"train"}),
    "epsilon of training": ({"training": {"epsilon_255": 3}}, {"train"}),
    "part": ({"compile": {"part": "xck26-sfvc784-2LV-c"}}, {"compile", "synth"}),
    "speed": ({"compile": {"target_fps": 7.0}}, {"compile"}),
    "simulated images": ({"rtlsim": {"images": 70}}, {"rtlsim", "attack"}),
    "epsilon of the example": ({"rtlsim": {"epsilon_255": 5}}, {"attack"}),
    "epsilons": ({"attack": {"epsilons_255": [0, 3]}}, {"attack", "certify"}),
    "nodes of the search": ({"certify": {"nodes": 3}}, {"certify"}),
    "steps of the attack": ({"attack": {"steps": 3}}, {"attack"}),
    "restarts of the attack": ({"attack": {"restarts": 2}}, {"attack"}),
}


def _settings(tmp_path: Path, changes: dict[str, Any]) -> dict[str, str]:
    config = parse_config(BASE | changes, "of a test")
    context = Context(config=config, workspace=tmp_path, data=None)
    return {step.name: repr(step.settings(context)) for step in all_steps()}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_is_among_the_settings_of_the_steps_it_concerns(name: str, tmp_path: Path) -> None:
    changes, concerned = CHANGES[name]
    before, after = _settings(tmp_path, {}), _settings(tmp_path, changes)
    assert concerned <= {step for step in before if before[step] != after[step]}

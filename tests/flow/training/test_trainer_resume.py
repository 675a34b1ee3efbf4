# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What a second call depends on: averages, patience, and what tells trainings and steps apart."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from brevitas_models.architectures import build, convnet_settings
from brevitas_models.classifier import QuantClassifier
from flow.config import HeldOut, TrainerSettings
from flow.config.section import Section
from flow.data.datasets import Dataset
from flow.objectives import Objective, build_objective
from flow.training.average import Average
from flow.training.fingerprint import fingerprint
from flow.training.held_out import Measured
from flow.training.selection import Selection
from flow.training.trainer import EpochReport, train

SETTINGS = TrainerSettings(
    epochs=6,
    learning_rate=1e-12,
    epsilon_255=8.0,
    batch_size=16,
    held_out=HeldOut(images=20, steps=1, patience=2),
)


def _network() -> QuantClassifier:
    settings = convnet_settings(input_shape=(8, 8, 1), classes=10, channels=(4,), strides=(2,))
    network = build(settings, seed=1)
    for block in network.blocks():
        block.norm.momentum = 0.0  # so that no epoch changes what is measured
    return network


def _noise() -> Dataset:
    images = np.random.default_rng(0).integers(0, 256, (60, 8, 8, 1), dtype=np.uint8)
    labels = np.arange(60) % 10
    return Dataset("noise", images, labels, images, labels, classes=10)


# --- the average


def _averaged(average: Average, network: nn.BatchNorm1d, values: list[float]) -> float:
    for value in values:
        nn.init.constant_(network.weight, value)
        average.update()
    with average.applied():
        return network.weight.item()


def test_an_average_that_starts_anew_is_a_new_one() -> None:
    values, (again, fresh) = [2.0, 9.0, -1.0], (nn.BatchNorm1d(1), nn.BatchNorm1d(1))
    average = Average(again, 0.9)
    _averaged(average, again, [float(step) for step in range(30)])
    nn.init.constant_(again.weight, 1.0)
    average.reset()
    assert _averaged(average, again, values) == _averaged(Average(fresh, 0.9), fresh, values)


def test_an_average_goes_on_where_its_state_was_taken() -> None:
    values, (whole, resumed) = [2.0, 9.0, -1.0, 4.0], (nn.BatchNorm1d(1), nn.BatchNorm1d(1))
    first = Average(whole, 0.9)
    _averaged(first, whole, [5.0, 6.0, 7.0])
    second = Average(resumed, 0.9)
    second.load_state_dict(first.state_dict())
    assert _averaged(first, whole, values) == _averaged(second, resumed, values)


# --- patience


def test_a_choice_goes_on_where_its_state_was_taken() -> None:
    network, found = nn.BatchNorm1d(1), [(0.5, 0.9), (0.4, 0.9), (0.5, 0.9), (0.5, 0.91)]
    whole, resumed = Selection(), Selection()
    for epoch, (robust, clean) in enumerate(found, 1):
        again = Selection()
        again.load_state_dict(resumed.state_dict())
        resumed = again
        for one in (whole, resumed):
            one.see(Measured(robust=robust, clean=clean), epoch, network)
        assert (resumed.epoch, resumed.stale) == (whole.epoch, whole.stale)
    assert (resumed.epoch, resumed.stale) == (4, 0)


@pytest.mark.parametrize("killed_after", [1, 2])
def test_patience_counts_the_epochs_before_an_interruption(
    tmp_path: Path, killed_after: int
) -> None:
    def kill(report: EpochReport) -> None:
        if report.epoch == killed_after:
            raise KeyboardInterrupt

    arguments = (_noise(), build_objective("standard"), SETTINGS)
    with pytest.raises(KeyboardInterrupt):
        train(_network(), *arguments, state_file=tmp_path / "state", report=kill)
    result = train(_network(), *arguments, state_file=tmp_path / "state")
    assert (len(result.history), result.best_epoch, result.stopped_early) == (3, 1, True)


# --- what tells trainings apart

_CHANGED = {"epsilon_255": 7, "patience": 5, "float_learning_rate": 0.5, "ema_decay": 0.5}


def _changed(value: Any) -> Any:  # noqa: ANN401 - whatever a setting holds
    """Return another legal value of a setting."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, float):
        return value * 0.5 + 0.1
    if isinstance(value, tuple):
        return value[:-1]
    return {"adamw": "sgd", "cpu": "cuda", "32-true": "bf16-mixed"}[value]


def _variants(settings: Any) -> list[tuple[str, Any]]:  # noqa: ANN401 - a section or dataclass
    """Return the settings with each single value changed, of all sections below too."""
    section = isinstance(settings, Section)
    held = dict(settings) if section else vars(settings)
    made = settings.changed if section else partial(replace, settings)
    found = []
    for key, value in held.items():
        if isinstance(value, Section):
            inner = _variants(value)
            found += [(f"{key}.{name}", made(**{key: one})) for name, one in inner]
        else:
            found.append((key, made(**{key: _CHANGED.get(key) or _changed(value)})))
    return found


def _digest(settings: TrainerSettings, objective: Objective | None = None, **told: Any) -> str:  # noqa: ANN401
    told = {
        "seed": 0,
        "penalties": (),
        "controls": "",
        "dataset": _noise(),
        "network": _network(),
    } | told
    network, dataset = told.pop("network"), told.pop("dataset")
    objective = objective or build_objective("standard")
    return repr(fingerprint(network, dataset, objective, settings, **told))


VARIANTS = dict(_variants(SETTINGS))


@pytest.mark.parametrize("name", VARIANTS)
def test_every_setting_tells_trainings_apart(name: str) -> None:
    assert _digest(VARIANTS[name]) != _digest(SETTINGS)


@pytest.mark.parametrize("objective", ["pgd", "trades", "mart", "mat_mixed", "feedback"])
def test_every_option_of_an_objective_tells_trainings_apart(objective: str) -> None:
    kind = type(build_objective(objective))
    settings = build_objective(objective).settings
    digests = [_digest(SETTINGS, kind(one)) for _, one in _variants(settings)]
    digests.append(_digest(SETTINGS, kind(settings)))
    assert len(set(digests)) == len(digests)


def test_images_labels_weights_and_penalties_tell_trainings_apart() -> None:
    images, labels, network = _noise(), _noise(), _network()
    images.train_images[59, 7, 7, 0] ^= 1
    labels.train_labels[59] += 1
    with torch.no_grad():
        next(network.parameters()).view(-1)[-1] += 1e-6
    digests = [
        _digest(SETTINGS),
        _digest(SETTINGS, dataset=images),
        _digest(SETTINGS, dataset=labels),
        _digest(SETTINGS, network=network),
        _digest(SETTINGS, seed=1),
        _digest(SETTINGS, penalties=("decay",)),
        _digest(SETTINGS, controls="spectral 0.5"),
    ]
    assert len(set(digests)) == len(digests)

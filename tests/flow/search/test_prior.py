# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Bits that a network of many bits can spare, and candidates that begin with them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
import torch
import yaml
from short_search import EXAMPLE

from brevitas_models.architectures import build
from flow.cluster import ProcessCluster
from flow.config import DataConfig, NetworkConfig, TrainingConfig
from flow.data.datasets import load_dataset
from flow.errors import FlowError
from flow.search import trials
from flow.search.candidate import Candidate
from flow.search.cost import Cost
from flow.search.prior import MANY_BITS, multiplications, sensitive_bits
from flow.search.proposals import Proposals
from flow.search.settings import Prior, SearchConfig, load_search
from flow.search.space import layer_parameters, uniform_parameters
from flow.search.trials import Trials
from flow.training.configured import network_settings

DATASET = load_dataset(DataConfig(), None)
SHAPE = NetworkConfig(
    channels=(4, 8), strides=(1, 2), weight_bits=MANY_BITS, activation_bits=MANY_BITS
)
NETWORK = build(
    network_settings(SHAPE, input_shape=DATASET.input_shape, classes=DATASET.classes), seed=0
).eval()


def test_multiplications_are_weights_times_places() -> None:
    found = multiplications(NETWORK, torch.zeros(1, 1, 8, 8))
    assert found == {
        "conv0": 9 * 4 * 64,
        "conv1": 9 * 4 * 8 * 16,
        "classifier": NETWORK.layers()["classifier"].weight.numel(),
    }


@pytest.mark.parametrize("width", [2, 3, 4])
def test_layers_divide_the_cost_of_a_uniform_width(width: int) -> None:
    bits = sensitive_bits(NETWORK, DATASET.train_images[:16], (2, 3, 4, 5), width)
    counts = multiplications(NETWORK, torch.zeros(1, 1, 8, 8))
    assert list(bits) == list(counts)
    assert sum(counts[name] * bits[name] for name in counts) <= width * sum(counts.values())
    assert all(bits[name] == 2 for name in bits) or width > 2


def _fits(some: Sequence[Candidate]) -> list[Cost | Any]:
    return [Cost(lut=100, bram36=0, dsp=0, fps=1e6)] * len(some)


def _bits(candidate: Candidate) -> dict[str, int]:
    return {name: one.weight_bits for name, one in candidate.network.bits.items()}


def test_the_prior_comes_after_the_uniform_bits(tmp_path: Path) -> None:
    config = load_search(EXAMPLE)
    chosen = {"conv0": 4, "conv1": 2, "classifier": 3}
    prior = [layer_parameters(1, chosen, 3)]
    count = len(uniform_parameters(config)) + 1
    found = Proposals(config, tmp_path, _fits, prior).next(count)
    assert _bits(found[-1].candidate) == chosen
    assert {one.activation_bits for one in found[-1].candidate.network.bits.values()} == {3}


def _short(**changes: Any) -> SearchConfig:  # noqa: ANN401
    config = load_search(EXAMPLE)
    space = config.space.model_copy(update={"families": config.space.families[:1]})
    training = TrainingConfig(epochs=1, warmup_epochs=0, pgd_steps=1, plain=False)
    return config.model_copy(update={"space": space, "training": training, **changes})


def test_a_family_is_trained_once_for_the_prior(monkeypatch: pytest.MonkeyPatch) -> None:
    training = Mock(side_effect=trials.train_network)
    monkeypatch.setattr(trials, "train_network", training)
    found = Trials(_short(prior=Prior(epochs=1, widths=(3, 4))), None).priors(ProcessCluster(1))
    assert training.call_count == 1
    assert [one["family"] for one in found] == [0, 0]
    assert [one["0.conv0.activation_bits"] for one in found] == [3, 4]
    assert {one["0.conv1.weight_bits"] for one in found} <= {2, 3, 4}


def test_without_a_prior_nothing_is_trained() -> None:
    assert Trials(_short(), None).priors(ProcessCluster(1)) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"prior": {"epochs": 1, "widths": [7]}}, "prior.widths has 7, which is not in space"),
        (
            {"prior": {"epochs": 1, "widths": [3]}, "space": {"each_layer": False}},
            "prior chooses bits layer by layer",
        ),
    ],
)
def test_a_prior_that_the_space_does_not_hold_is_refused(
    change: dict[str, Any], message: str, tmp_path: Path
) -> None:
    document = yaml.safe_load(EXAMPLE.read_text())
    document["space"] |= change.pop("space", {})
    path = tmp_path / "search.yaml"
    path.write_text(yaml.safe_dump(document | change))
    with pytest.raises(FlowError, match=message):
        load_search(path)

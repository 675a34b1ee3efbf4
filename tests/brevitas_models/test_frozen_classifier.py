# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
import pytest
import torch
from torch import Tensor

from brevitas_models.architectures import build
from brevitas_models.bits import BitTable
from brevitas_models.classifier import QuantClassifier
from brevitas_models.errors import ModelError
from brevitas_models.frozen import freeze
from brevitas_models.settings import ArchitectureSettings

SETTINGS = [
    ArchitectureSettings(architecture="tfc", bits=BitTable.uniform(2, 2), input_bits=1),
    ArchitectureSettings(architecture="lenet5", bits=BitTable.uniform(4, 4), input_bits=1),
    ArchitectureSettings(architecture="lenet5", bits=BitTable.uniform(2, 2), width=0.5),
]


def warmed_up(settings: ArchitectureSettings) -> QuantClassifier:
    """Return a network whose BatchNorms have statistics of their own."""
    network = build(settings)
    with torch.no_grad():
        for _ in range(3):
            network(pixels(16) / 255)
        for _, norm in network.norms():
            norm.bias.uniform_(-0.3, 0.3)
            norm.weight.uniform_(-1.5, 1.5)
    return network.eval()


def pixels(count: int) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (count, 1, 28, 28), generator=generator).float()


@pytest.mark.parametrize("settings", SETTINGS, ids=["tfc", "lenet5", "narrow lenet5"])
def test_the_frozen_network_computes_the_same(settings: ArchitectureSettings) -> None:
    network, images = warmed_up(settings), pixels(30)
    with torch.no_grad():
        expected, found = network(images / 255), freeze(network)(images)
    same = torch.isclose(found, expected, atol=1e-4).all(dim=1)  # but for rounding ties
    assert same.float().mean() > 0.9
    assert expected.std() > 0


@pytest.mark.parametrize("settings", SETTINGS, ids=["tfc", "lenet5", "narrow lenet5"])
def test_its_gradients_point_where_those_of_the_network_do(settings: ArchitectureSettings) -> None:
    network, images = warmed_up(settings), pixels(8)
    directions = []
    for victim in (freeze(network), lambda images: network(images / 255)):
        shown = images.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(victim(shown)[:, 3].sum(), shown)
        directions.append(gradient.flatten())
    assert torch.cosine_similarity(*directions, dim=0) > 0.2  # ties of pools, top levels


def test_later_training_does_not_reach_it() -> None:
    network, images = warmed_up(SETTINGS[1]), pixels(4)
    victim = freeze(network)
    before = victim(images)
    with torch.no_grad():
        for _, norm in network.norms():
            norm.weight.neg_()
    assert torch.equal(victim(images), before)
    assert not torch.equal(freeze(network)(images), before)


@pytest.mark.parametrize(
    ("settings", "layer"),
    [
        (ArchitectureSettings(architecture="tfc", bits=BitTable.uniform(1, 1)), "quantizer"),
        (
            ArchitectureSettings(architecture="cnv", bits=BitTable.uniform(1, 1)),
            "conv1",
        ),
    ],
)
def test_what_it_cannot_fold_is_named(settings: ArchitectureSettings, layer: str) -> None:
    with pytest.raises(ModelError, match=rf"{layer} cannot be frozen, only blocks .* without free"):
        freeze(build(settings))

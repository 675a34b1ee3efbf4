# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Interval bounds in training: sound on drawn images, equal to the network at epsilon 0."""

from dataclasses import replace

import pytest
import torch
from interval_networks import LENET, RESIDUAL, images_of
from torch import nn
from torch.nn import functional as F

from brevitas_models import architectures
from brevitas_models.bits import BitTable
from brevitas_models.classifier import QuantClassifier
from brevitas_models.joins import Join
from brevitas_models.settings import ArchitectureSettings
from flow.objectives import Batch, Model, build_objective
from flow.objectives._interval import Box, margin_bounds, settle_norms

SQUEEZED = ArchitectureSettings(
    architecture="tfc", bits=BitTable.uniform(2, 2), input_shape=(8, 8, 1), input_bits=1
)
CONVEX = replace(RESIDUAL, join=Join.CONVEX)
OF_8_LEVELS = replace(SQUEEZED, input_bits=3)


def _settled(settings: ArchitectureSettings) -> QuantClassifier:
    network = architectures.build(settings, seed=3)
    settle_norms(network)
    return network.eval()


def _margins(logits: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    return logits.gather(1, labels[:, None]) - logits


@pytest.mark.parametrize("settings", [SQUEEZED, OF_8_LEVELS, LENET, RESIDUAL, CONVEX])
def test_no_drawn_image_is_below_its_bounds(settings: ArchitectureSettings) -> None:
    network, images = _settled(settings), images_of(settings)
    labels, low, high = torch.arange(4), (images - 6).clamp(0), (images + 6).clamp(max=255)
    _, bounds = margin_bounds(network, Box(images / 255, low / 255, high / 255), labels)
    draw = torch.Generator().manual_seed(2)
    for _ in range(10):
        inside = (low + (high - low) * torch.rand(low.shape, generator=draw)).round()
        assert (_margins(network(inside / 255), labels) >= bounds - 1e-4).all()


@pytest.mark.parametrize("settings", [SQUEEZED, OF_8_LEVELS, LENET, RESIDUAL, CONVEX])
def test_bounds_of_single_images_are_their_margins(settings: ArchitectureSettings) -> None:
    network, images, labels = _settled(settings), images_of(settings) / 255, torch.arange(4)
    logits, bounds = margin_bounds(network, Box(images, images, images), labels)
    assert torch.allclose(logits, network(images), atol=1e-4)
    assert torch.allclose(bounds, _margins(network(images), labels), atol=1e-4)


def test_settling_keeps_the_function_of_a_trained_network() -> None:
    network, images = architectures.build(LENET, seed=3), images_of(LENET) / 255
    with torch.no_grad():
        for _ in range(3):
            network.train()(images)
        before = network.eval()(images)
        settle_norms(network)
        assert torch.allclose(network(images), before, atol=1e-4)
    for norm in network.modules():
        if isinstance(norm, nn.BatchNorm2d):
            assert norm.running_mean is not None
            assert not norm.running_mean.any()


def test_without_epsilon_the_loss_is_the_clean_cross_entropy(batch: Batch) -> None:
    network, objective = architectures.build(SQUEEZED, seed=3), build_objective("ibp")
    objective.prepare(network)
    found = objective.loss(Model(network), replace(batch, epsilon_255=0.0)).loss
    expected = F.cross_entropy(network.eval()(batch.images / 255), batch.labels)
    assert torch.allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize(("ramp", "clean_share"), [(0.0, 0.8), (0.5, 0.5), (1.0, 0.2)])
def test_the_clean_share_falls_with_the_ramp(batch: Batch, ramp: float, clean_share: float) -> None:
    network = architectures.build(SQUEEZED, seed=3)
    settle_norms(network)
    model, batch = Model(network.eval()), replace(batch, ramp=ramp)
    options = {"clean_start": 0.8, "clean_weight": 0.2}
    mixed = build_objective("ibp", options).loss(model, batch).loss
    proven = build_objective("ibp", {"clean_start": 0.0}).loss(model, batch).loss
    clean = F.cross_entropy(network(batch.images / 255), batch.labels)
    assert torch.allclose(mixed, clean_share * clean + (1 - clean_share) * proven, atol=1e-3)


@pytest.mark.parametrize("name", ["ibp", "mtl_ibp"])
def test_the_loss_falls_and_reaches_every_weight(name: str, batch: Batch) -> None:
    network = architectures.build(SQUEEZED, seed=3)
    objective = build_objective(name, {"clean_weight": 0.2})
    objective.prepare(network)
    optimiser, losses = torch.optim.Adam(network.parameters(), 1e-2), []
    for _ in range(25):
        outcome = objective.loss(Model(network), batch)
        losses.append(float(outcome.loss.detach()))
        optimiser.zero_grad()
        outcome.loss.backward()
        assert all(one.weight.grad.any() for _, one in network.weighted_layers())
        optimiser.step()
    assert losses[-1] < 0.8 * losses[0]

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The numbers of interval training: bounds that are reached, gains, and the mixture of losses."""

from dataclasses import replace
from itertools import product
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from interval_networks import LENET, RESIDUAL, images_of
from torch import Tensor, nn
from torch.nn import functional as F

from brevitas_models import architectures
from brevitas_models.architectures import convnet_settings
from brevitas_models.classifier import QuantClassifier
from brevitas_models.settings import ArchitectureSettings
from flow.objectives import Batch, Model, build_objective, ibp
from flow.objectives._interval import Box, _affine, margin_bounds, settle_norms

COLOURS = convnet_settings(input_shape=(8, 8, 3), classes=10, channels=(4, 5), strides=(2, 2))


def drawn(*shape: int, seed: int = 1) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def lived_in(settings: ArchitectureSettings) -> QuantClassifier:
    """A network whose BatchNorms have statistics and parameters far from their first ones."""
    network = architectures.build(settings, seed=3).eval()
    for index, block in enumerate(network.blocks()):
        norm, size = block.norm, len(block.norm.weight)
        norm.eps = 0.25
        norm.num_batches_tracked.fill_(1)
        norm.running_mean.copy_(drawn(size, seed=index) - 0.5)
        norm.running_var.copy_(0.5 + drawn(size, seed=index + 50))
        norm.weight.data.copy_(drawn(size, seed=index + 100) - 0.3)
        norm.bias.data.copy_(drawn(size, seed=index + 150))
    return network


@pytest.mark.parametrize("settings", [LENET, RESIDUAL])
def test_bounds_of_single_images_see_every_number_of_a_norm(
    settings: ArchitectureSettings,
) -> None:
    network, images, labels = lived_in(settings), images_of(settings) / 255, torch.arange(4)
    logits, bounds = margin_bounds(network, Box(images, images, images), labels)
    expected = network(images)
    assert torch.allclose(logits, expected, atol=1e-4)
    assert torch.allclose(bounds, expected.gather(1, labels[:, None]) - expected, atol=1e-4)


def test_settling_keeps_the_function_whatever_the_norms_hold() -> None:
    network, images = lived_in(LENET), images_of(LENET) / 255
    before = network(images)
    settle_norms(network)
    assert torch.allclose(network(images), before, atol=1e-4)
    for block in network.blocks():
        assert not block.norm.running_mean.any()
        assert (block.norm.running_var == 1).all()


@pytest.mark.parametrize(
    ("settings", "squares"),
    [
        (COLOURS, [0.1, 0.1 * 3.75**2]),  # 16 levels of 1/4
        (replace(COLOURS, input_shape=(8, 8, 1)), [0.1, 0.1 * 3.75**2]),
    ],
)
def test_a_fresh_norm_gets_the_gain_of_a_first_batch(
    settings: ArchitectureSettings, squares: list[float]
) -> None:
    network = architectures.build(settings, seed=3)
    for block in network.blocks():
        block.norm.eps = 0.25
    settle_norms(network)
    for block, square in zip(network.blocks(), squares, strict=True):
        weight = block.layer.quant_weight().value
        deviation = (weight.square().sum() / len(weight) * square).sqrt()
        expected = 1.25**0.5 / deviation.expand(len(weight))
        assert torch.allclose(block.norm.weight, expected, rtol=1e-5)
        assert not block.norm.bias.any()


@pytest.mark.parametrize("settings", [LENET, RESIDUAL])
def test_the_box_of_a_layer_is_reached_at_its_ends(settings: ArchitectureSettings) -> None:
    network = lived_in(settings)
    for block in network.blocks():
        size = block.layer.weight.shape[1] * getattr(block.layer, "groups", 1)
        shape = (2, size, 6, 6) if block.layer.weight.ndim == 4 else (2, size)
        low = drawn(*shape) - 0.5
        high, clean = low + drawn(*shape, seed=2), low[:1]
        found = _affine(block, Box(clean, low, high))
        norm, weight = block.norm, block.layer.quant_weight().value
        gain = norm.weight / (norm.running_var + norm.eps).sqrt()
        weight = weight * gain.reshape(-1, *[1] * (weight.ndim - 1))
        bias = norm.bias - norm.running_mean * gain
        least = product_of(block, low, weight.clamp(min=0), bias)
        most = product_of(block, high, weight.clamp(min=0), bias)
        assert torch.allclose(found.clean, product_of(block, clean, weight, bias), atol=1e-4)
        falling = weight.clamp(max=0)
        assert torch.allclose(found.low, least + product_of(block, high, falling), atol=1e-4)
        assert torch.allclose(found.high, most + product_of(block, low, falling), atol=1e-4)


def product_of(block: Any, values: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:  # noqa: ANN401
    if weight.ndim == 2:
        return values @ weight.T + (0 if bias is None else bias)
    layer = block.layer
    return F.conv2d(
        *(values, weight, bias),
        stride=layer.stride,
        padding=layer.padding,
        dilation=layer.dilation,
        groups=layer.groups,
    )


def test_the_margin_of_a_linear_network_is_reached_at_a_corner() -> None:
    weight, temperature = drawn(3, 4) - 0.5, 2.0
    network = SimpleNamespace(
        features=[nn.Flatten()],
        classifier=SimpleNamespace(quant_weight=lambda: SimpleNamespace(value=weight)),
        temperature=temperature,
    )
    low = drawn(2, 1, 2, 2, seed=5)
    high, clean, labels = low + drawn(2, 1, 2, 2, seed=6), low + 0.25, torch.tensor([2, 0])
    logits, found = margin_bounds(network, Box(clean, low, high), labels)
    assert torch.allclose(logits, clean.flatten(1) @ weight.T * temperature)
    least = torch.full_like(found, torch.inf)
    for ends in product((0.0, 1.0), repeat=4):
        corner = low.flatten(1) + torch.tensor(ends) * (high - low).flatten(1)
        corner_logits = corner @ weight.T * temperature
        margins = corner_logits.gather(1, labels[:, None]) - corner_logits
        least = torch.minimum(least, margins)
    assert torch.allclose(found, least, atol=1e-5)


# --- losses, on bounds by hand

LABELS = torch.tensor([0, 0, 2])
LOGITS = torch.tensor([[1.0, 0.5, -1.0], [0.2, 0.4, 0.6], [0.0, 2.0, 1.0]])
MARGINS = torch.tensor([[0.0, 0.5, 0.25], [0.0, 1.0, 0.0], [-0.5, 2.0, 0.0]])  # the first is proven
HIT = torch.tensor([[0.3, 0.2, 0.1], [1.0, 0.0, 0.5], [0.7, 0.1, 0.4]])


@pytest.fixture
def boxes(monkeypatch: pytest.MonkeyPatch) -> list[Box]:
    """Bounds by hand in place of a network's, and the boxes that they were asked for."""
    seen: list[Box] = []

    def bounds(_network: nn.Module, box: Box, labels: Tensor) -> tuple[Tensor, Tensor]:
        assert len(labels) == len(box.low)
        seen.append(box)
        return (LOGITS if len(seen) == 1 else HIT), MARGINS

    monkeypatch.setattr(ibp, "margin_bounds", bounds)
    return seen


def step(ramp: float) -> Batch:
    return Batch(
        images=torch.tensor([0.0, 100.0, 255.0])[:, None, None, None].expand(3, 1, 2, 2),
        labels=LABELS,
        epsilon_255=51.0,
        generator=torch.Generator().manual_seed(1),
        ramp=ramp,
    )


def entropy(logits: Tensor, gain: float = 3.0) -> float:
    powers = (gain * logits.double()).exp()
    shares = powers[torch.arange(3), LABELS] / powers.sum(dim=1)
    return float(-shares.log().mean())


OPTIONS = {"clean_start": 0.75, "clean_weight": 0.25, "logit_gain": 3.0}


@pytest.mark.parametrize(("ramp", "share"), [(0.0, 0.75), (0.25, 0.625), (1.0, 0.25)])
def test_ibp_by_hand(ramp: float, share: float, boxes: list[Box]) -> None:
    found = build_objective("ibp", OPTIONS).loss(Model(nn.Identity()), step(ramp))
    assert found.loss.item() == pytest.approx(
        share * entropy(LOGITS) + (1 - share) * entropy(-MARGINS), rel=1e-5
    )
    assert found.right.item() == 1
    [box] = boxes
    assert box.clean[:, 0, 0, 0].tolist() == pytest.approx([0, 100 / 255, 1])
    assert box.low[:, 0, 0, 0].tolist() == pytest.approx([0, 49 / 255, 0.8])
    assert box.high[:, 0, 0, 0].tolist() == pytest.approx([0.2, 151 / 255, 1])


def test_at_no_clean_share_there_are_no_clean_images(boxes: list[Box]) -> None:
    found = build_objective("ibp", {"logit_gain": 3.0}).loss(Model(nn.Identity()), step(1.0))
    assert found.loss.item() == pytest.approx(entropy(-MARGINS), rel=1e-5)
    assert len(boxes[0].clean) == 0


def test_mtl_ibp_by_hand(boxes: list[Box]) -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(4, 3))
    options = OPTIONS | {"bound_weight": 0.125}
    found = build_objective("mtl_ibp", options).loss(Model(network), step(1.0))
    hard = 0.125 * entropy(-MARGINS) + 0.875 * entropy(HIT)
    expected = 0.25 * entropy(LOGITS) + 0.75 * hard
    assert found.loss.item() == pytest.approx(expected, rel=1e-5)
    assert found.right.item() == 1
    attacked = boxes[1]
    assert torch.equal(attacked.clean, found.attacked / 255)
    assert (len(attacked.low), len(attacked.high)) == (0, 0)
    assert 0 < (found.attacked - step(1.0).images).abs().max() <= 51

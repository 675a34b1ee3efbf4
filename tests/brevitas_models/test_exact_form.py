# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
import copy

import pytest
import torch
from zoo_networks import images

from brevitas_models.blocks import QuantBlock
from brevitas_models.classifier import QuantClassifier
from brevitas_models.exact import make_exact, weight_codes
from brevitas_models.pretrained import build
from brevitas_models.quantizers import activation_step, weight_step


def trained(name: str) -> QuantClassifier:
    """A network whose BatchNorms have seen images and have gains of both signs."""
    network = build(name, seed=1)
    with torch.no_grad():
        for _, norm in network.norms():
            generator = torch.Generator().manual_seed(norm.weight.numel())
            norm.weight.copy_(torch.randn(norm.weight.shape, generator=generator))
            norm.bias.copy_(torch.randn(norm.bias.shape, generator=generator))
        for seed in range(3):
            network(images(network, 64, seed))
    return network.eval()


def activations(block: QuantBlock, accumulators: torch.Tensor) -> torch.Tensor:
    """What a block's BatchNorm and activation make of [N, channels]."""
    shaped = accumulators.float()
    if isinstance(block.norm, torch.nn.BatchNorm2d):
        shaped = shaped[:, :, None, None]
    found: torch.Tensor = block.activation(block.norm(shaped))
    return found.flatten(1)


@pytest.mark.parametrize("name", ["mnist-tfc-w1a1", "mnist-tfc-w2a2", "cifar10-resnet8-w4a4"])
def test_activations_stay_but_for_half_an_accumulator_unit(name: str) -> None:
    network = trained(name)
    canonical = copy.deepcopy(network)
    make_exact(canonical)
    sums = torch.arange(-3000, 3001, dtype=torch.float64)[:, None]
    for old, new in zip(network.blocks(), canonical.blocks(), strict=True):
        unit = weight_step(network.precision.weight_bits) * old.source.step
        signs = old.norm.weight.detach().sign().double()
        found = activations(new, sums * unit * signs)
        near = [activations(old, (sums * signs + half) * unit * signs) for half in (-0.501, 0.501)]
        assert (torch.minimum(*near) <= found).all()
        assert (torch.maximum(*near) >= found).all()
        flipped = new.layer.weight.flatten(1) * signs.float()[:, None]
        assert torch.equal(flipped, old.layer.quant_weight().value.flatten(1))


def test_every_gain_is_positive_and_every_mean_zero() -> None:
    network = trained("mnist-tfc-w2a2")
    make_exact(network)
    for _, norm in network.norms():
        assert norm.weight.min() >= 0
        assert norm.running_mean.abs().max() == 0
        assert (norm.running_var == 1).all()


@pytest.mark.parametrize("bits", [1, 2])
def test_integers_stay_away_from_the_thresholds_they_can_come_near(bits: int) -> None:
    network = trained(f"mnist-tfc-w{bits}a{bits}")
    make_exact(network)
    block, step, levels = network.blocks()[1], activation_step(bits), 2**bits - 1
    gain = block.norm.weight.double() / (1 + block.norm.eps) ** 0.5
    values = torch.zeros(1) if bits == 1 else (torch.arange(levels) + 0.5) * step
    at = (values - block.norm.bias.double()[:, None]) / (gain * step)[:, None]
    codes = weight_codes(block.layer).double()
    high = codes.abs().sum(1) if bits == 1 else codes.clamp(min=0).sum(1) * levels
    low = -high if bits == 1 else codes.clamp(max=0).sum(1) * levels
    near = (at > low[:, None] - 1) & (at < high[:, None] + 1)
    assert near.any()
    assert (at - at.round()).abs()[near].min() > 1 / (2 * levels) - 1e-4


def test_canonicalising_twice_keeps_weights_and_gains() -> None:
    network = trained("cifar10-resnet8-w4a4")
    make_exact(network)
    once = {name: value.clone() for name, value in network.named_parameters()}
    make_exact(network)
    for name, value in network.named_parameters():
        if not name.endswith("norm.bias"):
            torch.testing.assert_close(value, once[name], rtol=1e-6, atol=0)


def test_weights_are_their_codes_times_the_step() -> None:
    network = trained("cifar10-resnet8-w4a4")
    make_exact(network)
    for _, layer in network.weighted_layers():
        assert torch.equal(weight_codes(layer) * 0.125, layer.weight)


@pytest.mark.parametrize("bias", [-1.7, -0.3, 0.3, 1.7])
def test_a_bipolar_channel_without_gain_keeps_its_sign(bias: float) -> None:
    network = trained("mnist-tfc-w1a1")
    with torch.no_grad():
        network.blocks()[1].norm.weight[2], network.blocks()[1].norm.bias[2] = 0.0, bias
        network.blocks()[1].norm.running_mean[2] = 3.0  # without a gain it moves nothing
    make_exact(network)
    block = network.blocks()[1]
    sums = torch.arange(-64, 65, 2, dtype=torch.float64)[:, None] * weight_step(1)
    found = activations(block, sums.expand(-1, 64))[:, 2]
    assert (found.sign() == (1 if bias > 0 else -1)).all()
    assert block.norm.weight[2] > 0

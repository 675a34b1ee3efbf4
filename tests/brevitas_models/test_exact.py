# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
from fractions import Fraction

import numpy as np
import torch
from numpy.typing import NDArray
from zoo_networks import activations

from brevitas_models.architectures import build, convnet_settings
from brevitas_models.blocks import QuantBlock
from brevitas_models.classifier import QuantClassifier
from brevitas_models.exact import LayerMargin, layer_margins, make_exact
from brevitas_models.quantizers import staircase
from brevitas_models.settings import ArchitectureSettings

SETTINGS = convnet_settings(input_shape=(8, 8, 1), classes=10, channels=(8, 12), strides=(1, 2))


def activation_step(block: QuantBlock) -> float:
    found = staircase(block.activation)
    assert found is not None
    return found.step


def activation_levels(block: QuantBlock) -> int:
    found = staircase(block.activation)
    assert found is not None
    return len(found.thresholds)


def images(count: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, 1, 8, 8), generator=generator).float()


def trained(settings: ArchitectureSettings = SETTINGS) -> QuantClassifier:
    """A network in eval mode with the BatchNorms that training leaves: both signs, off centre."""
    network = build(settings, seed=4)
    for step in range(5):
        network(images(32, step) / 255)
    generator = torch.Generator().manual_seed(9)
    for block in network.blocks():
        torch.nn.init.normal_(block.norm.weight, 0.0, 1.0, generator=generator)
        torch.nn.init.normal_(block.norm.bias, 0.5, 0.5, generator=generator)
    return network.eval()


def integer_block(
    block: QuantBlock, values: NDArray[np.int64], step: Fraction
) -> NDArray[np.int64]:
    """One block in exact rational arithmetic: integers in, integers out."""
    weights = block.layer.quant_weight().int().numpy().astype(np.int64)
    sums = torch.nn.functional.conv2d(
        torch.from_numpy(values).double(),
        torch.from_numpy(weights).double(),
        stride=block.layer.stride,
        padding=1,
    )
    scales = block.layer.quant_weight().scale.flatten().tolist()
    outputs = np.zeros(sums.shape, dtype=np.int64)
    for channel, scale in enumerate(scales):
        gain = block.norm.weight[channel].item() / np.sqrt(np.float64(1.0) + block.norm.eps)
        unit = Fraction(gain) * Fraction(scale) * step / Fraction(activation_step(block))
        bias = Fraction(block.norm.bias[channel].item()) / Fraction(activation_step(block))
        for at, total in np.ndenumerate(sums[:, channel].numpy().astype(np.int64)):
            level = round(unit * int(total) + bias)
            outputs[at[0], channel, at[1], at[2]] = min(max(level, 0), activation_levels(block))
    return outputs


def test_every_margin_is_larger_than_the_rounding_error() -> None:
    for layer in make_exact(trained()):
        assert layer.proven, layer
        assert layer.margin >= 1 / 31  # 15 thresholds leave a gap of at least 1 / 15
        assert layer.rounding > 0


def test_float_activations_equal_rational_arithmetic() -> None:
    network = trained()
    make_exact(network)
    inputs = images(4)
    (_, found_first), (_, found_second), *_ = activations(network, inputs / 255)
    first, second = network.blocks()
    expected = integer_block(first, inputs.numpy().astype(np.int64), Fraction(1, 255))
    assert torch.equal(found_first / activation_step(first), torch.from_numpy(expected).float())
    expected = integer_block(second, expected, Fraction(activation_step(first)))
    assert torch.equal(found_second / activation_step(second), torch.from_numpy(expected).float())


def test_the_float64_network_has_the_same_activations() -> None:
    network, inputs = trained(), images(200)
    make_exact(network)
    single = network(inputs / 255)
    assert torch.equal(network.double()(inputs.double() / 255).float(), single)


def test_activations_barely_move() -> None:
    network, inputs = trained(), images(200)
    before = activations(network, inputs / 255)
    make_exact(network)
    after = activations(network, inputs / 255)
    step = activation_step(network.blocks()[0])
    for (_, old), (_, new) in zip(before[:2], after[:2], strict=True):
        assert (old != new).float().mean() < 0.05
    first_old, first_new = before[0][1], after[0][1]
    assert (first_old - first_new).abs().max() <= step
    agreement = (before[-1][1].argmax(1) == after[-1][1].argmax(1)).float().mean()
    assert agreement > 0.97


def test_weights_keep_their_integers_on_a_power_of_two_grid() -> None:
    network = trained()
    before = [layer.quant_weight().int() for _, layer in network.weighted_layers()]
    negative = network.blocks()[0].norm.weight < 0
    make_exact(network)
    for old, (_, layer) in zip(before, network.weighted_layers(), strict=True):
        assert torch.equal(layer.quant_weight().int().abs(), old.abs())
        exponents = torch.log2(layer.quant_weight().scale.double())
        assert torch.equal(exponents, exponents.round())
    flipped = network.blocks()[0].layer.quant_weight().int()[negative]
    assert torch.equal(flipped, -before[0][negative])
    assert (network.blocks()[0].norm.weight > 0).all()


def test_a_channel_without_gain_stays_constant() -> None:
    network = trained()
    block = network.blocks()[0]
    with torch.no_grad():
        block.norm.weight[2], block.norm.bias[2] = 0.0, 1.3
        block.norm.weight[3], block.norm.bias[3] = 0.0, 1.125  # on a tie between two levels
    make_exact(network)
    found = activations(network, images(50) / 255)[0][1]
    assert (found[:, 2] == 1.25).all()
    assert (found[:, 3] == found[0, 3, 0, 0]).all()
    assert block.norm.weight[2] > 0
    assert all(layer.proven for layer in layer_margins(network))


def test_a_channel_without_weights_stays_constant() -> None:
    network = trained()
    with torch.no_grad():
        network.blocks()[1].layer.weight[1] = 0
    make_exact(network)
    found = activations(network, images(50) / 255)[1][1][:, 1]
    assert (found == found[0, 0, 0]).all()


def test_a_margin_below_the_rounding_error_is_not_proven() -> None:
    assert not LayerMargin("conv0", margin=0.001, rounding=0.01).proven
    assert LayerMargin("conv0", margin=0.1, rounding=0.01).proven


def _rounding_bound(block: QuantBlock, step: float, largest: int, *, summed: bool) -> float:
    """The bound of a block in exact form (mean 0, variance 1), channel by channel."""
    bounds, quantized = [], block.layer.quant_weight()
    weights = quantized.int().double().flatten(1)
    values = (np.arange(activation_levels(block)) + 0.5) * activation_step(block)
    for channel, scale in enumerate(quantized.scale.double().flatten().tolist()):
        gain = block.norm.weight[channel].item() / np.sqrt(1 + block.norm.eps)
        bias, unit = block.norm.bias[channel].item(), gain * scale * step
        low, high = (float(part.sum()) * largest for part in _signs(weights[channel]))
        at = (values - bias) / unit
        near = (at > low - 1) & (at < high + 1)
        if near.any():
            most = (np.abs(at) + (values + abs(bias)) / unit)[near].max()
            terms = (weights.shape[1] + 2) * (high - low) if summed else 0.0
            bounds.append(2.0**-24 * (8 * most + terms))
    return max(bounds)


def _signs(weights: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return weights.clamp(max=0), weights.clamp(min=0)


def test_the_first_layer_s_bound_counts_its_sum_and_the_others_do_not() -> None:
    network = trained()
    make_exact(network)
    first, second = network.blocks()
    found = [layer.rounding for layer in layer_margins(network)]
    expected = [
        _rounding_bound(first, 1 / 255, 255, summed=True),
        _rounding_bound(second, activation_step(first), activation_levels(first), summed=False),
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-5)

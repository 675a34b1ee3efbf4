# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
from fractions import Fraction

import numpy as np
import torch
from numpy.typing import NDArray

from brevitas_models.exact import LayerMargin, layer_margins, make_exact
from brevitas_models.network import ConvBlock, NetworkSettings, QuantConvNet, build_network

SETTINGS = NetworkSettings(input_shape=(8, 8, 1), classes=10, channels=(8, 12), strides=(1, 2))


def images(count: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, 1, 8, 8), generator=generator).float()


def trained(settings: NetworkSettings = SETTINGS) -> QuantConvNet:
    """A network in eval mode with the BatchNorms that training leaves: both signs, off centre."""
    network = build_network(settings, seed=4)
    for step in range(5):
        network(images(32, step) / 255)
    generator = torch.Generator().manual_seed(9)
    for block in network.conv_blocks():
        torch.nn.init.normal_(block.norm.weight, 0.0, 1.0, generator=generator)
        torch.nn.init.normal_(block.norm.bias, 0.5, 0.5, generator=generator)
    return network.eval()


def integer_block(block: ConvBlock, values: NDArray[np.int64], step: Fraction) -> NDArray[np.int64]:
    """One block in exact rational arithmetic: integers in, integers out."""
    weights = block.conv.quant_weight().int().numpy().astype(np.int64)
    sums = torch.nn.functional.conv2d(
        torch.from_numpy(values).double(),
        torch.from_numpy(weights).double(),
        stride=block.conv.stride,
        padding=1,
    )
    scales = block.conv.quant_weight().scale.flatten().tolist()
    outputs = np.zeros(sums.shape, dtype=np.int64)
    for channel, scale in enumerate(scales):
        gain = block.norm.weight[channel].item() / np.sqrt(np.float64(1.0) + block.norm.eps)
        unit = Fraction(gain) * Fraction(scale) * step / Fraction(block.activation_step)
        bias = Fraction(block.norm.bias[channel].item()) / Fraction(block.activation_step)
        for at, total in np.ndenumerate(sums[:, channel].numpy().astype(np.int64)):
            level = round(unit * int(total) + bias)
            outputs[at[0], channel, at[1], at[2]] = min(max(level, 0), block.activation_levels)
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
    (_, found_first), (_, found_second), _ = network.activations(inputs / 255)
    first, second = network.conv_blocks()
    expected = integer_block(first, inputs.numpy().astype(np.int64), Fraction(1, 255))
    assert torch.equal(found_first / first.activation_step, torch.from_numpy(expected).float())
    expected = integer_block(second, expected, Fraction(first.activation_step))
    assert torch.equal(found_second / second.activation_step, torch.from_numpy(expected).float())


def test_the_float64_network_has_the_same_activations() -> None:
    network, inputs = trained(), images(200)
    make_exact(network)
    single = network(inputs / 255)
    assert torch.equal(network.double()(inputs.double() / 255).float(), single)


def test_activations_barely_move() -> None:
    network, inputs = trained(), images(200)
    before = network.activations(inputs / 255)
    make_exact(network)
    after = network.activations(inputs / 255)
    step = network.conv_blocks()[0].activation_step
    for (_, old), (_, new) in zip(before[:-1], after[:-1], strict=True):
        assert (old != new).float().mean() < 0.05
    first_old, first_new = before[0][1], after[0][1]
    assert (first_old - first_new).abs().max() <= step
    agreement = (before[-1][1].argmax(1) == after[-1][1].argmax(1)).float().mean()
    assert agreement > 0.97


def test_weights_keep_their_integers_on_a_power_of_two_grid() -> None:
    network = trained()
    before = [layer.quant_weight().int() for layer in network.weighted_layers()]
    negative = network.conv_blocks()[0].norm.weight < 0
    make_exact(network)
    for old, layer in zip(before, network.weighted_layers(), strict=True):
        assert torch.equal(layer.quant_weight().int().abs(), old.abs())
        exponents = torch.log2(layer.quant_weight().scale.double())
        assert torch.equal(exponents, exponents.round())
    flipped = network.conv_blocks()[0].conv.quant_weight().int()[negative]
    assert torch.equal(flipped, -before[0][negative])
    assert (network.conv_blocks()[0].norm.weight > 0).all()


def test_a_channel_without_gain_stays_constant() -> None:
    network = trained()
    block = network.conv_blocks()[0]
    with torch.no_grad():
        block.norm.weight[2], block.norm.bias[2] = 0.0, 1.3
        block.norm.weight[3], block.norm.bias[3] = 0.0, 1.125  # on a tie between two levels
    make_exact(network)
    activations = network.activations(images(50) / 255)[0][1]
    assert (activations[:, 2] == 1.25).all()
    assert (activations[:, 3] == activations[0, 3, 0, 0]).all()
    assert block.norm.weight[2] > 0
    assert all(layer.proven for layer in layer_margins(network))


def test_a_channel_without_weights_stays_constant() -> None:
    network = trained()
    with torch.no_grad():
        network.conv_blocks()[1].conv.weight[1] = 0
    make_exact(network)
    activations = network.activations(images(50) / 255)[1][1][:, 1]
    assert (activations == activations[0, 0, 0]).all()


def test_a_margin_below_the_rounding_error_is_not_proven() -> None:
    assert not LayerMargin("conv0", margin=0.001, rounding=0.01).proven
    assert LayerMargin("conv0", margin=0.1, rounding=0.01).proven


def _rounding_bound(block: ConvBlock, step: float, largest: int, *, summed: bool) -> float:
    """The bound of a block in exact form (mean 0, variance 1), channel by channel."""
    bounds, quantized = [], block.conv.quant_weight()
    weights = quantized.int().double().flatten(1)
    values = (np.arange(block.activation_levels) + 0.5) * block.activation_step
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
    first, second = network.conv_blocks()
    found = [layer.rounding for layer in layer_margins(network)]
    expected = [
        _rounding_bound(first, 1 / 255, 255, summed=True),
        _rounding_bound(second, first.activation_step, first.activation_levels, summed=False),
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-5)

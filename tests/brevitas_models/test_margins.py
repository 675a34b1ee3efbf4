# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The margin proof of every kind of network, against float64."""

import numpy as np
import pytest
import torch
from zoo_networks import images

from brevitas_models.architectures import build
from brevitas_models.bits import BitTable
from brevitas_models.exact import layer_margins, make_exact
from brevitas_models.exact.thresholds import channel_thresholds
from brevitas_models.joins import Join
from brevitas_models.pretrained import load, trained
from brevitas_models.quantizers import Quantizers, WeightQuantizer, staircase
from brevitas_models.settings import ArchitectureSettings

RESNET8 = ArchitectureSettings(
    architecture="resnet8", bits=BitTable.uniform(4, 4), input_shape=(8, 8, 1), width=0.25
)


@pytest.mark.parametrize("name", [one for one in trained() if one.startswith("mnist")])
def test_every_activation_of_the_mnist_networks_is_proven(name: str) -> None:
    network = load(name)
    found = layer_margins(network)
    assert all(one.proven for one in found)
    assert {one.name for one in found} == {
        "squeeze" if network.settings.input_bits else "quantizer",
        *(layer for layer in network.layers() if layer != "classifier"),
    }


@pytest.mark.parametrize("join", list(Join))
def test_residual_blocks_are_proven_with_their_sums(join: Join) -> None:
    network = build(ArchitectureSettings(**(vars(RESNET8) | {"join": join})), seed=2)
    for seed in range(3):
        network(images(network, 32, seed))
    found = {one.name: one for one in make_exact(network)}
    assert {"stem", "block1.first", "block1.shortcut", "block1.sum", "block3.sum"} <= set(found)
    assert all(one.proven for one in found.values()), found
    if join is Join.SUM:
        assert found["block1.sum"].rounding == 0


@pytest.mark.parametrize(("join", "parts", "largest"), [(Join.SUM, 1, 14), (Join.CONVEX, 15, 105)])
def test_a_sum_s_margin_is_the_least_distance_of_any_sum(
    join: Join, parts: int, largest: int
) -> None:
    network = build(ArchitectureSettings(**(vars(RESNET8) | {"join": join})), seed=2)
    network(images(network, 32))
    found = {one.name: one for one in make_exact(network)}["block1.sum"]
    block = dict(network.features.named_modules())["block1"]
    operand, sums = staircase(block.join), staircase(block.activation)
    assert operand is not None
    assert sums is not None
    reached = np.arange(-largest, largest + 1) * operand.step / parts
    nearest = np.abs(reached[:, None] - sums.thresholds).min() * parts / operand.step
    assert found.margin == pytest.approx(nearest)


def test_a_convex_sum_counts_fifteenths_of_both_operands() -> None:
    network = build(ArchitectureSettings(**(vars(RESNET8) | {"join": Join.CONVEX})), seed=2)
    network(images(network, 32))
    (found,) = (one for one in make_exact(network) if one.name == "block1.sum")
    largest = 15 * 7  # signed operands of four bits
    assert found.rounding == 2.0**-24 * 8 * 2 * largest


@pytest.mark.parametrize("name", ["mnist-tfc-w1a1", "mnist-tfc-w2a2", "mnist-lenet-w4a4-dq"])
def test_the_image_s_margin_is_that_of_what_its_quantizer_does(name: str) -> None:
    network = load(name).double()
    found = layer_margins(network)[0]
    quantizer = dict(network.features.named_modules())[found.name]
    per_pixel = 64
    pixels = torch.arange(255 * per_pixel + 1, dtype=torch.float64) / per_pixel
    levels = quantizer(pixels.reshape(-1, 1, 1, 1) / 255)
    levels = getattr(levels, "value", levels).flatten()
    steps = (torch.nonzero(levels[1:] != levels[:-1]).flatten() + 0.5) / per_pixel
    assert len(steps)
    margin = (steps - steps.round()).abs().min().item()
    assert found.margin == pytest.approx(margin, abs=1 / per_pixel)
    assert found.rounding == 2.0**-24 * 4 * 255  # of the largest pixel


def test_where_all_is_proven_float32_and_float64_agree() -> None:
    network = build(RESNET8, seed=2)
    for seed in range(3):
        network(images(network, 32, seed))
    assert all(one.proven for one in make_exact(network))
    shown = torch.randint(0, 256, (200, 1, 8, 8), generator=torch.Generator().manual_seed(5))
    single = network(shown.float() / 255)
    assert torch.equal(network.double()(shown.double() / 255).float(), single)


def test_scales_off_the_grid_count_the_rounding_of_each_product() -> None:
    roundings = []
    for weights in (WeightQuantizer.POWER_OF_TWO, WeightQuantizer.LEARNED):
        settings = ArchitectureSettings(
            architecture="tfc",
            bits=BitTable.uniform(4, 4),
            quantizers=Quantizers(weights=weights),
            input_bits=1,
        )
        network = build(settings, seed=1)
        network(images(network, 64))
        roundings.append([one.rounding for one in make_exact(network)][1:])
    assert all(many > 2 * few for few, many in zip(*roundings, strict=True))


def test_learned_scales_count_a_rounding_of_the_weights_besides() -> None:
    learned = Quantizers(weights=WeightQuantizer.LEARNED)
    bits = BitTable.uniform(4, 4)
    network = build(
        ArchitectureSettings(architecture="tfc", bits=bits, quantizers=learned, input_bits=1),
        seed=1,
    )
    network(images(network, 64))
    found = {one.name: one for one in make_exact(network)}["fc2"]
    roundings = 64 + 1 + 1 + 1  # products and additions, the input, the weights' scale
    expected = [
        8 * (np.abs(one.at) + (np.abs(one.values) + abs(one.bias)) / one.unit).max()
        + roundings * one.reach
        for one in channel_thresholds(network.blocks()[1])
        if one.at.size
    ]
    assert found.rounding == pytest.approx(2.0**-24 * max(expected))


@pytest.mark.parametrize("sign", [-1, 1])
def test_thresholds_count_up_to_one_beyond_the_sums(sign: int) -> None:
    network = load("mnist-tfc-w1a1")
    norm = network.blocks()[1].norm  # of sums within -64..64, with a threshold at 0
    with torch.no_grad():
        norm.weight.fill_(1.0), norm.running_mean.zero_(), norm.running_var.fill_(1.0)
        norm.bias.copy_(sign * torch.linspace(64.95, 65.95, 64))
    sizes = [one.at.size for one in channel_thresholds(network.blocks()[1])]
    assert sizes == [int(bias < 65) for bias in norm.bias.abs().tolist()]
    assert 0 < sum(sizes) < 64


def test_a_channel_without_gain_has_no_thresholds() -> None:
    network = load("mnist-tfc-w2a2")
    with torch.no_grad():
        network.blocks()[1].norm.weight.zero_()
    found = channel_thresholds(network.blocks()[1])
    assert {one.at.size for one in found} == {one.values.size for one in found} == {0}
    margin = {one.name: one for one in layer_margins(network)}["fc2"]
    assert (margin.margin, margin.rounding) == (0.5, 0.0)


def test_a_threshold_on_an_integer_is_not_proven() -> None:
    network = load("mnist-tfc-w2a2")
    block = network.blocks()[0]
    with torch.no_grad():
        block.norm.bias.fill_(0.25)  # the first threshold of a 2-bit activation
    found = {one.name: one for one in layer_margins(network)}["fc1"]
    assert found.margin < 1e-6
    assert not found.proven


@pytest.mark.parametrize("bias", [-1e3, 1e3])
def test_thresholds_that_no_sum_reaches_leave_the_widest_margin(bias: float) -> None:
    network = load("mnist-tfc-w2a2")
    with torch.no_grad():
        network.blocks()[0].norm.bias.fill_(bias)
    found = {one.name: one for one in layer_margins(network)}["fc1"]
    assert (found.margin, found.rounding) == (0.5, 0.0)
    assert found.proven


def test_of_all_channels_the_least_margin_and_the_largest_rounding_count() -> None:
    network = load("mnist-tfc-w1a1")
    norm = network.blocks()[1].norm
    with torch.no_grad():
        norm.bias.fill_(1e3)  # nothing is reached
        norm.weight[3], norm.bias[3] = 1.0, -3.25  # the sum meets its one threshold at 3.25
        norm.running_mean[3], norm.running_var[3] = 0.0, 1.0 - norm.eps
    found = {one.name: one for one in layer_margins(network)}["fc2"]
    assert found.margin == pytest.approx(0.25)
    assert found.rounding == pytest.approx(2.0**-24 * 8 * (3.25 + 3.25))


@pytest.mark.parametrize(("weights", "exact"), [(518, True), (519, False)])
def test_sums_of_integers_round_from_2_to_the_24_on(weights: int, exact: bool) -> None:
    settings = ArchitectureSettings(
        architecture="tfc", bits=BitTable.uniform(8, 8), input_bits=1, width=9.0
    )
    network = build(settings, seed=1).eval()
    block = network.blocks()[1]
    with torch.no_grad():
        block.layer.weight.zero_()
        block.layer.weight[0, :weights] = 1.0
    reach = weights * 127 * 255
    assert block.layer.quant_weight().int().sum() == weights * 127
    assert (reach < 2**24) is exact
    found = {one.name: one for one in layer_margins(network)}["fc2"]
    sums = (block.layer.weight[0].numel() + 1 + 1) * reach
    assert (found.rounding >= 2.0**-24 * sums) is not exact

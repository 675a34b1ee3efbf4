# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from zoo_networks import images

from brevitas_models._blocks import (
    Precision,
    QuantClassifier,
    activation,
    activation_step,
    linear,
    signed_activation,
    weight_step,
)
from brevitas_models.errors import ModelError
from brevitas_models.mobilenet import build_mobilenet
from brevitas_models.pretrained import build
from brevitas_models.resnet8 import build_resnet8

FOUR = Precision(weight_bits=4, activation_bits=4)


@dataclass(frozen=True)
class Shape:
    """What is known of an architecture from its publication."""

    name: str
    weights: int
    layers: int
    input_shape: tuple[int, int, int]


SHAPES = [
    Shape("mnist-tfc-w1a1", 784 * 64 + 2 * 64 * 64 + 640, 4, (28, 28, 1)),
    Shape("mnist-tfc-w2a2", 784 * 64 + 2 * 64 * 64 + 640, 4, (28, 28, 1)),
    Shape("cifar10-cnv-w2a2", 1_542_848, 9, (32, 32, 3)),  # BNN-PYNQ's CNV
    Shape("cifar10-resnet8-w4a4", 77_360, 10, (32, 32, 3)),  # MLPerf Tiny's, without biases
    Shape("cifar10-mobilenet-w4a4", 133_824, 12, (32, 32, 3)),
]


@pytest.mark.parametrize("case", SHAPES, ids=lambda case: case.name)
def test_shapes_and_sizes(case: Shape) -> None:
    network = build(case.name).eval()
    layers = [layer for _, layer in network.weighted_layers()]
    assert network.input_shape == case.input_shape
    assert sum(layer.weight.numel() for layer in layers) == case.weights
    assert len(layers) == case.layers
    assert network(images(network, 2)).shape == (2, 10)


@pytest.mark.parametrize("name", ["mnist-tfc-w1a1", "mnist-tfc-w1a2", "cifar10-resnet8-w4a4"])
def test_logits_are_multiples_of_their_scale(name: str) -> None:
    network = build(name).eval()
    with torch.no_grad():
        steps = network(images(network, 8)) / network.logit_scale
    assert torch.equal(steps, steps.round())
    assert len(steps.unique()) > 10


@pytest.mark.parametrize("bits", [1, 2, 3, 4, 8])
def test_weights_are_narrow_multiples_of_a_power_of_two(bits: int) -> None:
    steps = linear(128, 128, bits).quant_weight().value / weight_step(bits)
    largest = 2 ** (bits - 1) - 1 if bits > 1 else 1
    assert torch.equal(steps, steps.round())
    assert (steps.min(), steps.max()) == (-largest, largest)
    assert bits > 1 or bool((steps != 0).all())
    assert torch.tensor(weight_step(bits)).log2().frac() == 0


@dataclass(frozen=True)
class Levels:
    """The levels of a quantizer, in steps."""

    make: Callable[[int], torch.nn.Module]
    bits: int
    levels: list[int]


LEVELS = [
    Levels(activation, 1, [-1, 1]),
    Levels(activation, 2, [0, 1, 2, 3]),
    Levels(activation, 4, list(range(16))),
    Levels(signed_activation, 2, [-1, 0, 1]),
    Levels(signed_activation, 4, list(range(-7, 8))),
]


@pytest.mark.parametrize("case", LEVELS, ids=lambda case: f"{case.make.__name__}-{case.bits}")
def test_the_levels_of_an_activation(case: Levels) -> None:
    found = case.make(case.bits).eval()(torch.linspace(-9, 9, 2001)) / activation_step(case.bits)
    assert found.unique().tolist() == case.levels


def test_the_operands_of_a_residual_add_share_one_quantizer() -> None:
    network = build_resnet8(FOUR)
    joins = [module for name, module in network.named_modules() if name.endswith(".join")]
    assert len(joins) == 3
    users = [block for block in network.blocks() if block.activation in joins]
    assert len(users) == 5  # the last convolution of each branch, two shortcuts


def test_the_seed_decides_the_weights_and_leaves_torch_alone() -> None:
    before = torch.random.get_rng_state()
    first, again, other = (build("mnist-tfc-w2a2", seed) for seed in (0, 0, 1))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(first.classifier.weight, again.classifier.weight)
    assert not torch.equal(first.classifier.weight, other.classifier.weight)


@pytest.mark.parametrize("builder", [build_resnet8, build_mobilenet])
def test_padding_needs_a_zero(builder: Callable[[Precision], QuantClassifier]) -> None:
    with pytest.raises(ModelError, match=r": activation_bits 1 has no zero for padding; use 2 or"):
        builder(Precision(weight_bits=1, activation_bits=1))


@pytest.mark.parametrize("name", ["weight_bits", "activation_bits"])
@pytest.mark.parametrize("bits", [0, 9])
def test_bit_widths_are_checked(name: str, bits: int) -> None:
    with pytest.raises(ModelError, match=rf"network: {name} {bits} is not in 1\.\.8; change it"):
        Precision(**({"weight_bits": 4, "activation_bits": 4} | {name: bits}))

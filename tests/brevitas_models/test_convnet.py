# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from zoo_networks import activations

from brevitas_models.architectures import build, check, convnet_settings
from brevitas_models.bits import BitTable, Precision
from brevitas_models.checkpoint import load_checkpoint, save_checkpoint
from brevitas_models.classifier import QuantClassifier
from brevitas_models.errors import ModelError
from brevitas_models.exact import make_exact
from brevitas_models.frozen import freeze
from brevitas_models.quantizers import staircase
from brevitas_models.settings import ArchitectureSettings

SETTINGS = convnet_settings(input_shape=(9, 8, 2), classes=5, channels=(4, 6), strides=(2, 1))


def warmed(settings: ArchitectureSettings = SETTINGS) -> QuantClassifier:
    """A network in eval mode whose BatchNorms have seen images."""
    network, generator = build(settings, seed=3), torch.Generator().manual_seed(0)
    height, width, channels = settings.input_shape
    for _ in range(5):
        network(torch.rand(32, channels, height, width, generator=generator))
    return network.eval()


def test_shapes_and_names_of_logits_and_activations() -> None:
    network = warmed()
    images = torch.rand(3, 2, 9, 8)
    found = {name: tuple(value.shape) for name, value in activations(network, images)}
    assert found.pop("flatten") == (3, 120)
    assert found == {"conv0": (3, 4, 5, 4), "conv1": (3, 6, 5, 4), "logits": (3, 5)}
    assert torch.equal(network(images), activations(network, images)[-1][1])


@pytest.mark.parametrize(("bits", "step"), [(2, 1.0), (4, 0.25), (8, 1 / 64)])
def test_activations_are_multiples_of_a_power_of_two(bits: int, step: float) -> None:
    settings = convnet_settings(
        input_shape=(8, 8, 1), classes=3, channels=(4,), strides=(1,), activation_bits=bits
    )
    network = warmed(settings)
    levels = activations(network, torch.rand(64, 1, 8, 8))[0][1] / step
    assert torch.equal(levels, levels.round())
    found = staircase(network.blocks()[0].activation)
    assert found is not None
    assert (found.step, len(found.thresholds)) == (step, 2**bits - 1)
    assert levels.min() == 0
    assert 0 < levels.max() <= 2**bits - 1


@pytest.mark.parametrize("bits", [2, 4, 8])
def test_weights_are_narrow_integers(bits: int) -> None:
    settings = convnet_settings(
        input_shape=(8, 8, 1), classes=3, channels=(4,), strides=(1,), weight_bits=bits
    )
    for _, layer in build(settings).weighted_layers():
        assert layer.quant_weight().int().abs().max() == 2 ** (bits - 1) - 1


def with_bits(**layers: Precision) -> ArchitectureSettings:
    return replace(SETTINGS, bits=replace(SETTINGS.bits, layers=layers))


MIXED = with_bits(
    conv0=Precision(weight_bits=3, activation_bits=3),
    classifier=Precision(weight_bits=2, activation_bits=4),
)


def test_single_layers_have_bits_of_their_own() -> None:
    network = warmed(MIXED)
    found = [int(layer.weight_quant.bit_width()) for _, layer in network.weighted_layers()]
    assert found == [3, 4, 2]
    steps = [int(block.activation.act_quant.bit_width()) for block in network.blocks()]
    assert steps == [3, 4]


def test_mixed_bits_survive_exact_form_and_a_checkpoint(tmp_path: Path) -> None:
    network, images = warmed(MIXED), torch.rand(8, 2, 9, 8)
    assert [margin.proven for margin in make_exact(network)] == [True, True]
    save_checkpoint(tmp_path / "net.pt", network)
    again = load_checkpoint(tmp_path / "net.pt", MIXED)
    assert again.settings == MIXED
    assert torch.equal(again(images), network(images))
    pixels = (images * 255).round()
    torch.testing.assert_close(freeze(network)(pixels), network(pixels / 255))


def test_bits_of_another_layer_are_refused() -> None:
    with pytest.raises(
        ModelError, match=r"convnet: there is no layer 'conv2' to give bits; did you mean"
    ):
        build(with_bits(conv2=Precision(weight_bits=4, activation_bits=4)))


def test_one_bit_for_a_layer_is_refused() -> None:
    with pytest.raises(ModelError, match=r"network: weight_bits 1 is not in 2\.\.8; change it"):
        check(with_bits(conv0=Precision(weight_bits=1, activation_bits=4)))


def test_the_seed_decides_the_weights_and_leaves_torch_alone() -> None:
    before = torch.random.get_rng_state()
    first, again, other = (build(SETTINGS, seed) for seed in (0, 0, 1))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(first.classifier.weight, again.classifier.weight)
    assert not torch.equal(first.classifier.weight, other.classifier.weight)


def test_the_frozen_network_has_the_same_logits() -> None:
    network = warmed()
    images = torch.randint(0, 256, (64, 2, 9, 8)).float()
    torch.testing.assert_close(freeze(network)(images), network(images / 255), atol=1e-4, rtol=0)


def test_the_frozen_network_has_the_same_input_gradient() -> None:
    network = warmed()
    images = torch.randint(0, 256, (8, 2, 9, 8)).float().requires_grad_()
    found = torch.autograd.grad(freeze(network)(images)[:, 0].sum(), images)[0]
    expected = torch.autograd.grad(network(images / 255)[:, 0].sum(), images)[0]
    cosine = torch.nn.functional.cosine_similarity(found.flatten(), expected.flatten(), dim=0)
    assert cosine > 0.95  # the two differ where an activation is clipped by less than half a step


@pytest.mark.parametrize(
    "settings",
    [
        replace(SETTINGS, convolutions=()),
        ArchitectureSettings(
            architecture="tfc", bits=BitTable.uniform(2, 2), convolutions=((4, 1),)
        ),
    ],
)
def test_convolutions_are_for_a_convnet(settings: ArchitectureSettings) -> None:
    message = rf"{settings.architecture}: convolutions .* cannot be used; give them to convnet, at"
    with pytest.raises(ModelError, match=message):
        build(settings)


@pytest.mark.parametrize("name", ["weight_bits", "activation_bits"])
def test_bit_widths_are_checked(name: str) -> None:
    sizes = {"weight_bits": 4, "activation_bits": 4} | {name: 9}
    with pytest.raises(ModelError, match=rf"network: {name} 9 is not in 1\.\.8"):
        convnet_settings(input_shape=(8, 8, 1), classes=10, channels=(4,), strides=(1,), **sizes)

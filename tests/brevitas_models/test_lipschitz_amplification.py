# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest
import torch
from zoo_networks import activations, images

from brevitas_models.architectures import build, convnet_settings
from brevitas_models.bits import BitTable
from brevitas_models.classifier import QuantClassifier
from brevitas_models.errors import ModelError
from brevitas_models.lipschitz import error_amplification
from brevitas_models.settings import ArchitectureSettings


@pytest.fixture(scope="module")
def network() -> QuantClassifier:
    bits = BitTable.uniform(4, 4)
    return build(ArchitectureSettings(architecture="resnet8", bits=bits, width=0.2), seed=1)


def test_ratios_are_those_of_the_activations() -> None:
    settings = convnet_settings(input_shape=(6, 6, 1), classes=3, channels=(4, 5), strides=(1, 1))
    model, generator = build(settings).eval(), torch.Generator().manual_seed(0)
    clean, adversarial = torch.rand(2, 300, 1, 6, 6, generator=generator)
    found = error_amplification(model, clean, adversarial)
    assert [one.layer for one in found] == [
        "input",
        "features.conv0.activation",
        "features.conv1.activation",
        "output",
    ]
    with torch.no_grad():
        before, after = (
            [pair for pair in activations(model, one) if pair[0] != "flatten"]
            for one in (clean, adversarial)
        )
    for one, (_, a), (_, b) in zip(found[1:], before, after, strict=True):
        flat, moved = a.flatten(1).double().numpy(), (b - a).flatten(1).double().numpy()
        ratios = np.linalg.norm(moved, axis=1) / np.linalg.norm(flat, axis=1)
        assert one.distance == pytest.approx(ratios.mean())
        half = 1.96 * ratios.std(ddof=1) / 300**0.5
        assert one.ci95 == pytest.approx((ratios.mean() - half, ratios.mean() + half), rel=1e-3)


def test_a_shared_quantizer_is_numbered_in_order(network: QuantClassifier) -> None:
    shown = images(network, 3)
    names = [one.layer for one in error_amplification(network, shown, shown)]
    assert names[:5] == [
        "input",
        "features.stem.activation",
        "features.block1.first.activation",
        "features.block1.join[0]",
        "features.block1.join[1]",
    ]
    assert len(names) == 1 + 1 + 3 * 4 + 1


def test_equal_images_have_no_error_and_modes_stay(network: QuantClassifier) -> None:
    shown, count = images(network, 3), network.features.stem.norm.num_batches_tracked.clone()
    network.train()
    assert {one.distance for one in error_amplification(network, shown, shown)} == {0.0}
    assert network.training
    assert network.features.stem.norm.num_batches_tracked == count
    assert not network.features.stem.activation._forward_hooks


def test_layers_can_be_chosen(network: QuantClassifier) -> None:
    shown = images(network, 2)
    found = error_amplification(network, shown, 1 - shown, layers=["features.stem.layer"])
    assert [one.layer for one in found] == ["input", "features.stem.layer", "output"]
    assert found[1].distance > 0


def test_images_without_activation_are_left_out() -> None:
    model = torch.nn.Identity()
    clean = torch.tensor([[0.0, 0.0], [3.0, 4.0]])
    (first, _) = error_amplification(model, clean, clean + 1.0)
    assert first.distance == pytest.approx(2**0.5 / 5)
    (nothing, _) = error_amplification(model, clean[:1], clean[:1])
    assert nothing.distance == 0


def test_an_unknown_layer_is_refused(network: QuantClassifier) -> None:
    shown = images(network, 1)
    with pytest.raises(ModelError, match="amplification: the model has no 'conv7'; use named_mod"):
        error_amplification(network, shown, shown, layers=["conv7"])


@pytest.mark.parametrize("counts", [(2, 3), (0, 0)])
def test_other_numbers_of_images_are_refused(
    network: QuantClassifier, counts: tuple[int, int]
) -> None:
    clean, adversarial = (images(network, count) for count in counts)
    with pytest.raises(
        ModelError, match=r"amplification: \(\d, .*adversarial inputs; give the same"
    ):
        error_amplification(network, clean, adversarial)

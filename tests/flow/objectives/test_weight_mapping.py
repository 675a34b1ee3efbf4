# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
import brevitas.nn as qnn
import numpy as np
import pytest
import torch
from brevitas.inject.enum import ScalingImplType
from brevitas.quant import Int8WeightPerTensorFloat
from torch import nn
from torch.nn.utils import parametrize

from brevitas_models.classifier import QuantClassifier
from flow.objectives import Batch, Model, build_objective
from flow.objectives.weight_mapping import map_weights, unmap_weights


class LearnedScale(Int8WeightPerTensorFloat):
    scaling_impl_type = ScalingImplType.PARAMETER_FROM_STATS


def test_the_mapping_is_mu_law_in_each_channel() -> None:
    layer = qnn.QuantLinear(5, 3, bias=False)
    network = nn.Sequential(layer)
    map_weights(network, 15.0)
    original = layer.parametrizations.weight.original.detach().double().numpy()
    largest = np.abs(original).max(axis=1, keepdims=True)
    expected = (
        np.sign(original) * largest * np.log(1 + 15 * np.abs(original) / largest) / np.log(16)
    )
    assert layer.weight.detach().numpy() == pytest.approx(expected, abs=1e-6)
    assert np.abs(original).mean() < np.abs(expected).mean()


def test_mapping_and_unmapping_keep_the_function(network: QuantClassifier, batch: Batch) -> None:
    network.eval()
    weight, logits = network.classifier.weight.detach().clone(), network(batch.images / 255)
    map_weights(network, 15.0)
    assert torch.allclose(network.classifier.weight, weight, atol=1e-6)
    mapped = network(batch.images / 255)
    assert (mapped.argmax(1) == logits.argmax(1)).float().mean() > 0.95  # weights near a tie
    unmap_weights(network)
    assert torch.equal(network(batch.images / 255), mapped)
    assert not parametrize.is_parametrized(network.classifier)
    assert isinstance(network.classifier.weight, nn.Parameter)


def test_a_learned_scale_survives() -> None:
    layer = qnn.QuantLinear(5, 3, bias=False, weight_quant=LearnedScale)
    network, images = nn.Sequential(layer), torch.rand(2, 5)
    network(images)
    map_weights(network, 15.0)
    with torch.no_grad():
        for name, parameter in layer.weight_quant.named_parameters():
            assert name.endswith("scaling_impl.value")
            parameter.mul_(3)
    expected = network(images)
    unmap_weights(network)
    assert torch.equal(network(images), expected)


def test_a_row_of_zeros_stays_zero() -> None:
    layer = qnn.QuantLinear(5, 2, bias=False)
    with torch.no_grad():
        layer.weight[0] = 0
    map_weights(nn.Sequential(layer), 15.0)
    assert layer.weight[0].abs().max() == 0
    assert layer.weight.isfinite().all()


def test_boundary_retraining_trains_through_the_mapping(
    network: QuantClassifier, batch: Batch
) -> None:
    objective = build_objective("boundary", {"mapping_mu": 15.0})
    objective.prepare(network)
    objective.loss(Model(network), batch).loss.backward()
    names = [name for name, one in network.named_parameters() if one.grad is not None]
    assert "classifier.parametrizations.weight.original" in names
    objective.finish(network)
    assert "classifier.weight" in dict(network.named_parameters())

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
from dataclasses import dataclass
from typing import Any

import brevitas.nn as qnn
import numpy as np
import pytest
import torch
from brevitas.quant import Int8ActPerTensorFloat, Int32Bias
from torch import Tensor, nn

from brevitas_models.architectures import build, convnet_settings
from brevitas_models.bits import BitTable
from brevitas_models.classifier import QuantClassifier
from brevitas_models.errors import ModelError
from brevitas_models.lipschitz import (
    Norm,
    Window,
    conv_spectral_norm,
    dq_penalty,
    error_amplification,
    layer_lipschitz,
    network_bound,
    operator_norm,
)
from brevitas_models.quantizers import Quantizers
from brevitas_models.settings import ArchitectureSettings

SETTINGS = convnet_settings(input_shape=(7, 8, 2), classes=5, channels=(4, 40), strides=(1, 2))
SHAPE = (2, 7, 8)


@pytest.fixture
def network() -> QuantClassifier:
    built = build(SETTINGS, seed=1)
    generator = torch.Generator().manual_seed(2)
    for _ in range(3):
        built(torch.rand(16, 2, 7, 8, generator=generator))
    for block in built.blocks():
        torch.nn.init.normal_(block.norm.weight, generator=generator)
    return built.eval()


def dense(weight: np.ndarray, window: Window) -> np.ndarray:
    """The convolution as an explicit matrix, entry by entry from its definition."""
    outputs, inputs, height, width = weight.shape
    (rows, columns), (down, right) = window.size, window.padding
    grid = [
        (side + 2 * pad - step * (kernel - 1) - 1) // stride + 1
        for side, pad, step, kernel, stride in zip(
            window.size,
            window.padding,
            window.dilation,
            (height, width),
            window.stride,
            strict=True,
        )
    ]
    groups = window.groups
    shape = (outputs, *grid, inputs * groups, rows + 2 * down, columns + 2 * right)
    matrix = np.zeros(shape)
    for o, y, x, i, ky, kx in np.ndindex(outputs, *grid, inputs, height, width):
        channel = o // (outputs // groups) * inputs + i
        row = y * window.stride[0] + ky * window.dilation[0]
        column = x * window.stride[1] + kx * window.dilation[1]
        matrix[o, y, x, channel, row, column] = weight[o, i, ky, kx]
    inner = matrix[..., down : down + rows, right : right + columns]
    return inner.reshape(outputs * grid[0] * grid[1], -1)


WINDOWS = [
    Window(size=(5, 6), padding=(1, 1)),
    Window(size=(8, 8), padding=(1, 1), stride=(2, 2)),
    Window(size=(1, 4), padding=(1, 1)),
    Window(size=(7, 6), padding=(2, 0), stride=(1, 3), groups=2),
    Window(size=(7, 7), dilation=(2, 3)),
    Window(size=(6, 6), padding=(1, 1), groups=4),
]


@pytest.mark.parametrize("window", WINDOWS, ids=str)
@pytest.mark.parametrize("norm", list(Norm))
def test_norms_equal_those_of_the_dense_matrix(window: Window, norm: Norm) -> None:
    weight = np.random.default_rng(0).normal(size=(4, 3, 3, 3))
    matrix = dense(weight, window)
    expected = np.linalg.norm(matrix, 2) if norm is Norm.L2 else np.abs(matrix).sum(1).max()
    found = operator_norm(torch.from_numpy(weight), window, norm)
    assert found == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("norm", "order"), [(Norm.L2, 2), (Norm.LINF, np.inf)])
def test_norms_of_a_matrix(norm: Norm, order: float) -> None:
    weight = np.random.default_rng(1).normal(size=(5, 9))
    found = operator_norm(torch.from_numpy(weight), None, norm)
    assert found == pytest.approx(np.linalg.norm(weight, order), rel=1e-12)


def test_a_zero_convolution_has_norm_zero() -> None:
    window = Window(size=(4, 4), padding=(1, 1))
    assert conv_spectral_norm(torch.zeros(2, 2, 3, 3, dtype=torch.float64), window) == 0


def test_equal_singular_values_do_not_stall() -> None:
    identity = torch.zeros(3, 3, 3, 3, dtype=torch.float64)
    identity[range(3), range(3), 1, 1] = 2.0
    window = Window(size=(9, 9), padding=(1, 1))
    assert conv_spectral_norm(identity, window) == pytest.approx(2, rel=1e-12)


def test_layer_constants_use_the_quantized_weights_and_the_gain(network: QuantClassifier) -> None:
    second = network.blocks()[1]
    weight = second.layer.quant_weight().value.detach().double().numpy()
    variance = second.norm.running_var.double().numpy() + second.norm.eps
    gain = second.norm.weight.detach().double().numpy() / np.sqrt(variance)
    found = {layer.name: layer for layer in layer_lipschitz(network, SHAPE)}["features.conv1.layer"]
    window = Window(size=(7, 8), padding=(1, 1), stride=(2, 2))
    assert found.weights == pytest.approx(np.linalg.norm(dense(weight, window), 2), rel=1e-6)
    folded = dense(weight * gain[:, None, None, None], window)
    assert found.folded == pytest.approx(np.linalg.norm(folded, 2), rel=1e-6)


def test_the_classifier_constant_is_its_largest_singular_value(network: QuantClassifier) -> None:
    weight = network.classifier.quant_weight().value.detach().numpy()
    found = layer_lipschitz(network, SHAPE)[-1]
    assert found.name == "classifier"
    assert found.weights == pytest.approx(np.linalg.norm(weight, 2), rel=1e-5)


def test_the_bound_of_a_chain_is_the_product_of_its_layers(network: QuantClassifier) -> None:
    found = network_bound(network, SHAPE)
    assert found.slope == pytest.approx(np.prod([layer.folded for layer in found.layers]))
    step, last = network.blocks()[1].source.step, found.layers[2].folded
    sizes = [4 * 7 * 8, 40 * 4 * 4]
    rounding = step * (sizes[0] ** 0.5 * found.layers[1].folded + sizes[1] ** 0.5) * last
    assert found.rounding == pytest.approx(rounding)


@dataclass(frozen=True)
class Case:
    """A network and one whose weights are trained away from their start."""

    architecture: str
    activations: str
    others: dict[str, Any]

    def __str__(self) -> str:
        return "-".join((self.architecture, self.activations, *self.others))

    def network(self) -> QuantClassifier:
        quantizers = Quantizers(weights="learned", activations=self.activations)  # type: ignore[arg-type]
        settings = ArchitectureSettings(
            architecture=self.architecture,
            bits=BitTable.uniform(4, 4),
            quantizers=quantizers,
            **self.others,
        )
        network = build(settings, seed=2)
        generator = torch.Generator().manual_seed(2)
        with torch.no_grad():
            for _, norm in network.norms():
                norm.weight.copy_(torch.randn(norm.weight.shape, generator=generator))
        height, width, channels = network.input_shape
        network(torch.rand(16, channels, height, width, generator=generator))
        return network.eval()


SMALL = (8, 8, 2)
CASES = [
    Case("lenet5", "dqa_learned", {"pool": "average", "input_bits": 3, "input_shape": (14, 14, 2)}),
    Case("resnet8", "learned", {"width": 0.3, "input_shape": SMALL}),
    Case("resnet8", "fixed", {"width": 0.3, "input_shape": SMALL, "join": "convex"}),
    Case("vgg_small", "fixed", {"width": 0.03, "input_shape": SMALL}),
    Case("mobilenet", "power_of_two", {"width": 0.1, "input_shape": SMALL}),
    Case("tfc", "fixed", {}),
]


def pairs(network: QuantClassifier, spread: float) -> tuple[Tensor, Tensor]:
    height, width, channels = network.input_shape
    generator = torch.Generator().manual_seed(5)
    first = torch.rand(64, channels, height, width, generator=generator)
    noise = torch.randn(first.shape, generator=generator) * spread
    return first, first + noise


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize("norm", list(Norm))
def test_the_bound_holds_for_measured_distances(case: Case, norm: Norm) -> None:
    network, order = case.network(), 2 if norm is Norm.L2 else float("inf")
    height, width, channels = network.input_shape
    bound = network_bound(network, (channels, height, width), norm)
    for spread in (1e-3, 0.3):
        first, second = pairs(network, spread)
        with torch.no_grad():
            moved = network(first) - network(second)
        after = torch.linalg.vector_norm(moved, order, dim=1)
        before = torch.linalg.vector_norm((first - second).flatten(1), order, dim=1)
        assert (after <= bound.slope * before + bound.rounding).all()
    assert tuple(layer.name for layer in bound.layers) == tuple(
        name for name, _ in network.weighted_layers()
    )
    assert np.isfinite(bound.slope)


def test_measuring_leaves_the_model_as_it_was(network: QuantClassifier) -> None:
    network.train()
    network.blocks()[0].norm.eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    network_bound(network, SHAPE)
    assert network.training
    assert not network.blocks()[0].norm.training
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name]), name


class _Joined(nn.Module):
    """2 x + W x, whose exact constant the sum over branches only bounds."""

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.linear = nn.Linear(*weight.shape[::-1], bias=True)
        with torch.no_grad():
            self.linear.weight.copy_(weight)

    def forward(self, values: Tensor) -> Tensor:
        return 2.0 * values + self.linear(values)


def test_branches_add_up() -> None:
    weight = torch.diag(torch.tensor([3.0, -1.0]))
    assert network_bound(_Joined(weight), (2,)).slope == pytest.approx(5)
    assert network_bound(_Joined(weight), (2,), Norm.LINF).slope == pytest.approx(5)


class _Concatenated(_Joined):
    def forward(self, values: Tensor) -> Tensor:
        return torch.cat([self.linear(values) / 2.0, values.flatten(1) - 1.0], dim=1)


def test_concatenated_branches_add_up_as_their_norm_does() -> None:
    model = _Concatenated(torch.diag(torch.tensor([3.0, -1.0])))
    assert network_bound(model, (2,)).slope == pytest.approx(13**0.5 / 2)
    assert network_bound(model, (2,), Norm.LINF).slope == pytest.approx(1.5)


def test_quantized_inputs_and_overlapping_pools_count() -> None:
    layer = qnn.QuantConv2d(1, 1, 1, bias=False, input_quant=Int8ActPerTensorFloat)
    model = nn.Sequential(layer, nn.MaxPool2d(3, stride=1), nn.Flatten()).eval()
    with torch.no_grad():
        layer.weight.fill_(1.0)
        model.train()(torch.rand(4, 1, 5, 5))
    found, step = network_bound(model, (1, 5, 5)), float(layer.input_quant.scale().detach())
    assert found.slope == pytest.approx(3)
    assert found.rounding == pytest.approx(3 * 5 * step)


class _QuantTensors(nn.Module):
    """A network of someone else's, whose layers hand on scales and have integer biases."""

    def __init__(self) -> None:
        super().__init__()
        self.source = qnn.QuantIdentity(return_quant_tensor=True)
        self.shared = qnn.QuantIdentity(return_quant_tensor=True)
        self.conv = qnn.QuantConv2d(
            2, 2, 3, padding=1, bias=True, bias_quant=Int32Bias, return_quant_tensor=True
        )
        self.relu = qnn.QuantReLU(return_quant_tensor=True)
        self.last = qnn.QuantLinear(2 * 25, 3, bias=True, bias_quant=Int32Bias)

    def forward(self, images: Tensor) -> Tensor:
        values = self.source(images)
        joined = self.shared(values) + self.shared(self.conv(values))
        found: Tensor = self.last(self.relu(joined).flatten(1))
        return found


def test_networks_of_quant_tensors_have_bounds_and_amplification() -> None:
    generator = torch.Generator().manual_seed(0)
    first, second = torch.rand(2, 40, 2, 5, 5, generator=generator)
    model = _QuantTensors()
    model(first)
    model.eval()
    bound = network_bound(model, (2, 5, 5))
    with torch.no_grad():
        moved = (model(first) - model(second)).norm(dim=1)
    before = (first - second).flatten(1).norm(dim=1)
    assert (moved <= bound.slope * before + bound.rounding).all()
    assert [layer.name for layer in bound.layers] == ["conv", "last"]
    conv, last = (layer.weights for layer in bound.layers)
    assert bound.slope == pytest.approx((1 + conv) * last)
    names = [one.layer for one in error_amplification(model, first, second)]
    assert names == ["input", "source", "shared[0]", "shared[1]", "relu", "output"]


class _Branching(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(2, 2)

    def forward(self, values: Tensor) -> Tensor:
        return values if values.sum() > 0 else self.linear(values)


class _Product(_Branching):
    def forward(self, values: Tensor) -> Tensor:
        return values * self.linear(values)


REFUSED = [
    (_Branching(), r"_Branching has no graph of layers \(.*\); write its forward without"),
    (_Product(), r"no bound of mul \(mul\) is known; replace it by layers"),
    (nn.Sequential(nn.Linear(2, 2), nn.GELU()), r"no bound of GELU \(_1\) is known; replace it"),
    (
        nn.Sequential(nn.Linear(3, 2)),
        r"Sequential does not take inputs of shape \(2,\) \(.*\); give",
    ),
]


@pytest.mark.parametrize(("model", "message"), REFUSED, ids=lambda value: type(value).__name__)
def test_models_without_a_bound_are_refused(model: nn.Module, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        network_bound(model, (2,))


def test_padding_that_is_not_of_numbers_is_refused() -> None:
    model = nn.Sequential(nn.Conv2d(1, 1, 3, padding="same"))
    with pytest.raises(ModelError, match=r"lipschitz: 0 has padding 'same' \(zeros\); give it as"):
        network_bound(model, (1, 4, 4))


def test_dq_penalty_is_the_sum_of_gram_distances(network: QuantClassifier) -> None:
    expected = 0.0
    for _, layer in network.weighted_layers():
        weight = layer.quant_weight().value.detach().double().numpy()
        matrix = weight.reshape(len(weight), -1)
        if matrix.shape[0] > matrix.shape[1]:  # conv1 has 40 outputs and 36 inputs
            matrix = matrix.T
        expected += ((matrix @ matrix.T - np.eye(len(matrix))) ** 2).sum()
    assert dq_penalty(network).item() == pytest.approx(expected, rel=1e-5)


def test_dq_penalty_counts_every_group_of_a_convolution_alone() -> None:
    layer = nn.Conv2d(4, 6, 3, groups=2, bias=False)
    halves = [layer.weight[:3].detach().flatten(1), layer.weight[3:].detach().flatten(1)]
    expected = sum(float((half @ half.T - torch.eye(3)).square().sum()) for half in halves)
    assert dq_penalty(layer).item() == pytest.approx(expected, rel=1e-5)


def test_descending_the_penalty_makes_layers_non_expansive() -> None:
    network = build(SETTINGS, seed=1)
    with torch.no_grad():
        for _, layer in network.weighted_layers():
            layer.weight.mul_(3)
    before = dq_penalty(network).item()
    optimiser = torch.optim.Adam(network.parameters(), lr=0.01)
    for _ in range(150):
        optimiser.zero_grad()
        dq_penalty(network).backward()
        optimiser.step()
    assert dq_penalty(network).item() < 0.02 * before
    weight = network.classifier.quant_weight().value
    assert torch.linalg.matrix_norm(weight, 2).item() == pytest.approx(1, abs=0.2)

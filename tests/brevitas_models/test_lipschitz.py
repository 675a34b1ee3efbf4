# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
import numpy as np
import pytest
import torch

from brevitas_models.lipschitz import conv_spectral_norm, dq_penalty, layer_lipschitz
from brevitas_models.network import NetworkSettings, QuantConvNet, build_network

SETTINGS = NetworkSettings(input_shape=(7, 8, 2), classes=5, channels=(4, 40), strides=(1, 2))


@pytest.fixture
def network() -> QuantConvNet:
    built = build_network(SETTINGS, seed=1)
    generator = torch.Generator().manual_seed(2)
    for _ in range(3):
        built(torch.rand(16, 2, 7, 8, generator=generator))
    for block in built.conv_blocks():
        torch.nn.init.normal_(block.norm.weight, generator=generator)
    return built.eval()


def dense(weight: np.ndarray, size: tuple[int, int], stride: int) -> np.ndarray:
    """The convolution as an explicit matrix, entry by entry from its definition."""
    outputs, inputs = weight.shape[:2]
    height, width = (size[0] - 1) // stride + 1, (size[1] - 1) // stride + 1
    matrix = np.zeros((outputs, height, width, inputs, size[0] + 2, size[1] + 2))
    for y in range(height):
        for x in range(width):
            top, left = y * stride, x * stride
            matrix[:, y, x, :, top : top + 3, left : left + 3] = weight
    return matrix[..., 1:-1, 1:-1].reshape(outputs * height * width, -1)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size", [(5, 6), (1, 4), (8, 8)])
def test_power_iteration_equals_the_dense_singular_value(
    size: tuple[int, int], stride: int
) -> None:
    weight = np.random.default_rng(0).normal(size=(4, 3, 3, 3))
    expected = np.linalg.svd(dense(weight, size, stride), compute_uv=False)[0]
    found = conv_spectral_norm(torch.from_numpy(weight), size, stride)
    assert found == pytest.approx(expected, rel=1e-6)


def test_a_zero_convolution_has_norm_zero() -> None:
    assert conv_spectral_norm(torch.zeros(2, 2, 3, 3, dtype=torch.float64), (4, 4), 1) == 0


def test_layer_constants_use_the_quantized_weights_and_the_gain(network: QuantConvNet) -> None:
    second = network.conv_blocks()[1]
    weight = second.conv.quant_weight().value.detach().double().numpy()
    variance = second.norm.running_var.double().numpy() + second.norm.eps
    gain = second.norm.weight.detach().double().numpy() / np.sqrt(variance)
    folded = weight * gain[:, None, None, None]
    found = {layer.name: layer for layer in layer_lipschitz(network)}
    top = np.linalg.svd(dense(weight, (7, 8), 2), compute_uv=False)[0]
    assert found["conv1"].weights == pytest.approx(top, rel=1e-6)
    top = np.linalg.svd(dense(folded, (7, 8), 2), compute_uv=False)[0]
    assert found["conv1"].folded == pytest.approx(top, rel=1e-6)


def test_the_classifier_constant_is_its_largest_singular_value(network: QuantConvNet) -> None:
    weight = network.classifier.quant_weight().value.detach().numpy()
    found = layer_lipschitz(network)[-1]
    assert found.name == "classifier"
    assert found.weights == pytest.approx(np.linalg.norm(weight, 2), rel=1e-5)


def test_the_constants_bound_measured_distances(network: QuantConvNet) -> None:
    block, bound = network.conv_blocks()[0], layer_lipschitz(network)[0].folded
    first, second = torch.rand(50, 2, 7, 8), torch.rand(50, 2, 7, 8)
    with torch.no_grad():
        after = block.norm(block.conv(first)) - block.norm(block.conv(second))
    ratio = after.flatten(1).norm(dim=1) / (first - second).flatten(1).norm(dim=1)
    assert 0.1 * bound < ratio.max() <= bound * (1 + 1e-5)


def test_dq_penalty_is_the_sum_of_gram_distances(network: QuantConvNet) -> None:
    expected = 0.0
    for layer in network.weighted_layers():
        weight = layer.quant_weight().value.detach().double().numpy()
        matrix = weight.reshape(len(weight), -1)
        if matrix.shape[0] > matrix.shape[1]:  # conv1 has 40 outputs and 36 inputs
            matrix = matrix.T
        expected += ((matrix @ matrix.T - np.eye(len(matrix))) ** 2).sum()
    assert dq_penalty(network).item() == pytest.approx(expected, rel=1e-5)


def test_descending_the_penalty_makes_layers_non_expansive() -> None:
    network = build_network(SETTINGS, seed=1)
    with torch.no_grad():
        for layer in network.weighted_layers():
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

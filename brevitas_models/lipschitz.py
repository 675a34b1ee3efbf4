# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The Lipschitz machinery: Defensive Quantization's penalty and each layer's exact constants."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.nn.grad import conv2d_input

from brevitas_models.network import ConvBlock, QuantConvNet

__all__ = ["LayerLipschitz", "conv_spectral_norm", "dq_penalty", "layer_lipschitz"]

_TOLERANCE = 1e-10
_MAX_ITERATIONS = 20_000


@dataclass(frozen=True)
class LayerLipschitz:
    """The l2 constants of one layer.

    `weights` is the spectral norm of the dequantized weights as a linear map; `folded` the same
    with the BatchNorm's per-channel gain folded in. Neither counts the rounding of activations,
    which is not Lipschitz: it adds at most one step to a distance.
    """

    name: str
    weights: float
    folded: float


def dq_penalty(network: QuantConvNet) -> Tensor:
    """Sum over the layers of ||W W^T - I||_F^2, a scalar (Lin, Gan and Han, ICLR 2019).

    W is the quantized weight, with straight-through gradients, as (out, in * kh * kw), or its
    transpose when that is smaller. The paper's loss adds beta / 2 of this. It leaves open whether
    W is quantized: here it is, because the quantized weights are what runs.
    """
    terms = [_gram_distance(_quantized(layer).flatten(1)) for layer in network.weighted_layers()]
    return torch.stack(terms).sum()


def _gram_distance(weight: Tensor) -> Tensor:
    rows = weight if weight.shape[0] <= weight.shape[1] else weight.T
    identity = torch.eye(rows.shape[0], dtype=rows.dtype, device=rows.device)
    return (rows @ rows.T - identity).square().sum()


def _quantized(layer: Any) -> Tensor:  # noqa: ANN401 - Brevitas is not typed
    value: Tensor = layer.quant_weight().value
    return value


def layer_lipschitz(network: QuantConvNet) -> list[LayerLipschitz]:
    """Return the constants of every layer, from input to output; their product bounds the net.

    The input is the image over 255; the BatchNorms are taken as in eval mode.
    """
    size, found = network.settings.input_shape[:2], []
    with torch.no_grad():
        for index, block in enumerate(network.conv_blocks()):
            weight, stride = _quantized(block.conv).double(), network.settings.strides[index]
            plain = conv_spectral_norm(weight, size, stride)
            folded = conv_spectral_norm(weight * _gain(block)[:, None, None, None], size, stride)
            found.append(LayerLipschitz(f"conv{index}", plain, folded))
            size = ((size[0] - 1) // stride + 1, (size[1] - 1) // stride + 1)
        norm = float(torch.linalg.matrix_norm(_quantized(network.classifier).double(), 2))
    return [*found, LayerLipschitz("classifier", norm, norm)]


def _gain(block: ConvBlock) -> Tensor:
    norm = block.norm
    assert norm.running_var is not None
    return norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)


def conv_spectral_norm(weight: Tensor, size: tuple[int, int], stride: int) -> float:
    """Return the largest singular value of a 3x3, zero-padded (1), strided convolution.

    Power iteration on A^T A, A the true convolution of float[in, *size] and not the reshaped
    kernel. `weight` is float64[out, in, 3, 3]. The start vector is fixed, so the result repeats;
    it approaches the norm from below, to a relative change of 1e-10 an iteration.
    """
    generator = torch.Generator().manual_seed(0)
    shape = (1, weight.shape[1], *size)
    vector = torch.randn(shape, generator=generator, dtype=weight.dtype)
    estimate = 0.0
    for _ in range(_MAX_ITERATIONS):
        vector = vector / vector.norm()
        image = F.conv2d(vector, weight, stride=stride, padding=1)
        previous, estimate = estimate, float(image.norm())
        if abs(estimate - previous) <= _TOLERANCE * estimate:
            break
        vector = conv2d_input(shape, weight, image, stride=stride, padding=1)
    return estimate

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What each layer loses at each precision, weighted by how the network's bound depends on it.

After Song, Ranjan and Li (arXiv:2110.12308): prefer the setting that loses least to quantization
and to an attack together, the latter through the Lipschitz constant. Only the paper's abstract was
at hand; the score is ours. Let L be the network's l2 bound, W a layer's float weights with the
BatchNorm's gain, Q their quantized values, and sigma the spectral norm of the true convolution. To
first order Q in place of W moves the logits by at most L e sigma(Q - W) / sigma(W) of the input's
norm, and an attack of size d by L e (sigma(Q) / sigma(W) - 1) d more than before; e, the
elasticity of the bound in this layer's constant, is 1 in a chain and a branch's share in a residual
block. Quantizing the activations behind it to fewer bits moves them by a relative error that the
rest of the network carries on like an error of the weights. The score is, over L:

    e * (sigma(Q - W) / sigma(W) + a * max(0, sigma(Q) / sigma(W) - 1) + r)

with the attack's weight `a` and the mean relative activation error r over images.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, fx, nn

from brevitas_models.bits import Precision
from brevitas_models.errors import ModelError
from brevitas_models.lipschitz import Norm, Window, elasticities, named_layers, operator_norm
from brevitas_models.lipschitz.trace import Traced, evaluating, gain_behind, trace, window_of
from brevitas_models.quantizers import Staircase, staircase

__all__ = ["Option", "score_layers"]

_TOLERANCE = 1e-4  # of spectral norms
_RANGES = tuple(1.0 - 0.05 * step for step in range(17))  # of the largest weight


@dataclass(frozen=True, kw_only=True)
class Option:
    """One layer at one precision.

    Attributes:
        layer: its name in a bit table, or the module's in a model that has none.
        precision: of the weights, and of the activations behind it.
        score: what it adds to the network's; see the module.
        weight_error: sigma(Q - W) / sigma(W).
        growth: sigma(Q) / sigma(W).
        activation_error: relative, mean over images; 0 if no quantizer is behind the layer.
        elasticity: the factor of all three.
        weight_range: the largest quantized weight over the largest weight, of least squared error.
        quantizer: the module that quantizes the layer's output; layers may share it.
    """

    layer: str
    precision: Precision
    score: float
    weight_error: float
    growth: float
    activation_error: float
    elasticity: float
    weight_range: float
    quantizer: str | None


def score_layers(
    model: nn.Module,
    images: Tensor,
    candidates: Sequence[Precision],
    *,
    attack_weight: float = 1.0,
) -> list[Option]:
    """Return an option for every layer and candidate, layer by layer.

    Args:
        model: trained with high precision; its float weights are quantized anew.
        images: float[N, C, H, W], from which activation errors are measured; a few dozen.
        candidates: the precisions to choose from.
        attack_weight: of an attack's growth against quantization errors.

    Raises:
        ModelError: there are no images, or the model has no graph of layers.
    """
    if not len(images):
        raise ModelError("bit selection: there are no images to measure activations on; give some")
    traced = trace(model, tuple(images.shape[1:]))
    with evaluating(model):
        traced.run(images)
        weights = elasticities(traced)
        scorers = [
            _Layer(traced, node, name, weights[str(node.target)])
            for name, node in _nodes(model, traced)
        ]
        return [one.option(bits, attack_weight) for one in scorers for bits in candidates]


def _nodes(model: nn.Module, traced: Traced) -> list[tuple[str, fx.Node]]:
    """Return the graph's weighted layers by their names in a bit table."""
    names = {id(layer): name for name, layer in named_layers(model).items()}
    modules = [(node, traced.module_of(node)) for node in traced.values]
    return [(names[id(one)], node) for node, one in modules if id(one) in names]


class _Layer:
    """Measures one layer's options; weights are quantized once for each width."""

    def __init__(self, traced: Traced, node: fx.Node, name: str, elasticity: float) -> None:
        layer: Any = traced.module_of(node)
        self.name, self.elasticity = name, elasticity
        self.window: Window | None = window_of(traced, node, layer)
        self.weight = layer.weight.detach().double()
        gain = gain_behind(traced, node)
        self.gain = torch.ones(len(self.weight)).to(self.weight) if gain is None else gain
        self.norm = max(self._sigma(self.weight), 1e-30)
        self.quantizer, self.errors = _activation_behind(traced, node)
        self._weights: dict[int, tuple[float, float, float]] = {}

    def option(self, bits: Precision, attack_weight: float) -> Option:
        """Return the option for one precision."""
        error, growth, share = self._of_weights(bits.weight_bits)
        moved = self.errors.of(bits.activation_bits) if self.errors else 0.0
        score = error + attack_weight * max(0.0, growth - 1.0) + moved
        return Option(
            layer=self.name,
            precision=bits,
            score=self.elasticity * score,
            weight_error=error,
            growth=growth,
            activation_error=moved,
            elasticity=self.elasticity,
            weight_range=share,
            quantizer=self.quantizer,
        )

    def _of_weights(self, bits: int) -> tuple[float, float, float]:
        if bits not in self._weights:
            quantized, share = _nearest(self.weight, bits)
            error = self._sigma(quantized - self.weight) / self.norm
            self._weights[bits] = error, self._sigma(quantized) / self.norm, share
        return self._weights[bits]

    def _sigma(self, weight: Tensor) -> float:
        shaped = self.gain.reshape(-1, *(1 for _ in weight.shape[1:]))
        return operator_norm(weight * shaped, self.window, Norm.L2, _TOLERANCE)


def _nearest(weight: Tensor, bits: int) -> tuple[Tensor, float]:
    """Return narrow weights of least squared error, and their range over the largest weight."""
    largest = float(weight.abs().max())
    if bits == 1 or largest == 0:
        mean = float(weight.abs().mean())
        return torch.where(weight < 0, -mean, mean), mean / largest if largest else 1.0
    steps = 2 ** (bits - 1) - 1
    found = []
    for share in _RANGES:
        scale = share * largest / steps
        quantized = (weight / scale).round().clamp(-steps, steps) * scale
        found.append((float((quantized - weight).square().sum()), share, quantized))
    _, share, quantized = min(found, key=lambda one: one[0])
    return quantized, share


class _ActivationErrors:
    """Relative errors of one quantizer's input, were it to keep its range with other bits."""

    def __init__(self, values: Tensor, stairs: Staircase) -> None:
        low, high = float(stairs.levels[0]), float(stairs.levels[-1])
        self.values = values.flatten(1).double().clamp(low, high)
        self.low, self.high = low, high

    def of(self, bits: int) -> float:
        """Return the mean over images of ||q(z) - z|| / ||z||, z clipped to the range."""
        norms = self.values.norm(dim=1)
        errors = (self._quantized(bits) - self.values).norm(dim=1)
        alive = norms > 0
        return float((errors[alive] / norms[alive]).mean()) if alive.any() else 0.0

    def _quantized(self, bits: int) -> Tensor:
        if bits == 1:
            mean = float(self.values.abs().mean())
            return torch.where(self.values < 0, -mean, mean)
        steps = 2**bits - 1 if self.low >= 0 else 2**bits - 2  # narrow where 0 is in the middle
        step = (self.high - self.low) / steps
        levels: Tensor = ((self.values - self.low) / step).round() * step + self.low
        return levels


def _activation_behind(
    traced: Traced, node: fx.Node
) -> tuple[str | None, _ActivationErrors | None]:
    """Return the quantizer that alone reads a layer, through its BatchNorm, and its errors."""
    current = node
    while len(current.users) == 1:
        source, current = current, next(iter(current.users))
        module = traced.module_of(current)
        stairs = None if module is None else staircase(module)
        if stairs is not None:
            return str(current.target), _ActivationErrors(traced.values[source], stairs)
        if not isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            break
    return None, None

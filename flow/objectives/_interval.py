# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Interval bounds of a network under training, with gradients to its parameters.

Float arithmetic: they train, they prove nothing (flow.certify does, on the integers).
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.modules.batchnorm import _BatchNorm

from brevitas_models.blocks import QuantBlock, Residual
from brevitas_models.quantizers import InputSqueeze, staircase

__all__ = ["Box", "margin_bounds", "settle_norms"]

_IMAGE_SQUARE = 0.1  # mean square of the values of a grey image in 0..1
_LEVEL_SQUARE = 0.1  # the same of an activation, as a share of its largest level's square


@dataclass(frozen=True)
class Box:
    """Values of clean images, none where nobody asks, and the ends of what the ball may cause."""

    clean: Tensor
    low: Tensor
    high: Tensor

    def mapped(self, function: Any) -> "Box":  # noqa: ANN401 - any callable on tensors
        """Apply a function that never falls where its input rises, once for all three."""
        parts = self.clean, self.low, self.high
        return Box(*function(torch.cat(parts)).split([len(part) for part in parts]))


def margin_bounds(network: Any, images: Box, labels: Tensor) -> tuple[Tensor, Tensor]:  # noqa: ANN401
    """Return the clean logits float[N, K] and lower bounds of the margins float[N, K].

    The bound of class j is of logit[label] - logit[j], taken over the last layer's differences of
    rows (Gowal et al. 2018, section 3); 0 at the label itself.

    Args:
        network: a QuantClassifier, its BatchNorms settled.
        images: float[N, C, H, W] in 0..1.
        labels: int64[N].
    """
    box = images
    for module in network.features:
        box = _through(module, box)
    box = box.mapped(lambda values: values.flatten(1))
    weight = network.classifier.quant_weight().value * network.temperature
    differences = weight[labels][:, None] - weight  # [N, K, F]
    middle, radius = (box.low + box.high) / 2, (box.high - box.low) / 2
    least = torch.einsum("nf,nkf->nk", middle, differences)
    least = least - torch.einsum("nf,nkf->nk", radius, differences.abs())
    return F.linear(box.clean, weight), least


def settle_norms(network: nn.Module) -> None:
    """Make every BatchNorm a plain gain and bias: statistics of mean 0 and variance 1.

    Trained ones keep their function. Fresh ones, which have seen no batch, get the gain that
    gives their outputs a variance near 1, as statistics of the first batch would.
    """
    for block in network.modules():
        if isinstance(block, QuantBlock):
            _settle(block)


def _settle(block: QuantBlock) -> None:
    norm: _BatchNorm = block.norm
    assert norm.running_var is not None
    assert norm.running_mean is not None
    with torch.no_grad():
        if norm.num_batches_tracked:
            gain = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
            norm.bias.sub_(norm.running_mean * gain)
        else:
            weight = block.layer.quant_weight().value
            gain = norm.weight / (weight.square().sum() / len(weight) * _mean_square(block)).sqrt()
        norm.weight.copy_(gain * (1 + norm.eps) ** 0.5)
        norm.running_mean.zero_()
        norm.running_var.fill_(1.0)


def _mean_square(block: QuantBlock) -> float:
    source = block.source
    if source.source is None or source.channels == 1:
        return _IMAGE_SQUARE
    found = staircase(source.source)
    if found is None:
        return _IMAGE_SQUARE
    return _LEVEL_SQUARE * float(abs(found.levels).max()) ** 2


def _through(module: Any, box: Box) -> Box:  # noqa: ANN401
    if isinstance(module, QuantBlock):
        return _affine(module, box).mapped(module.activation)
    if isinstance(module, Residual):
        body = _through(module.second, _through(module.first, box))
        side = module.shortcut
        other = _through(side, box) if isinstance(side, QuantBlock) else box.mapped(side)
        pairs = zip(_parts(body), _parts(other), strict=True)
        joined = Box(*(_join(module, *pair) for pair in pairs))
        return joined.mapped(module.activation)
    if isinstance(module, InputSqueeze):  # the same numbers without the quantizer's many passes
        return box.mapped(lambda images: (images / module.step).round() * module.step)
    return box.mapped(module)  # quantizers, pools and flattening are monotone


def _parts(box: Box) -> tuple[Tensor, Tensor, Tensor]:
    return box.clean, box.low, box.high


def _join(module: Residual, body: Tensor, shortcut: Tensor) -> Tensor:
    joined: Tensor = body + shortcut if module.mix is None else module.mix(body, shortcut)
    return joined


def _affine(block: QuantBlock, box: Box) -> Box:
    """Return the box of the layer and its gain and bias, by centre and radius."""
    layer, norm = block.layer, block.norm
    gain = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
    bias = norm.bias - norm.running_mean * gain
    weight = layer.quant_weight().value
    weight = weight * gain.reshape(-1, *(1 for _ in weight.shape[1:]))
    centres = torch.cat([box.clean, (box.low + box.high) / 2])
    found = _product(layer, centres, weight, bias)
    clean, middle = found.split([len(box.clean), len(box.low)])
    radius = _product(layer, (box.high - box.low) / 2, weight.abs(), None)
    return Box(clean, middle - radius, middle + radius)


def _product(layer: Any, values: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:  # noqa: ANN401
    if weight.ndim == 2:
        return F.linear(values, weight, bias)
    return F.conv2d(values, weight, bias, layer.stride, layer.padding, layer.dilation, layer.groups)

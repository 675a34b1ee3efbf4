# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Defensive Quantization's penalty (Lin, Gan and Han, ICLR 2019)."""

import torch
from torch import Tensor, nn

from brevitas_models.blocks import QuantBlock
from brevitas_models.errors import ModelError
from brevitas_models.lipschitz._weights import matrices, quantized_weight, weighted_modules
from brevitas_models.lipschitz.control import LipschitzControl

__all__ = ["DefensiveQuantization", "dq_penalty"]


def dq_penalty(model: nn.Module, *, folded: bool = False) -> Tensor:
    """Sum over the layers of ||W W^T - I||_F^2, a scalar (Lin, Gan and Han, ICLR 2019).

    W is the quantized weight, with straight-through gradients, as (out, in * kh * kw), or its
    transpose when that is smaller; of a grouped convolution each group counts alone. The paper's
    loss adds beta / 2 of this. It leaves open whether W is quantized: here it is, because the
    quantized weights are what runs.

    Args:
        model: whose convolutions and linear layers count.
        folded: rows are multiplied by the gain of the BatchNorm behind them, with its running
            statistics: the layer as it runs, which a BatchNorm cannot undo.
    """
    gains = _gains(model) if folded else {}
    terms = []
    for _, layer in weighted_modules(model):
        weight = quantized_weight(layer)
        if layer in gains:
            weight = weight * gains[layer].reshape(-1, *(1 for _ in weight.shape[1:]))
        terms.append(_gram_distance(matrices(weight, getattr(layer, "groups", 1))))
    return torch.stack(terms).sum()


def _gains(model: nn.Module) -> dict[nn.Module, Tensor]:
    blocks = [block for block in model.modules() if isinstance(block, QuantBlock)]
    return {
        block.layer: block.norm.weight * torch.rsqrt(block.norm.running_var + block.norm.eps)
        for block in blocks
    }


def _gram_distance(weight: Tensor) -> Tensor:
    rows = weight if weight.shape[1] <= weight.shape[2] else weight.transpose(1, 2)
    identity = torch.eye(rows.shape[1], dtype=rows.dtype, device=rows.device)
    return (rows @ rows.transpose(1, 2) - identity).square().sum()


class DefensiveQuantization(LipschitzControl):
    """beta / 2 times dq_penalty."""

    def __init__(self, beta: float = 1e-3, *, folded: bool = False) -> None:
        if beta < 0:
            raise ModelError(f"defensive quantization: beta {beta:g} is below 0; change it")
        self.beta, self._folded = beta, folded

    def penalty(self, model: nn.Module) -> Tensor:
        """Return the term of the loss."""
        return self.beta / 2 * dq_penalty(model, folded=self._folded)

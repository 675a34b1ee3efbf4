# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The quantized activations inside a Brevitas network, in the order in which they are computed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from brevitas_models.quantizers import Staircase, staircase

__all__ = ["Activation", "brevitas_activations"]


@dataclass(frozen=True, eq=False)
class Activation:
    """One quantizer's output float[N, C, ...], and the value of one unit of its integers."""

    name: str
    values: Tensor
    step: float


def brevitas_activations(network: nn.Module, images: Tensor) -> list[Activation]:
    """Run a network on float[N, C, H, W] in 0..1; its output comes last, with step 1.

    A quantizer that several branches share is there once for each.
    """
    found: list[Activation] = []
    hooks = [
        module.register_forward_hook(_appending(found, name, stairs))
        for name, module in network.named_modules()
        if (stairs := staircase(module)) is not None
    ]
    try:
        logits: Tensor = network(images)
    finally:
        for hook in hooks:
            hook.remove()
    return [*found, Activation("logits", logits, 1.0)]


def _appending(
    found: list[Activation], name: str, stairs: Staircase
) -> Callable[[nn.Module, Any, Tensor], None]:
    step = stairs.step if stairs.has_zero else stairs.step / 2  # odd multiples of half a step

    def hook(_module: nn.Module, _inputs: Any, values: Tensor) -> None:  # noqa: ANN401
        found.append(Activation(name, values, step))

    return hook

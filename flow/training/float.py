# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A quantized network without its rounding, for the float phase of a training."""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from brevitas.proxy.parameter_quant import WeightQuantProxyFromInjectorBase
from brevitas.proxy.runtime_quant import ActQuantProxyFromInjectorBase
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

from flow.storage.network_state import capture, restore

__all__ = ["learned_scales_anew", "quantization_off"]


@contextmanager
def quantization_off(network: nn.Module) -> Iterator[None]:
    """Compute with float weights and activations inside the block.

    Sets the flag `disable_quant` of every module that has it, as Brevitas' own context manager
    does, which however resets the modes of its modules and knows no quantizer but Brevitas'.
    Activation quantizers of a fixed range keep that range: a network that is clipped from the
    start loses less when rounding is switched on, and one of 1-bit activations would be linear
    without.
    """
    quantizers: list[Any] = [
        one for one in network.modules() if isinstance(vars(one).get("disable_quant"), bool)
    ]
    states = [quantizer.disable_quant for quantizer in quantizers]
    hooks = []
    try:
        for quantizer in quantizers:
            limits = _fixed_range(quantizer)
            if limits is not None:
                hooks.append(quantizer.register_forward_hook(_clipping(*limits)))
        for quantizer in quantizers:
            quantizer.disable_quant = True
        yield
    finally:
        for quantizer, state in zip(quantizers, states, strict=True):
            quantizer.disable_quant = state
        for hook in hooks:
            hook.remove()


def learned_scales_anew(network: nn.Module) -> None:
    """Take the learned weight scales from the weights as they are now.

    They stood still while the quantizers were off. A fresh copy of each quantizer finds them as
    Brevitas does; the values are copied, so that optimisers keep their parameters. Mapped weights
    (flow.objectives.weight_mapping) keep their scales.
    """
    for module in network.modules():
        proxy: Any = getattr(module, "weight_quant", None)
        if not isinstance(proxy, WeightQuantProxyFromInjectorBase) or is_parametrized(module):
            continue
        if any(True for _ in proxy.parameters()):
            fresh: Any = copy.deepcopy(module)
            fresh.weight_quant.init_tensor_quant()
            with torch.no_grad():
                fresh.quant_weight()
            restore(proxy, capture(fresh.weight_quant))


def _fixed_range(proxy: Any) -> tuple[float, float] | None:  # noqa: ANN401 - Brevitas'
    """Return the lowest and the highest activation; None where the range is learned or absent."""
    if not isinstance(proxy, ActQuantProxyFromInjectorBase) or not proxy.is_quant_enabled:
        return None
    learned = any(True for _ in proxy.parameters())
    if learned or any("counter" in vars(module) for module in proxy.modules()):
        return None
    extremes = torch.tensor([-torch.inf, torch.inf], device=_device(proxy))
    modes = [(module, module.training) for module in proxy.modules()]
    with torch.no_grad():
        proxy.eval()
        found = proxy(extremes).value
    for module, mode in modes:
        module.training = mode
    return float(found.min()), float(found.max())


def _device(proxy: nn.Module) -> torch.device:
    return next((one.device for one in proxy.buffers()), torch.device("cpu"))


def _clipping(low: float, high: float) -> Callable[[nn.Module, Any, Tensor], Tensor]:
    def hook(_module: nn.Module, _inputs: Any, found: Tensor) -> Tensor:  # noqa: ANN401
        return found.clamp(low, high)

    return hook

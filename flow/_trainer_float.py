# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A Brevitas network without its rounding, for the float phase of a training."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from brevitas.proxy.quant_proxy import QuantProxyFromInjector
from brevitas.proxy.runtime_quant import ActQuantProxyFromInjectorBase
from torch import Tensor, nn

__all__ = ["quantization_off"]


@contextmanager
def quantization_off(network: nn.Module) -> Iterator[None]:
    """Compute with float weights and activations inside the block.

    Sets `disable_quant`, as Brevitas' own context manager does, which however resets the modes of
    its modules. Activation quantizers of a fixed range keep that range: a network that is clipped
    from the start loses less when rounding is switched on, and one of 1-bit activations would be
    linear without. Quantizers that are not Brevitas' stay on.
    """
    proxies = [one for one in network.modules() if isinstance(one, QuantProxyFromInjector)]
    states = [proxy.disable_quant for proxy in proxies]
    hooks = []
    try:
        for proxy in proxies:
            limits = _fixed_range(proxy)
            if limits is not None:
                hooks.append(proxy.register_forward_hook(_clipping(*limits)))
        for proxy in proxies:
            proxy.disable_quant = True
        yield
    finally:
        for proxy, state in zip(proxies, states, strict=True):
            proxy.disable_quant = state
        for hook in hooks:
            hook.remove()


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

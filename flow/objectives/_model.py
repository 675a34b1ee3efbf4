# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The network under training, as objectives see it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch
from brevitas.proxy.parameter_quant import WeightQuantProxyFromInjectorBase
from torch import Tensor, nn

__all__ = ["Logits", "Model"]

Logits = Callable[[Tensor], Tensor]  # float[N, C, H, W] in uint8 units -> float[N, K]


class Model:
    """A network of images over 255, called with images in uint8 units.

    Args:
        network: maps float[N, C, H, W] in 0..1 to logits float[N, K].
        forward: what the loss calls in its place, a wrapper for several devices, say.
        autocast: opens the precision in which attacks compute.
        freeze: makes the attacks' network, brevitas_models.frozen.freeze, say; by default it is
            the network itself, its weights quantized once for all steps of an attack.
    """

    def __init__(
        self,
        network: nn.Module,
        *,
        forward: Callable[[Tensor], Tensor] | None = None,
        autocast: Callable[[], AbstractContextManager[object]] = nullcontext,
        freeze: Callable[[Any], Logits] | None = None,
    ) -> None:
        self.network, self._forward = network, forward or network
        self._autocast, self._freeze = autocast, freeze

    def __call__(self, images: Tensor) -> Tensor:
        """Return the logits float32[N, K] for the loss, in the mode the network is in."""
        return self._forward(images / 255)

    @property
    def device(self) -> torch.device:
        """Where images have to be."""
        found = next(iter(self.network.parameters()), None)
        return torch.device("cpu") if found is None else found.device

    @contextmanager
    def attacked(self) -> Iterator[Logits]:
        """Yield the network in eval mode with constant weights; gradients reach images only."""
        with _evaluating(self.network):
            if self._freeze is not None:
                yield self._freeze(self.network)
                return
            with _constant_weights(self.network), _no_parameter_gradients(self.network):
                yield self._evaluate

    def _evaluate(self, images: Tensor) -> Tensor:
        with self._autocast():
            logits: Tensor = self.network(images / 255)
        return logits.float()


@contextmanager
def _evaluating(network: nn.Module) -> Iterator[None]:
    """Put the network in eval mode inside the block; every module's own mode is restored."""
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


@contextmanager
def _constant_weights(network: nn.Module) -> Iterator[None]:
    """Quantize each Brevitas layer's weight once; its proxy returns that until the block ends."""
    frozen = []
    try:
        with torch.no_grad():
            for module in network.modules():
                proxy = getattr(module, "weight_quant", None)
                if isinstance(proxy, WeightQuantProxyFromInjectorBase) and _is_plain(proxy):
                    layer: Any = module
                    weight = layer.quant_weight()
                    proxy.forward = lambda _, weight=weight: weight
                    frozen.append(proxy)
        yield
    finally:
        for proxy in frozen:
            del proxy.forward


def _is_plain(proxy: WeightQuantProxyFromInjectorBase) -> bool:
    return not proxy.requires_quant_input and "forward" not in vars(proxy)


@contextmanager
def _no_parameter_gradients(network: nn.Module) -> Iterator[None]:
    """Let no graph lead to the parameters: they are constants of an attack."""
    trained = [one for one in network.parameters() if one.requires_grad]
    for parameter in trained:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in trained:
            parameter.requires_grad_(True)

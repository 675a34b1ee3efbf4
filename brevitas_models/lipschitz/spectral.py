# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Spectral normalisation of the quantized weights, as a projection.

Miyato et al. (ICLR 2018) divide a weight by its spectral norm in every forward pass; Gouk et al.
(2018) divide after each step of the optimiser, and only what is above a target. The latter is done
here, so that the weights that are trained, exported and measured are the same.
"""

from collections.abc import Mapping
from typing import Any

import torch
from brevitas.core.restrict_val import PowerOfTwoRestrictValue
from torch import Tensor, nn

from brevitas_models.errors import ModelError
from brevitas_models.lipschitz._weights import quantized_weight
from brevitas_models.lipschitz.control import LipschitzControl
from brevitas_models.lipschitz.norms import Window
from brevitas_models.lipschitz.trace import layer_windows

__all__ = ["SpectralNormalization"]

_FIRST_ITERATIONS = 100


class SpectralNormalization(LipschitzControl):
    """Divides weights and their scale so that no layer's spectral norm is above the target.

    The norm is that of the true, strided and padded convolution of the dequantized weights, by
    power iteration that goes on from the vector of the step before. A power-of-two scale can only
    be halved, so that the norm may fall to half the target.
    """

    def __init__(
        self,
        model: nn.Module,
        shape: tuple[int, ...],
        *,
        target: float = 1.0,
        iterations: int = 1,
    ) -> None:
        """Find the layers' image sizes by one run.

        Args:
            model: whose layers there are.
            shape: of one input, (C, H, W).
            target: the largest norm that is left alone.
            iterations: of the power iteration after each step.
        """
        if target <= 0:
            raise ModelError(f"spectral normalisation: target {target:g} is not above 0; change it")
        self.target, self.iterations = target, iterations
        self._windows = layer_windows(model, shape)
        self._vectors: dict[str, Tensor] = {}

    def project(self, model: nn.Module) -> None:
        """Divide what is above the target.

        Raises:
            ModelError: a quantizer's scale is constant and can't follow its weights.
        """
        modules = dict(model.named_modules())
        with torch.no_grad():
            for name, window in self._windows.items():
                norm = self._norm(name, modules[name], window)
                if norm > self.target:
                    _divide(name, modules[name], norm / self.target)

    def state_dict(self) -> dict[str, Any]:
        """Return each layer's vector of the power iteration."""
        return {"vectors": dict(self._vectors)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on with those vectors."""
        self._vectors = dict(state["vectors"])

    def _norm(self, name: str, layer: Any, window: Window | None) -> float:  # noqa: ANN401
        weight = quantized_weight(layer)
        known = name in self._vectors
        vector = self._vectors[name].to(weight) if known else _start(weight, window)
        norm = 0.0
        for _ in range(self.iterations if known else _FIRST_ITERATIONS):
            forward = window.convolve(vector, weight) if window else vector @ weight.T
            norm = float(forward.norm() / vector.norm().clamp(min=1e-30))
            vector = window.transpose(forward, weight) if window else forward @ weight
            vector = vector / vector.norm().clamp(min=1e-30)
        self._vectors[name] = vector
        return norm


def _start(weight: Tensor, window: Window | None) -> Tensor:
    inputs = (
        weight.shape[1:2] if window is None else (weight.shape[1] * window.groups, *window.size)
    )
    generator = torch.Generator().manual_seed(0)
    return torch.randn((1, *inputs), generator=generator).to(weight)


def _divide(name: str, layer: Any, divisor: float) -> None:  # noqa: ANN401
    """Divide the float weights and the quantizer's scale."""
    quantizer = getattr(layer, "weight_quant", None)
    parts = list(quantizer.modules()) if quantizer is not None else []
    values = [getattr(one, "value", None) for one in parts]
    learned = [value for value in values if isinstance(value, nn.Parameter)]
    if learned and any(isinstance(one, PowerOfTwoRestrictValue) for one in parts):
        halvings = float(torch.tensor(divisor).log2().ceil())
        layer.weight.div_(2.0**halvings)
        learned[0].sub_(halvings)
        return
    before = quantized_weight(layer)
    layer.weight.div_(divisor)
    for value in learned:
        value.div_(divisor)
    if not torch.allclose(quantized_weight(layer) * divisor, before, rtol=1e-3, atol=0):
        layer.weight.mul_(divisor)
        raise ModelError(
            f"spectral normalisation: the scale of {name} does not follow its weights; "
            "use a learned quantizer"
        )

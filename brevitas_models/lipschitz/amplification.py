# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""How an attack's error grows with depth, measured by hooks (Lin, Gan, Han, ICLR 2019)."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from brevitas_models.errors import ModelError
from brevitas_models.lipschitz.trace import evaluating, plain
from brevitas_models.quantizers import staircase

__all__ = ["LayerAmplification", "error_amplification"]

_BATCH = 256  # images at a time: bounds the memory
_NORMAL_95 = 1.959963984540054


@dataclass(frozen=True, kw_only=True)
class LayerAmplification:
    """Relative l2 error at one layer: mean over images and its 95% normal interval.

    Attributes:
        layer: name of the module, with [n] behind it if it is used more than once; "input" for
            the images, "output" for the logits.
        distance: mean of ||a(x_adv) - a(x)|| / ||a(x)||, no unit.
        ci95: interval of the mean.
    """

    layer: str
    distance: float
    ci95: tuple[float, float]


def error_amplification(
    model: nn.Module,
    clean: Tensor,
    adversarial: Tensor,
    *,
    layers: Iterable[str] | None = None,
) -> list[LayerAmplification]:
    """Return the relative error at the input, behind each layer as they run, and of the logits.

    The model is measured in eval mode. Images whose clean activation is all zero at a layer are
    left out there: no ratio exists.

    Args:
        model: any module.
        clean: what it takes, float[N, ...].
        adversarial: the same images after attack.
        layers: names of modules; by default every quantized activation.

    Raises:
        ModelError: the shapes differ, there are no images, or a module is not there.
    """
    if clean.shape != adversarial.shape or not len(clean):
        raise ModelError(
            f"amplification: {tuple(clean.shape)} clean and {tuple(adversarial.shape)} adversarial "
            "inputs; give the same images before and after attack, at least one"
        )
    chosen = _modules(model, layers)
    ratios: dict[str, list[Tensor]] = {}
    with evaluating(model):
        for before, after in zip(clean.split(_BATCH), adversarial.split(_BATCH), strict=True):
            pair = _activations(model, chosen, before), _activations(model, chosen, after)
            for (name, a), (_, b) in zip(*pair, strict=True):
                ratios.setdefault(name, []).append(_relative_error(a, b))
    return [_summary(name, torch.cat(parts)) for name, parts in ratios.items()]


def _modules(model: nn.Module, layers: Iterable[str] | None) -> dict[str, nn.Module]:
    modules = dict(model.named_modules())
    if layers is None:
        return {name: one for name, one in modules.items() if staircase(one) is not None}
    wanted = list(layers)
    missing = [name for name in wanted if name not in modules]
    if missing:
        raise ModelError(
            f"amplification: the model has no {missing[0]!r}; use named_modules' names"
        )
    return {name: modules[name] for name in wanted}


def _activations(
    model: nn.Module, chosen: dict[str, nn.Module], inputs: Tensor
) -> list[tuple[str, Tensor]]:
    """Return (name, output) of the chosen modules, in the order in which they run."""
    found: list[tuple[str, Tensor]] = [("input", inputs)]
    handles = [
        module.register_forward_hook(_keeper(name, found)) for name, module in chosen.items()
    ]
    try:
        logits = plain(model(inputs))
    finally:
        for handle in handles:
            handle.remove()
    return _numbered([*found, ("output", logits)])


def _keeper(name: str, found: list[tuple[str, Tensor]]) -> Callable[..., None]:
    def keep(module: nn.Module, inputs: Any, output: Any) -> None:  # noqa: ANN401, ARG001
        found.append((name, plain(output)))

    return keep


def _numbered(found: list[tuple[str, Tensor]]) -> list[tuple[str, Tensor]]:
    names = [name for name, _ in found]
    seen: dict[str, int] = {}
    result = []
    for name, value in found:
        place = seen[name] = seen.get(name, -1) + 1
        result.append((f"{name}[{place}]" if names.count(name) > 1 else name, value))
    return result


def _relative_error(before: Tensor, after: Tensor) -> Tensor:
    clean = before.flatten(1).double()
    norms = clean.norm(dim=1)
    errors = (after.flatten(1).double() - clean).norm(dim=1)
    ratios: Tensor = errors[norms > 0] / norms[norms > 0]
    return ratios


def _summary(name: str, ratios: Tensor) -> LayerAmplification:
    mean = float(ratios.mean()) if len(ratios) else 0.0
    spread = float(ratios.std()) if len(ratios) > 1 else 0.0
    half = _NORMAL_95 * spread / max(len(ratios), 1) ** 0.5
    return LayerAmplification(layer=name, distance=mean, ci95=(mean - half, mean + half))

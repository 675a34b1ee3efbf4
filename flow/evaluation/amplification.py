# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""How an attack's error grows with depth (Defensive Quantization: Lin, Gan, Han, ICLR 2019)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from flow.classifier import Images
from flow.errors import FlowError

__all__ = ["Amplification", "Traced", "error_amplification"]

_BATCH = 256  # images at a time: bounds the memory


class Traced(Protocol):
    """A network that shows its intermediate results; IntegerNetwork is one."""

    def activations(self, images: Images) -> list[tuple[str, NDArray[np.int64]]]:
        """Return (layer's name, its output int64[N, ...]) in order."""
        ...


@dataclass(frozen=True, kw_only=True)
class Amplification:
    """Relative l2 error at one layer: mean over images and its 95% normal interval.

    Attributes:
        layer: name of the layer; "input" for the images themselves.
        distance: mean of ||a(x_adv) - a(x)|| / ||a(x)||, no unit.
        ci95: interval of the mean.
    """

    network: str
    layer: str
    distance: float
    ci95: tuple[float, float]


def error_amplification(
    network: Traced, clean: Images, adversarial: Images, *, name: str
) -> list[Amplification]:
    """Return the relative error at the input and behind each operation, in order of depth.

    Images whose clean activation is all zero at a layer are left out there: no ratio exists.

    Args:
        network: gives the activations.
        clean: uint8[N, H, W, C].
        adversarial: uint8[N, H, W, C], the same images after attack.
        name: of the network, for the report.

    Raises:
        FlowError: the shapes differ or there are no images.
    """
    if clean.shape != adversarial.shape or not len(clean):
        raise FlowError(
            f"amplification of {name}: {clean.shape} clean and {adversarial.shape} adversarial "
            "images; give the same images before and after attack, at least one"
        )
    ratios: dict[str, list[NDArray[np.float64]]] = {}
    for layer, before, after in _pairs(network, clean, adversarial):
        ratios.setdefault(layer, []).append(_relative_error(before, after))
    return [_summary(name, layer, np.concatenate(parts)) for layer, parts in ratios.items()]


def _pairs(
    network: Traced, clean: Images, adversarial: Images
) -> Iterator[tuple[str, NDArray[np.int64], NDArray[np.int64]]]:
    for start in range(0, len(clean), _BATCH):
        before, after = clean[start : start + _BATCH], adversarial[start : start + _BATCH]
        yield "input", before.astype(np.int64), after.astype(np.int64)
        both = zip(network.activations(before), network.activations(after), strict=True)
        for (layer, a), (_, b) in both:
            yield layer, a, b


def _relative_error(before: NDArray[np.int64], after: NDArray[np.int64]) -> NDArray[np.float64]:
    rows = len(before)
    norms = np.linalg.norm(before.reshape(rows, -1).astype(np.float64), axis=1)
    errors = np.linalg.norm((after - before).reshape(rows, -1).astype(np.float64), axis=1)
    exists = norms > 0
    ratios: NDArray[np.float64] = errors[exists] / norms[exists]
    return ratios


def _summary(network: str, layer: str, ratios: NDArray[np.float64]) -> Amplification:
    mean = float(ratios.mean()) if len(ratios) else 0.0
    spread = float(ratios.std(ddof=1)) if len(ratios) > 1 else 0.0
    half = 1.959963984540054 * spread / max(len(ratios), 1) ** 0.5
    return Amplification(
        network=network, layer=layer, distance=mean, ci95=(mean - half, mean + half)
    )

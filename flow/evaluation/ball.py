# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Is what an attack hands back within its ball? Images and distances are in uint8 units."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flow.classifier import Images
from flow.errors import FlowError

__all__ = ["check_budget", "l2_distances", "linf_distances"]


def check_budget(
    attack: str, clean: Images, found: Images, epsilon_255: int, norm: str = "linf"
) -> None:
    """Refuse images that are not uint8 of the clean shape within epsilon_255 of the clean ones.

    Only a finite distance of at most epsilon_255 is within.

    Raises:
        FlowError: naming the attack, and the first image outside the ball with its distance.
    """
    if found.dtype != np.uint8:
        raise FlowError(f"attack {attack}: returned {found.dtype} images; round them to uint8")
    if found.shape != clean.shape:
        raise FlowError(f"attack {attack}: returned shape {found.shape}, not {clean.shape}")
    distances = _DISTANCES[norm](clean, found)
    outside = np.flatnonzero(~(np.isfinite(distances) & (distances <= epsilon_255)))
    if len(outside):
        first = int(outside[0])
        raise FlowError(
            f"attack {attack}: image {first} is {distances[first]:g} from the clean one, outside "
            f"the {norm} ball of {epsilon_255} (uint8 units; {len(outside)} of {len(clean)} images "
            "are); project before returning"
        )


def linf_distances(clean: Images, other: Images) -> NDArray[np.int64]:
    """Return int64[N], the largest absolute difference of each pair in uint8 units."""
    high, low = np.maximum(clean, other), np.minimum(clean, other)
    differences = (high - low).reshape(len(clean), -1).astype(np.int64)
    distances: NDArray[np.int64] = differences.max(axis=1)
    return distances


def l2_distances(clean: Images, other: Images) -> NDArray[np.float64]:
    """Return float64[N], the root of the sum of squared differences in uint8 units."""
    differences = clean.astype(np.int64) - other
    squares = (differences**2).reshape(len(clean), -1).sum(axis=1)
    distances: NDArray[np.float64] = np.sqrt(squares)
    return distances


_DISTANCES: dict[str, Callable[[Images, Images], NDArray[Any]]] = {
    "linf": linf_distances,
    "l2": l2_distances,
}

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""From a ball of float images in 0..1 to the uint8 images inside it.

Rounding each value to the nearest pixel can leave the ball: epsilon 0.03 is 7.65 pixels, which
round to 8, and in l2 half a pixel at every place adds up.
"""

import math
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from flow.classifier import Images
from flow.errors import FlowError

__all__ = ["Norm", "radius_255", "round_into_ball"]

Norm = Literal["linf", "l2"]
_EXACT = 1e-5  # of a pixel: epsilon = k / 255 means k, also in float32


def radius_255(epsilon: float) -> float:
    """Return epsilon of images in 0..1 in uint8 units, exactly k for k / 255.

    Raises:
        FlowError: epsilon is not a finite number of at least 0.
    """
    if not 0 <= epsilon < math.inf:
        raise FlowError(f"epsilon {epsilon}: is no radius; give a number of at least 0")
    radius = 255 * float(epsilon)
    nearest = round(radius)
    return float(nearest) if abs(radius - nearest) < _EXACT else radius


def round_into_ball(
    clean: Images, found: NDArray[Any], epsilon: float, norm: Norm = "linf"
) -> Images:
    """Return the uint8 images of the ball around the clean ones that lie near what was found.

    Each value is rounded to the nearest pixel where the ball allows it, else towards the clean
    pixel; of l2, places are rounded away from it in the order of what that gains.

    Args:
        clean: uint8 of any shape [N, ...].
        found: floats in 0..1 of the same shape; what lies outside the ball is cut off (linf) or
            scaled back (l2).
        epsilon: radius of the ball for images in 0..1.
        norm: linf or l2.

    Raises:
        FlowError: the shapes differ, there is no such norm, or values that are not finite.
    """
    if found.shape != clean.shape:
        raise FlowError(f"attacked images: shape {found.shape} is not {clean.shape}, the clean one")
    if not np.isfinite(found).all():
        raise FlowError("attacked images: hold values that are not finite; clip them to 0..1")
    if norm not in ("linf", "l2"):
        raise FlowError(f"norm {norm!r}: is unknown; choose linf or l2")
    radius, origin = radius_255(epsilon), clean.astype(np.int64).reshape(len(clean), -1)
    values = 255 * np.clip(found.astype(np.float64), 0, 1).reshape(origin.shape)
    if norm == "linf":
        whole = math.floor(radius)
        inside = np.rint(values).clip(origin - whole, origin + whole)
    else:
        pairs = zip(origin, values, strict=True)
        inside = np.array([_in_l2(*pair, radius) for pair in pairs]).reshape(origin.shape)
    return inside.astype(np.uint8).reshape(clean.shape)


def _in_l2(
    origin: NDArray[np.int64], values: NDArray[np.float64], radius: float
) -> NDArray[np.int64]:
    """Return int64[size], whose squared differences to the origin sum to at most radius squared."""
    change = values - origin
    length = math.sqrt(float(change @ change))
    if length > radius:
        change = change * (radius / length)
    moved = np.trunc(change).astype(np.int64)  # shorter than change, so inside
    away = np.rint(origin + change).astype(np.int64) - origin
    cost = away**2 - moved**2
    gain = np.abs(change - moved) - np.abs(change - away)
    order = np.flatnonzero(cost > 0)
    order = order[np.argsort(-gain[order] / cost[order], kind="stable")]
    spent = int(moved @ moved) + np.cumsum(cost[order])
    taken = order[spent <= math.floor(radius**2)]
    moved[taken] = away[taken]
    return origin + moved

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Which images a run has broken: a counterexample is one, whoever found it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flow.errors import FlowError

__all__ = ["broken_images", "with_attacks"]

_ATTACK = "attack"  # the tier of an image that an attack broke and the search left open


def broken_images(
    outcomes: Iterable[tuple[int, NDArray[np.bool_]]],
) -> list[dict[str, Any]]:
    """Return `epsilon_255` and `images`, the indices that something broke there, for each radius.

    Args:
        outcomes: a radius in uint8 units, and which of the first images were still right: bool[N].
            An l2 ball lies within the linf ball of its radius, and counts as that.
    """
    found: dict[int, set[int]] = {}
    for epsilon_255, holds in outcomes:
        found.setdefault(epsilon_255, set()).update(np.flatnonzero(~holds).tolist())
    return [{"epsilon_255": radius, "images": sorted(found[radius])} for radius in sorted(found)]


def with_attacks(
    rows: Sequence[Mapping[str, Any]], broken: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return the rows of the certify step, as of flow.report.schema.CertifiedRow, with all known.

    An image that was broken within a smaller ball is broken in a larger one.

    Args:
        rows: with `broken_images` and `open_images`, the indices of either answer.
        broken: of the attack step, of the same network, see broken_images.

    Raises:
        FlowError: an attack broke an image that is certified.
    """
    known = [(row["epsilon_255"], row["broken_images"]) for row in rows]
    known += [(entry["epsilon_255"], entry["images"]) for entry in broken]
    return [_joined(row, _within(known, row["epsilon_255"])) for row in rows]


def _within(known: Iterable[tuple[int, Sequence[int]]], epsilon_255: int) -> set[int]:
    return {image for radius, images in known if radius <= epsilon_255 for image in images}


def _joined(row: Mapping[str, Any], broken: set[int]) -> dict[str, Any]:
    counts = dict(row)
    ours, left = set(counts.pop("broken_images")), set(counts.pop("open_images"))
    certified = set(range(counts["images"])) - ours - left
    if wrong := sorted(certified & broken):
        raise FlowError(
            f"certify: test image {wrong[0]} is certified at {row['epsilon_255']}/255, and an "
            "attack breaks it there; report this network"
        )
    if fooled := len(left & broken):
        counts["adversarial"] += fooled
        counts["unknown"] -= fooled
        rest = {"none": counts["tiers"]["none"] - fooled}
        counts["tiers"] = counts["tiers"] | rest | {_ATTACK: fooled}
    return counts

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Which images a run has broken: a counterexample is one, whoever found it."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from flow.errors import FlowError
from flow.report.schema import CertifiedRow
from flow.run.results import Broken, Proven

__all__ = ["broken_images", "with_attacks"]

_ATTACK = "attack"  # the tier of an image that an attack broke and the search left open


def broken_images(
    network: str, outcomes: Iterable[tuple[int, NDArray[np.bool_]]]
) -> tuple[Broken, ...]:
    """Return what was broken at each radius.

    Args:
        network: whose images they are.
        outcomes: a radius in uint8 units, and which of the first images were still right: bool[N].
            An l2 ball lies within the linf ball of its radius, and counts as that.
    """
    found: dict[int, set[int]] = {}
    for epsilon_255, holds in outcomes:
        found.setdefault(epsilon_255, set()).update(np.flatnonzero(~holds).tolist())
    return tuple(
        Broken(network=network, epsilon_255=radius, images=tuple(sorted(found[radius])))
        for radius in sorted(found)
    )


def with_attacks(rows: Sequence[Proven], broken: Sequence[Broken]) -> tuple[CertifiedRow, ...]:
    """Return the rows with all that is known of their network.

    An image that was broken within a smaller ball is broken in a larger one.

    Args:
        rows: of one network.
        broken: of any; see broken_images.

    Raises:
        FlowError: an attack broke an image that is certified.
    """
    known = [(row.epsilon_255, row.broken_images) for row in rows]
    names = {row.network for row in rows}
    known += [(one.epsilon_255, one.images) for one in broken if one.network in names]
    return tuple(_joined(row, _within(known, row.epsilon_255)) for row in rows)


def _within(known: Iterable[tuple[int, Sequence[int]]], epsilon_255: int) -> set[int]:
    return {image for radius, images in known if radius <= epsilon_255 for image in images}


def _joined(row: Proven, broken: set[int]) -> CertifiedRow:
    left = set(row.open_images)
    certified = set(range(row.images)) - set(row.broken_images) - left
    if wrong := sorted(certified & broken):
        raise FlowError(
            f"certify: test image {wrong[0]} is certified at {row.epsilon_255}/255, and an "
            "attack breaks it there; report this network"
        )
    counts = row.model_dump(exclude={"broken_images", "open_images"})
    if fooled := len(left & broken):
        counts["adversarial"] += fooled
        counts["unknown"] -= fooled
        counts["tiers"]["none"] -= fooled
        counts["tiers"][_ATTACK] = fooled
    return CertifiedRow(**counts)

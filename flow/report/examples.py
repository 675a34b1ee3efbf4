# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Which images a report shows before and after attack."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from flow.classifier import Classifier, Images, Labels
from flow.evaluation.evaluator import classify

__all__ = ["Attacked", "Example", "pick_examples"]

_MOST = 6


@dataclass(frozen=True, eq=False)
class Attacked:
    """One network's version of an example: uint8[H, W, C] and the labels before and after."""

    image: Images
    label_clean: int
    label_adversarial: int


@dataclass(frozen=True, eq=False)
class Example:
    """A clean image uint8[H, W, C], its true class, and what the attack made for each network."""

    image: Images
    label: int
    epsilon_255: int
    attacked: Mapping[str, Attacked]


def pick_examples(
    images: Images,
    labels: Labels,
    adversarial: Mapping[str, Images],
    networks: Mapping[str, Classifier],
    *,
    epsilon_255: int,
) -> tuple[Example, ...]:
    """Return the first image of each class, six at most, that every network gets right when clean.

    The choice does not look at the attack's success, so that the pictures are no better than the
    figures.

    Args:
        images: uint8[N, H, W, C], clean.
        labels: int64[N].
        adversarial: by network, uint8[N, H, W, C].
        networks: by the same names; they label the images.
        epsilon_255: of the attack.
    """
    before = {name: classify(network, images) for name, network in networks.items()}
    after = {name: classify(networks[name], found) for name, found in adversarial.items()}
    right = np.all([found == labels for found in before.values()], axis=0)
    first = {int(labels[row]): int(row) for row in np.flatnonzero(right)[::-1]}
    return tuple(
        Example(
            image=images[row],
            label=label,
            epsilon_255=epsilon_255,
            attacked={
                name: Attacked(found[row], int(before[name][row]), int(after[name][row]))
                for name, found in adversarial.items()
            },
        )
        for label, row in sorted(first.items())[:_MOST]
    )

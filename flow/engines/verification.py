# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Comparison of two engines on the same images: exact, and fatal when they differ."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flow.classifier import Images
from flow.engines.base import Engine, Entry, Trace
from flow.errors import FlowError

__all__ = ["Agreement", "compare_labels", "compare_logits"]


@dataclass(frozen=True)
class Agreement:
    """What a comparison found; differing engines raise instead, so the counts are 0 here."""

    images: int
    labels_differ: int
    logits_differ: int | None  # None where only labels were compared


def compare_labels(first: Engine, second: Engine, images: Images) -> Agreement:
    """Compare the argmax (lowest index on ties) on uint8[N, H, W, C].

    Raises:
        FlowError: naming the first image and layer where the engines differ.
    """
    labels = [engine.logits(images).argmax(axis=1) for engine in (first, second)]
    differ = np.flatnonzero(labels[0] != labels[1])
    if differ.size:
        raise FlowError(_difference(first, second, images, differ, "labels"))
    return Agreement(images=len(images), labels_differ=0, logits_differ=None)


def compare_logits(first: Engine, second: Engine, images: Images) -> Agreement:
    """Compare every logit on uint8[N, H, W, C].

    Raises:
        FlowError: naming the first image and layer where the engines differ.
    """
    unequal = (first.logits(images) != second.logits(images)).any(axis=1)
    differ = np.flatnonzero(unequal)
    if differ.size:
        raise FlowError(_difference(first, second, images, differ, "logits"))
    return Agreement(images=len(images), labels_differ=0, logits_differ=0)


def _difference(
    first: Engine, second: Engine, images: Images, differ: NDArray[np.int64], what: str
) -> str:
    index = int(differ[0])
    image = images[index : index + 1]
    place = "in no layer that both show"
    for (name, left), (other, right) in _pairs(first.trace(image), second.trace(image)):
        unequal = int((left.reshape(-1) != right.reshape(-1)).sum())
        if unequal:
            label = name if name == other else f"{name} / {other}"
            place = f"first in layer {label} ({unequal} of {left.size} values)"
            break
    return (
        f"verify: {first.name} and {second.name} differ in the {what} of {differ.size} of "
        f"{len(images)} images, image {index} the first, {place}; "
        "the accelerator would not compute what was trained: report this model"
    )


def _pairs(first: Trace, second: Trace) -> list[tuple[Entry, Entry]]:
    """Pair the entries; an engine that shows nothing but its logits is compared on those.

    What both show is left out first: branches may have been computed in another order.
    """
    if len(first) != len(second):
        return [(first[-1], second[-1])]
    alone = [
        [entry for entry in one if not any(_same(entry, known) for known in other)]
        for one, other in ((first, second), (second, first))
    ]
    return [pair for pair in zip(*alone, strict=False) if pair[0][1].size == pair[1][1].size]


def _same(first: Entry, second: Entry) -> bool:
    return bool(np.array_equal(first[1].reshape(-1), second[1].reshape(-1)))

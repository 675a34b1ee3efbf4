# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Does a network resist, or does it only hide its gradients? Checks of measured accuracies.

After Athalye, Carlini, Wagner (2018), section 3.1, and Carlini et al. (2019), section 5.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

from flow.attacks import ATTACKS, Budget
from flow.classifier import Classifier, Images, Labels
from flow.evaluation.evaluator import RobustAccuracy, classify

__all__ = ["Check", "Finding", "masked_gradient_findings", "noise_holds"]

_DESTROYING_EPSILON_255 = 128  # from here on accuracy must be at most
_NEAR_ZERO = 0.05
_TOLERANCE = 0.01  # by which an accuracy may be on the wrong side: each search is random


class Check(StrEnum):
    """What must hold where gradients lead an attack to the worst images."""

    MONOTONE = "accuracy falls as epsilon grows"
    TO_ZERO = "accuracy falls to zero"
    MORE_STEPS = "more steps do not help the defender"
    ITERATION = "one step is not better than many"
    BLACK_BOX = "a search without gradients does not beat gradients"
    NOISE = "noise does less harm than the attack"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One check that failed.

    Attributes:
        epsilon_255: at which.
        accuracy: of the network, that should be at most `limit`.
        message: the finding in words.
    """

    check: Check
    epsilon_255: int
    accuracy: float
    limit: float
    message: str


def masked_gradient_findings(
    rows: Sequence[RobustAccuracy], noise: Mapping[int, float]
) -> list[Finding]:
    """Return what hints at hidden gradients in one network's rows; empty if nothing does.

    Rows of unions and of l2 attacks are passed over, unknown attacks count as white boxes. The
    best white box at each epsilon is judged. Noise is compared with the attack and not with the
    clean accuracy, since at a large epsilon it harms any network. Where a search without gradients
    (flip, square, ...) wins, the finding says whether by more than the 95% interval of its figure.

    Args:
        rows: of one network on the same images, in any order; the checks that need several
            attacks or several budgets of one attack are made where there are such rows.
        noise: accuracy under random noise by epsilon_255 (see noise_holds).
    """
    single = [row for row in rows if "+" not in row.attack and row.norm == "linf"]
    black = _without_gradients()
    white = [row for row in single if row.attack not in black]
    best: dict[int, RobustAccuracy] = {}
    for row in sorted(white, key=lambda row: (row.epsilon_255, row.accuracy)):
        best.setdefault(row.epsilon_255, row)
    ordered = list(best.values())
    queried = [row for row in single if row.attack in black - {"noise"}]
    return [
        *_not_monotone(ordered),
        *_not_zero(ordered),
        *_more_steps(white),
        *_one_step(white),
        *_black_box(best, queried),
        *_noise(ordered, noise),
    ]


def noise_holds(
    victim: Classifier, images: Images, labels: Labels, epsilon_255: int, *, seed: int
) -> NDArray[np.bool_]:
    """Return which are right under uniform integer noise of that size, which should do no harm."""
    rng = np.random.default_rng(seed)
    noise = rng.integers(-epsilon_255, epsilon_255, size=images.shape, endpoint=True)
    noisy = np.clip(images + noise, 0, 255).astype(np.uint8)
    right: NDArray[np.bool_] = classify(victim, noisy) == labels
    return right


def _without_gradients() -> frozenset[str]:
    attacks = {name: build(Budget(steps=1, restarts=1)) for name, build in ATTACKS.items()}
    return frozenset(k for k, one in attacks.items() if not (one.white_box and one.by_gradient))


def _not_monotone(ordered: Sequence[RobustAccuracy]) -> Iterator[Finding]:
    for a, b in pairwise(ordered):
        if b.accuracy > a.accuracy + _TOLERANCE:
            text = f"accuracy rises from {a.accuracy:.1%} at epsilon {a.epsilon_255} "
            text += f"to {b.accuracy:.1%} at {b.epsilon_255}"
            yield _finding(Check.MONOTONE, b, a.accuracy, text)


def _not_zero(ordered: Sequence[RobustAccuracy]) -> Iterator[Finding]:
    for row in ordered:
        if row.epsilon_255 >= _DESTROYING_EPSILON_255 and row.accuracy > _NEAR_ZERO:
            text = f"accuracy is still {row.accuracy:.1%} at epsilon {row.epsilon_255}"
            yield _finding(Check.TO_ZERO, row, _NEAR_ZERO, text)


def _more_steps(white: Sequence[RobustAccuracy]) -> Iterator[Finding]:
    by_steps = sorted(white, key=lambda row: row.steps)
    for few, many in combinations(by_steps, 2):
        same = few.attack == many.attack and few.epsilon_255 == many.epsilon_255
        same &= few.restarts == many.restarts
        if same and many.steps > few.steps and many.accuracy > few.accuracy + _TOLERANCE:
            text = f"{many.steps} steps of {many.attack} leave {many.accuracy:.1%} at epsilon "
            text += f"{many.epsilon_255}, more than the {few.accuracy:.1%} of {few.steps} steps"
            yield _finding(Check.MORE_STEPS, many, few.accuracy, text)


def _one_step(white: Sequence[RobustAccuracy]) -> Iterator[Finding]:
    for epsilon in sorted({row.epsilon_255 for row in white}):
        here = [row for row in white if row.epsilon_255 == epsilon]
        single = min((r for r in here if r.steps == 1), key=lambda r: r.accuracy, default=None)
        many = min((r for r in here if r.steps > 1), key=lambda r: r.accuracy, default=None)
        if single and many and many.accuracy > single.accuracy + _TOLERANCE:
            text = f"{many.attack} leaves {many.accuracy:.1%} at epsilon {epsilon}, more than the "
            text += f"{single.accuracy:.1%} of one step ({single.attack})"
            yield _finding(Check.ITERATION, many, single.accuracy, text)


def _black_box(
    best: Mapping[int, RobustAccuracy], queried: Sequence[RobustAccuracy]
) -> Iterator[Finding]:
    for row in sorted(queried, key=lambda row: row.epsilon_255):
        white = best.get(row.epsilon_255)
        if white and white.accuracy > row.accuracy + _TOLERANCE:
            text = f"{white.attack} leaves {white.accuracy:.1%} at epsilon {row.epsilon_255}, more "
            text += f"than the {row.accuracy:.1%} of {row.attack}, which follows no gradients"
            text += f"; {_against_interval(white.accuracy, row)}"
            yield _finding(Check.BLACK_BOX, white, row.accuracy, text)


def _against_interval(accuracy: float, row: RobustAccuracy) -> str:
    """Say on which side of the upper end of the row's 95% interval a larger accuracy lies."""
    side = "above" if accuracy > row.ci95[1] else "within"
    return f"that is {side} its 95% interval, {row.ci95[0]:.1%} to {row.ci95[1]:.1%}"


def _noise(ordered: Sequence[RobustAccuracy], noise: Mapping[int, float]) -> Iterator[Finding]:
    for row in ordered:
        harm = noise.get(row.epsilon_255, 1.0)
        if row.epsilon_255 and harm < row.accuracy:
            text = f"random noise of {row.epsilon_255} leaves {harm:.1%}, "
            text += f"less than the attack's {row.accuracy:.1%}"
            yield _finding(Check.NOISE, row, harm, text)


def _finding(check: Check, row: RobustAccuracy, limit: float, message: str) -> Finding:
    return Finding(
        check=check,
        epsilon_255=row.epsilon_255,
        accuracy=row.accuracy,
        limit=limit,
        message=message,
    )

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Judge what attacks hand back: budget kept, victim's own logits, accuracy and its interval.

The evaluator trusts no attack. An image off the uint8 grid or outside the ball is an error, never
clipped into place, and success is the victim's argmax, never the attack's word.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from flow.attacks.base import Attack, Differentiable
from flow.classifier import Classifier, Images, Labels
from flow.errors import FlowError
from flow.progress import Report

__all__ = [
    "Evaluation",
    "RobustAccuracy",
    "Verdict",
    "check_budget",
    "classify",
    "evaluate",
    "linf_distances",
    "masked_gradient_signs",
    "noise_accuracy",
    "union",
    "wilson_interval",
]

_Z95 = 1.959963984540054  # 97.5% quantile of the standard normal distribution


@dataclass(frozen=True, kw_only=True)
class RobustAccuracy:
    """One row of the report: who was attacked, how, and how many images held.

    Attributes:
        engine: what computed the victim's logits (integer, rtlsim, ...).
        epsilon_255: radius of the ball in uint8 units.
        ci95: Wilson interval of the accuracy.
    """

    network: str
    engine: str
    attack: str
    norm: str
    epsilon_255: int
    steps: int
    restarts: int
    seed: int
    images: int
    accuracy: float
    ci95: tuple[float, float]


@dataclass(frozen=True)
class Verdict:
    """A row, and for each image whether it is still classified right: bool[N]."""

    row: RobustAccuracy
    holds: NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """A row and the images behind it.

    Attributes:
        labels: int64[N], true classes.
        adversarial: uint8[N, H, W, C]; the clean image where it is misclassified already.
        labels_clean: int64[N], the victim's labels of the clean images.
        labels_adversarial: int64[N], its labels of the adversarial ones.
    """

    row: RobustAccuracy
    labels: Labels
    adversarial: Images
    labels_clean: Labels
    labels_adversarial: Labels

    @property
    def verdict(self) -> Verdict:
        """Return the row with each image's outcome."""
        return Verdict(self.row, self.labels_adversarial == self.labels)


def evaluate(
    victim: Classifier,
    images: Images,
    labels: Labels,
    attack: Attack,
    epsilon_255: int,
    *,
    seed: int,
    network: str,
    engine: str = "integer",
    surrogate: Differentiable | None = None,
    progress: Report | None = None,
) -> Evaluation:
    """Attack and score.

    Args:
        victim: its logits decide.
        images: uint8[N, H, W, C], clean; N at least 1.
        labels: int64[N], true classes.
        attack: what searches the ball.
        epsilon_255: radius of the ball in uint8 units.
        seed: of the attack.
        network: name for the row ("robust", "plain").
        engine: name for the row.
        surrogate: whose gradients the attack uses; the victim itself when absent.
        progress: passed on to the attack.

    Raises:
        FlowError: there are no images, the victim has no gradients and no surrogate is given, or
            the attack broke its budget (see check_budget).
    """
    if not len(images):
        raise FlowError(f"evaluation of {network}: there are 0 images; give at least one")
    source = _gradient_source(victim if surrogate is None else surrogate, network)
    found = attack.run(source, images, labels, epsilon_255, seed, progress=progress)
    check_budget(attack.name, images, found, epsilon_255)
    labels_clean = classify(victim, images)
    adversarial = np.where((labels_clean == labels)[:, None, None, None], found, images)
    labels_adversarial = classify(victim, adversarial)
    budget = _Budget(network, engine, attack, epsilon_255, seed)
    return Evaluation(
        row=_row(budget, labels_adversarial == labels),
        labels=labels,
        adversarial=adversarial,
        labels_clean=labels_clean,
        labels_adversarial=labels_adversarial,
    )


class _Budget(NamedTuple):
    network: str
    engine: str
    attack: Attack
    epsilon_255: int
    seed: int


def _row(budget: _Budget, holds: NDArray[np.bool_]) -> RobustAccuracy:
    attack, correct = budget.attack, int(holds.sum())
    return RobustAccuracy(
        network=budget.network,
        engine=budget.engine,
        attack=attack.name,
        norm=attack.norm,
        epsilon_255=budget.epsilon_255,
        steps=attack.steps,
        restarts=attack.restarts,
        seed=budget.seed,
        images=len(holds),
        accuracy=correct / len(holds),
        ci95=wilson_interval(correct, len(holds)),
    )


def union(verdicts: Sequence[Verdict]) -> RobustAccuracy:
    """Return the row of the worst case over several attacks, image by image.

    Args:
        verdicts: of one network on the same images at one epsilon, at least one.

    Raises:
        FlowError: they are of different networks, engines, epsilons or images.
    """
    rows = [verdict.row for verdict in verdicts]
    if len({(row.network, row.engine, row.epsilon_255, row.images) for row in rows}) != 1:
        raise FlowError("union of attacks: the evaluations differ in network, epsilon or images")
    holds = np.all([verdict.holds for verdict in verdicts], axis=0)
    correct = int(holds.sum())
    return replace(
        rows[0],
        attack="+".join(row.attack for row in rows),
        steps=max(row.steps for row in rows),
        restarts=max(row.restarts for row in rows),
        accuracy=correct / len(holds),
        ci95=wilson_interval(correct, len(holds)),
    )


def _gradient_source(candidate: Classifier, network: str) -> Differentiable:
    if not hasattr(candidate, "twin"):
        raise FlowError(
            f"evaluation of {network}: {type(candidate).__name__} has no torch twin; "
            "give the integer network as surrogate"
        )
    return candidate  # type: ignore[return-value]  # the protocol's only addition was checked


def classify(victim: Classifier, images: Images) -> Labels:
    """Return the labels int64[N]: argmax of the logits, ties to the lowest index."""
    labels: Labels = victim.logits(images).argmax(axis=1).astype(np.int64)
    return labels


def check_budget(attack: str, clean: Images, found: Images, epsilon_255: int) -> None:
    """Refuse images that are not uint8 of the clean shape within epsilon_255 of the clean ones.

    Raises:
        FlowError: naming the attack, and the first image outside the ball with its distance.
    """
    if found.dtype != np.uint8:
        raise FlowError(f"attack {attack}: returned {found.dtype} images; round them to uint8")
    if found.shape != clean.shape:
        raise FlowError(f"attack {attack}: returned shape {found.shape}, not {clean.shape}")
    distances = linf_distances(clean, found)
    outside = np.flatnonzero(distances > epsilon_255)
    if len(outside):
        first = int(outside[0])
        raise FlowError(
            f"attack {attack}: image {first} is {distances[first]} from the clean one, outside the "
            f"linf ball of {epsilon_255} (uint8 units; {len(outside)} of {len(clean)} images are); "
            "project before returning"
        )


def linf_distances(clean: Images, other: Images) -> NDArray[np.int64]:
    """Return int64[N], the largest absolute difference of each pair in uint8 units."""
    high, low = np.maximum(clean, other), np.minimum(clean, other)
    differences = (high - low).reshape(len(clean), -1).astype(np.int64)
    distances: NDArray[np.int64] = differences.max(axis=1, initial=0)
    return distances


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """Return the 95% score interval of a proportion (Wilson 1927), within 0..1.

    Centre (p + z^2/2n) / (1 + z^2/n), half width z/(1 + z^2/n) * sqrt(p(1-p)/n + z^2/4n^2).

    Raises:
        FlowError: not 0 <= successes <= trials with at least one trial.
    """
    if trials < 1 or not 0 <= successes <= trials:
        raise FlowError(f"Wilson interval: {successes} successes in {trials} trials are impossible")
    p, spread = successes / trials, _Z95**2 / trials
    centre = (p + spread / 2) / (1 + spread)
    half = _Z95 / (1 + spread) * sqrt(p * (1 - p) / trials + spread / (4 * trials))
    # at the ends centre and half width are equal in exact arithmetic
    low = 0.0 if successes == 0 else centre - half
    high = 1.0 if successes == trials else centre + half
    return low, high


def noise_accuracy(
    victim: Classifier, images: Images, labels: Labels, epsilon_255: int, *, seed: int
) -> float:
    """Return the accuracy under uniform integer noise of the same size, which should do no harm."""
    rng = np.random.default_rng(seed)
    noise = rng.integers(-epsilon_255, epsilon_255, size=images.shape, endpoint=True)
    noisy = np.clip(images + noise, 0, 255).astype(np.uint8)
    return float((classify(victim, noisy) == labels).mean())


def masked_gradient_signs(
    rows: Sequence[RobustAccuracy],
    noise: dict[int, float],
    *,
    destroying_epsilon_255: int = 128,
    near_zero: float = 0.05,
) -> list[str]:
    """Return what hints at hidden gradients in one network's rows of one attack; empty if nothing.

    Athalye, Carlini, Wagner (2018): accuracy must fall as epsilon grows, and to about zero; noise
    of the same size must do less harm than the attack. One image in a hundred may rise again
    before it counts, since each epsilon is searched on its own.

    Args:
        rows: of one network and one attack, in any order.
        noise: accuracy under random noise by epsilon_255 (see noise_accuracy).
        destroying_epsilon_255: from here on accuracy must be at most near_zero.
        near_zero: see above.
    """
    ordered = sorted(rows, key=lambda row: row.epsilon_255)
    signs = [
        f"accuracy rises from {a.accuracy:.1%} at epsilon {a.epsilon_255} "
        f"to {b.accuracy:.1%} at {b.epsilon_255}"
        for a, b in pairwise(ordered)
        if b.accuracy > a.accuracy + 0.01
    ]
    for row in ordered:
        if row.epsilon_255 >= destroying_epsilon_255 and row.accuracy > near_zero:
            signs.append(f"accuracy is still {row.accuracy:.1%} at epsilon {row.epsilon_255}")
        harm = noise.get(row.epsilon_255, 1.0)
        if row.epsilon_255 and harm < row.accuracy:
            signs.append(
                f"random noise of {row.epsilon_255} leaves {harm:.1%}, "
                f"less than the attack's {row.accuracy:.1%}"
            )
    return signs

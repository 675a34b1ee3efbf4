# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Judge what attacks hand back: budget kept, victim's own logits, accuracy and its interval.

The evaluator trusts no attack. An image off the uint8 grid or outside the ball is an error, never
clipped into place, and success is the victim's argmax, never the attack's word.
"""

from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from flow.attacks.base import Attack
from flow.classifier import Classifier, Differentiable, Images, Labels, Logits
from flow.errors import FlowError
from flow.evaluation.accuracy import RobustAccuracy, wilson_interval
from flow.evaluation.ball import check_budget, l2_distances, linf_distances
from flow.progress import Report

__all__ = [
    "Evaluation",
    "RobustAccuracy",
    "Subject",
    "Verdict",
    "check_budget",
    "classify",
    "evaluate",
    "l2_distances",
    "linf_distances",
    "need_images",
    "wilson_interval",
    "winners",
]


@dataclass(frozen=True)
class Verdict:
    """A row, and for each image whether the goal is missed, that is, it is still right: bool[N]."""

    row: RobustAccuracy
    holds: NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """A row and the images behind it.

    Attributes:
        labels: int64[N], true classes.
        adversarial: uint8[N, H, W, C]; the clean image where the goal is reached already.
        labels_clean: int64[N], the victim's labels of the clean images.
        labels_adversarial: int64[N], its labels of the adversarial ones.
        holds: bool[N], where the attack's goal is not reached: classified right, if untargeted.
        holds_clean: bool[N], the same of the clean images.
    """

    row: RobustAccuracy
    labels: Labels
    adversarial: Images
    labels_clean: Labels
    labels_adversarial: Labels
    holds: NDArray[np.bool_]
    holds_clean: NDArray[np.bool_]

    @property
    def verdict(self) -> Verdict:
        """Return the row with each image's outcome."""
        return Verdict(self.row, self.holds)

    @property
    def attacked(self) -> NDArray[np.bool_]:
        """Return which images held as they were and so were not left alone; all if none did."""
        return self.holds_clean if self.holds_clean.any() else ~self.holds_clean


@dataclass(frozen=True, kw_only=True)
class Subject:
    """Who is attacked, by which name and seed.

    Attributes:
        victim: its logits decide.
        network: name for the rows ("robust", "plain").
        seed: of the attacks.
        engine: name for the rows.
        surrogate: whose gradients a white box uses; the victim itself when absent. A black box
            always asks the victim.
    """

    victim: Classifier
    network: str
    seed: int
    engine: str = "integer"
    surrogate: Differentiable | None = None

    def source(self, attack: Attack) -> Differentiable:
        """Return whom the attack asks.

        Raises:
            FlowError: it needs gradients, the victim has none and there is no surrogate.
        """
        other = self.surrogate if attack.white_box else None
        candidate = self.victim if other is None else other
        if attack.white_box and not hasattr(candidate, "twin"):
            raise FlowError(
                f"evaluation of {self.network}: {type(candidate).__name__} has no torch twin; "
                "give the integer network as surrogate"
            )
        return cast(Differentiable, candidate)  # a black box needs logits only

    def row(self, attack: Attack, epsilon_255: int, holds: NDArray[np.bool_]) -> RobustAccuracy:
        """Return the row of what an attack left: bool[N]."""
        correct = int(holds.sum())
        return RobustAccuracy(
            network=self.network,
            engine=self.engine,
            attack=attack.name,
            norm=attack.norm,
            epsilon_255=epsilon_255,
            steps=attack.steps,
            restarts=attack.restarts,
            seed=self.seed,
            images=len(holds),
            accuracy=correct / len(holds),
            ci95=wilson_interval(correct, len(holds)),
        )


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
        surrogate: whose gradients a white box uses; the victim itself when absent. A black box
            always asks the victim.
        progress: passed on to the attack.

    Raises:
        FlowError: there are no images, the victim has no gradients and no surrogate is given, or
            the attack broke its budget (see check_budget).
    """
    need_images(images, network)
    subject = Subject(victim=victim, network=network, seed=seed, engine=engine, surrogate=surrogate)
    found = attack.run(subject.source(attack), images, labels, epsilon_255, seed, progress=progress)
    check_budget(attack.name, images, found, epsilon_255, attack.norm)
    clean_logits = victim.logits(images)
    holds_clean = attack.goal.holds(clean_logits, labels)
    adversarial = np.where(holds_clean[:, None, None, None], found, images)
    logits = victim.logits(adversarial)
    holds = attack.goal.holds(logits, labels)
    return Evaluation(
        row=subject.row(attack, epsilon_255, holds),
        labels=labels,
        adversarial=adversarial,
        labels_clean=winners(clean_logits),
        labels_adversarial=winners(logits),
        holds=holds,
        holds_clean=holds_clean,
    )


def need_images(images: Images, network: str) -> None:
    """Refuse an evaluation on nothing.

    Raises:
        FlowError: naming the network.
    """
    if not len(images):
        raise FlowError(f"evaluation of {network}: there are 0 images; give at least one")


def classify(victim: Classifier, images: Images) -> Labels:
    """Return the labels int64[N]: argmax of the logits, ties to the lowest index."""
    return winners(victim.logits(images))


def winners(logits: Logits) -> Labels:
    """Return the labels int64[N] of logits [N, K]; see classify."""
    labels: Labels = logits.argmax(axis=1).astype(np.int64)
    return labels

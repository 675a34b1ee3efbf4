# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The attacks of the experiment on DQA, each as a plain attacker and as a better one runs it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from flow.attacks import Attack
from flow.attacks.carlini_wagner import CarliniWagner
from flow.attacks.fgsm import Fgsm
from flow.attacks.pgd import Pgd
from flow.attacks.pgdpp import PgdPlusPlus
from flow.attacks.square import Square
from flow.attacks.transfer import Transfer
from flow.attacks.zoo import ZooLinf
from flow.classifier import Differentiable
from flow.evaluation.evaluator import RobustAccuracy, Verdict, evaluate
from flow.evaluation.worst_case import union
from flow.experiments._gradients import AsTrained, ExactGradients
from flow.experiments.study import Study
from flow.experiments.trained import Trained
from flow.progress import meter

__all__ = ["ATTACKERS", "Attacker", "Knowledge", "attacked"]

Knowledge = Literal[
    "exact", "as trained", "straight-through", "narrow", "wide", "logits", "labels", "all"
]

_STEPS = 20
_QUERIES = 3200  # two sweeps over the pixels of MNIST
_SQUARES = 500  # queries of Square
_LEARNED = 1200  # queries that train a substitute
_HELD_OUT = 150
_FEW = 32  # images of the attacks that take minutes for hundreds
_L2 = 255  # radius for C&W: 1.0 for images in 0..1


@dataclass(frozen=True, kw_only=True)
class Attacker:
    """One attack and what it knows.

    Attributes:
        attack: its name in the rows.
        knowledge: exact: the true derivative of the staircases. as trained: the backward pass and
            the softmax of training. straight-through: the twin's, and of losses on probabilities
            a temperature for each image. narrow, wide: half widths of ZOO's differences, 1 and 16
            units. logits: random search, which no gradient guides. labels: nothing but the
            victim's labels. all: the worst of all linf attacks on all images.
        build: makes the attack.
        few: of fewer images.
    """

    attack: str
    knowledge: Knowledge
    build: Callable[[Study], Attack]
    few: bool = False

    def run(self, study: Study, trained: Trained, epsilon_255: int) -> Verdict:
        """Attack the study's images, or the first few of them."""
        attack = self.build(study)
        shown, labels = study.shown()
        count = min(_FEW, len(shown)) if self.few else len(shown)
        title = f"{self.attack} ({self.knowledge}) on {trained.label}"
        with meter(title, unit="images") as progress:
            return evaluate(
                *(trained.engine, shown[:count], labels[:count], attack),
                epsilon_255 if attack.norm == "linf" else _L2,
                seed=study.scale.seed,
                network=trained.label,
                surrogate=self._surrogate(trained),
                progress=progress,
            ).verdict

    def _surrogate(self, trained: Trained) -> Differentiable:
        kinds = {"exact": ExactGradients, "as trained": AsTrained}
        kind = kinds.get(self.knowledge)
        return trained.integer if kind is None else kind(trained)


def _transfer(study: Study) -> Attack:
    """Return the attack whose substitute starts from test images that are not attacked."""
    held_out = study.dataset.test_images[len(study.shown()[0]) :][-_HELD_OUT:]
    first = held_out if len(held_out) else None
    return Transfer(steps=_STEPS, queries=_LEARNED, held_out=first)


def _sharp_fgsm(_: Study) -> Attack:
    """Return FGSM++: one full step from the image at a temperature for each."""
    return PgdPlusPlus(steps=1, relative_step=1.0, random_start=False)


ATTACKERS = (
    Attacker(attack="fgsm", knowledge="exact", build=lambda _: Fgsm()),
    Attacker(attack="fgsm", knowledge="as trained", build=lambda _: Fgsm()),
    Attacker(attack="fgsm", knowledge="straight-through", build=_sharp_fgsm),
    Attacker(attack="pgd", knowledge="exact", build=lambda _: Pgd(steps=_STEPS)),
    Attacker(attack="pgd", knowledge="as trained", build=lambda _: Pgd(steps=_STEPS)),
    Attacker(attack="pgd", knowledge="straight-through", build=lambda _: PgdPlusPlus(steps=_STEPS)),
    Attacker(
        attack="cw", knowledge="as trained", build=lambda _: CarliniWagner(steps=_STEPS), few=True
    ),
    Attacker(
        attack="cw",
        knowledge="straight-through",
        build=lambda _: CarliniWagner(steps=_STEPS),
        few=True,
    ),
    Attacker(
        attack="zoo",
        knowledge="narrow",
        build=lambda _: ZooLinf(steps=_QUERIES, half_width_255=1),
        few=True,
    ),
    Attacker(attack="zoo", knowledge="wide", build=lambda _: ZooLinf(steps=_QUERIES), few=True),
    Attacker(attack="square", knowledge="logits", build=lambda _: Square(steps=_SQUARES)),
    Attacker(attack="substitute", knowledge="labels", build=_transfer),
)


def attacked(
    study: Study, trained: Trained, epsilon_255: int
) -> dict[tuple[str, Knowledge], RobustAccuracy]:
    """Return what each attacker leaves, and the worst case over those of linf and all images."""
    found = {(one.attack, one.knowledge): one.run(study, trained, epsilon_255) for one in ATTACKERS}
    whole = [found[one.attack, one.knowledge] for one in ATTACKERS if not one.few]
    rows = {key: verdict.row for key, verdict in found.items()}
    return {**rows, ("worst", "all"): union(whole).row}

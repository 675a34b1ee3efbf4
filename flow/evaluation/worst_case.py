# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The worst case over several attacks, image by image."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flow.attacks.base import Attack
from flow.attacks.goals import Goal
from flow.classifier import Images, Labels
from flow.errors import FlowError
from flow.evaluation.accuracy import joined
from flow.evaluation.evaluator import (
    Evaluation,
    Subject,
    Verdict,
    check_budget,
    need_images,
    winners,
)
from flow.progress import Report

__all__ = ["Part", "WorstCase", "attack_part", "joined_parts", "union", "worst_case"]


def union(verdicts: Sequence[Verdict]) -> Verdict:
    """Return the verdict of the worst case over several attacks, image by image.

    Args:
        verdicts: of one network on the same images at one epsilon, at least one.

    Raises:
        FlowError: they are of different networks, engines, norms, epsilons or images.
    """
    rows = [verdict.row for verdict in verdicts]
    if len({(row.network, row.engine, row.epsilon_255, row.images) for row in rows}) != 1:
        raise FlowError("union of attacks: the evaluations differ in network, epsilon or images")
    _one_norm([row.norm for row in rows])
    holds = np.all([verdict.holds for verdict in verdicts], axis=0)
    return Verdict(joined(rows, holds), holds)


@dataclass(frozen=True, kw_only=True)
class WorstCase:
    """What several attacks leave together.

    Attributes:
        evaluation: of the union; its images are those of the attack that broke each, else of the
            last one.
        stages: the union of the first attack, of the first two, and so on, on all images.
    """

    evaluation: Evaluation
    stages: tuple[Verdict, ...]


def worst_case(
    subject: Subject,
    images: Images,
    labels: Labels,
    attacks: Sequence[Attack],
    epsilon_255: int,
    *,
    progress: Report | None = None,
) -> WorstCase:
    """Attack with one after the other, each only on images that all before it have left.

    The union is that of the attacks one by one, since an image's random draws do not depend on
    the others; most of the work is saved. Put the cheap attacks first. `transfer` alone learns from
    the images that it attacks: behind others it has a substitute of its own.

    Args:
        subject: who is attacked.
        images: uint8[N, H, W, C], clean; N at least 1.
        labels: int64[N], true classes.
        attacks: of one norm, at least one.
        epsilon_255: radius of the ball in uint8 units.
        progress: passed on to each attack.

    Raises:
        FlowError: as evaluate, or the attacks are of different norms.
    """
    everything = np.ones(len(images), np.bool_)
    part = attack_part(
        *(subject, images, labels, attacks, epsilon_255), only=everything, progress=progress
    )
    return joined_parts(subject, labels, attacks, epsilon_255, [part])


@dataclass(frozen=True, kw_only=True)
class Part:
    """What attacks leave of some of the images, N here.

    Attributes:
        adversarial: uint8[N, H, W, C]; the clean image where the goal is reached already.
        labels_clean: int64[N].
        labels_adversarial: int64[N], behind the last attack.
        holds: bool[A, N]: the goal is missed behind each attack.
        holds_clean: bool[N]: it is, before any.
    """

    adversarial: Images
    labels_clean: Labels
    labels_adversarial: Labels
    holds: NDArray[np.bool_]
    holds_clean: NDArray[np.bool_]


def attack_part(
    subject: Subject,
    images: Images,
    labels: Labels,
    attacks: Sequence[Attack],
    epsilon_255: int,
    *,
    only: NDArray[np.bool_],
    progress: Report | None = None,
) -> Part:
    """Attack the images that bool[N] `only` chooses of all, as worst_case does; see there."""
    need_images(images, subject.network)
    _one_norm([attack.norm for attack in attacks])
    goal = _one_goal(attacks)
    logits = subject.victim.logits(images[only])
    clean, stages = winners(logits), list[NDArray[np.bool_]]()
    adversarial, found_labels = images.copy(), np.zeros(len(images), np.int64)
    found_labels[only] = clean
    held = np.zeros(len(images), np.bool_)
    held[only] = before = goal.holds(logits, labels[only])
    for attack in attacks:
        left, source = held.copy(), subject.source(attack)
        budget = (epsilon_255, subject.seed)
        found = attack.run(source, images, labels, *budget, only=left, progress=progress)
        check_budget(attack.name, images[only], found[only], epsilon_255, attack.norm)
        adversarial[left] = found[left]
        logits = subject.victim.logits(found[left])
        found_labels[left], held[left] = winners(logits), goal.holds(logits, labels[left])
        stages.append(held[only])
    return Part(
        adversarial=adversarial[only],
        labels_clean=clean,
        labels_adversarial=found_labels[only],
        holds=np.stack(stages),
        holds_clean=before,
    )


def joined_parts(
    subject: Subject,
    labels: Labels,
    attacks: Sequence[Attack],
    epsilon_255: int,
    parts: Sequence[Part],
) -> WorstCase:
    """Return the worst case on all images int64[N] of labels, from its parts in order."""
    holds = np.concatenate([part.holds for part in parts], axis=1)
    rows = [
        subject.row(attack, epsilon_255, left) for attack, left in zip(attacks, holds, strict=True)
    ]
    stages = [Verdict(joined(rows[: i + 1], left), left) for i, left in enumerate(holds)]
    evaluation = Evaluation(
        row=stages[-1].row,
        labels=labels,
        adversarial=np.concatenate([part.adversarial for part in parts]),
        labels_clean=np.concatenate([part.labels_clean for part in parts]),
        labels_adversarial=np.concatenate([part.labels_adversarial for part in parts]),
        holds=stages[-1].holds,
        holds_clean=np.concatenate([part.holds_clean for part in parts]),
    )
    return WorstCase(evaluation=evaluation, stages=tuple(stages))


def _one_norm(norms: Sequence[str]) -> None:
    if len(set(norms)) != 1:
        raise FlowError(
            f"union of attacks: the norms differ ({', '.join(norms)}); join those of one norm"
        )


def _one_goal(attacks: Sequence[Attack]) -> Goal:
    """Return the goal of all.

    Raises:
        FlowError: they differ.
    """
    first: Goal = attacks[0].goal
    if any(attack.goal != first for attack in attacks):
        raise FlowError("union of attacks: their goals differ; join those of one goal")
    return first

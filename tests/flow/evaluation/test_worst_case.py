# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The union of attacks, and the same with each attack on what those before it left."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from quantized_digits import digits, digits_network

from flow.attacks import build_attack
from flow.cluster import ProcessCluster
from flow.errors import FlowError
from flow.evaluation.divided import divided_worst_case
from flow.evaluation.evaluator import Evaluation, Subject, evaluate, linf_distances
from flow.evaluation.worst_case import union, worst_case

IMAGES = digits().test_images[:100]
LABELS = digits().test_labels[:100]
SUBJECT = Subject(victim=digits_network(), network="plain", seed=0)
NAMES = ("fgsm", "apgd_dlr", "square")
ATTACKS = [build_attack(name, steps=10, restarts=1, queries=100) for name in NAMES]


def judged(name: str, epsilon_255: int = 16) -> Evaluation:
    attack = build_attack(name, steps=10, restarts=1, queries=100)
    data = digits_network(), IMAGES, LABELS
    return evaluate(*data, attack, epsilon_255, seed=0, network="plain")


def test_union_counts_an_image_that_any_attack_fools() -> None:
    fgsm, pgd = judged("fgsm"), judged("pgd")
    both = union([fgsm.verdict, pgd.verdict]).row
    held = (fgsm.labels_adversarial == LABELS) & (pgd.labels_adversarial == LABELS)
    assert (both.attack, both.steps, both.accuracy) == ("fgsm+pgd", 10, held.mean())


def test_union_of_different_epsilons_is_refused() -> None:
    with pytest.raises(FlowError, match="differ in network, epsilon or images"):
        union([judged("fgsm", 8).verdict, judged("fgsm", 16).verdict])


def test_union_of_different_norms_is_refused() -> None:
    with pytest.raises(FlowError, match=r"union of attacks: the norms differ \(linf, l2\)"):
        union([judged("fgsm").verdict, judged("cw").verdict])


def test_stopping_early_gives_the_same_union() -> None:
    verdicts = [judged(name).verdict for name in NAMES]
    found = worst_case(SUBJECT, IMAGES, LABELS, ATTACKS, 16)
    assert found.evaluation.row == found.stages[-1].row == union(verdicts).row
    assert found.stages[0].row == verdicts[0].row
    assert found.stages[1].row == union(verdicts[:2]).row
    np.testing.assert_array_equal(
        found.evaluation.verdict.holds, np.all([verdict.holds for verdict in verdicts], axis=0)
    )
    assert linf_distances(IMAGES, found.evaluation.adversarial).max() == 16


class Counted(ProcessCluster):
    """Counts the images of the items that it is given."""

    def map(self, work: Any, items: Any, **told: Any) -> Iterator[Any]:  # noqa: ANN401
        self.work = work
        self.told, self.counts = told["total"], [told["count"](item) for item in items]
        return super().map(work, items, **told)


def test_chunks_give_the_same_union_and_count_all_images() -> None:
    cluster = Counted(1)
    found = divided_worst_case(
        *(cluster, digits_network(), IMAGES, LABELS),
        attacks=ATTACKS,
        epsilon_255=16,
        name="plain",
        seed=0,
    )
    whole = worst_case(SUBJECT, IMAGES, LABELS, ATTACKS, 16).evaluation
    np.testing.assert_array_equal(found.evaluation.verdict.holds, whole.verdict.holds)
    assert (cluster.counts, cluster.told) == ([64, 36], 100)
    assert cluster.work.floats  # gradients depend on the kernels that the processor chooses
    learning = build_attack("transfer", steps=1, restarts=1, queries=9)
    divided_worst_case(
        *(cluster, digits_network(), IMAGES, LABELS),
        attacks=[learning, ATTACKS[0]],
        epsilon_255=16,
        name="plain",
        seed=0,
    )
    assert cluster.counts == [100]  # it learns from all images


def test_stopping_early_asks_less(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    square = ATTACKS[2]
    run = type(square).run
    monkeypatch.setattr(
        type(square),
        "run",
        lambda *args, only, **rest: asked.append(int(only.sum())) or run(*args, only=only, **rest),
    )
    found = worst_case(SUBJECT, IMAGES, LABELS, ATTACKS, 16)
    assert asked == [round(100 * found.stages[1].row.accuracy)]
    assert asked[0] < 80


def test_no_images_are_refused() -> None:
    with pytest.raises(FlowError, match="evaluation of plain: there are 0 images"):
        worst_case(SUBJECT, IMAGES[:0], LABELS[:0], ATTACKS, 16)


def test_mixed_norms_are_refused() -> None:
    cw = build_attack("cw", steps=1, restarts=1)
    with pytest.raises(FlowError, match=r"the norms differ \(linf, l2\); join those of one norm"):
        worst_case(SUBJECT, IMAGES, LABELS, [ATTACKS[0], cw], 16)

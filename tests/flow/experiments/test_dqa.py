# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
from pathlib import Path

import numpy as np
import pytest
import torch

from flow.attacks.fgsm import Fgsm
from flow.classifier import Images, Labels
from flow.experiments import _dqa_attacks
from flow.experiments._dqa_attacks import ATTACKERS, Attacker
from flow.experiments._dqa_verdicts import Difference, judged, pick
from flow.experiments._gradients import AsTrained, ExactGradients
from flow.experiments.base import Row
from flow.experiments.dqa import DynamicActivations, dqa_network
from flow.experiments.figures import panels_png
from flow.experiments.registry import find
from flow.experiments.scale import Scale
from flow.experiments.study import Study, Trained
from tests.flow.bar_images import bars_dataset

_ROW = {"training": "standard", "bits": 1, "clean": 1.0, "norm": "linf", "epsilon_255": 26}


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    folder: Path = tmp_path_factory.mktemp("trainings")
    scale = Scale(train_images=300, epochs=1, images=16)
    return Study(bars_dataset(noise=60, light=120), scale, folder, "tfc")


@pytest.fixture(scope="module")
def trained(study: Study) -> Trained:
    return dqa_network(study, "standard", "learned", 2, 26)


def _gradient(surrogate: ExactGradients, images: Images, labels: Labels) -> torch.Tensor:
    points = torch.from_numpy(images).float().requires_grad_()
    logits = surrogate.twin()(points) * surrogate.scale
    loss = torch.nn.functional.cross_entropy(logits, torch.from_numpy(labels), reduction="sum")
    return torch.autograd.grad(loss, points)[0]


def test_the_exact_derivative_is_zero_and_training_s_is_not(study: Study, trained: Trained) -> None:
    images, labels = study.shown()
    assert not _gradient(ExactGradients(trained), images, labels).any()
    assert _gradient(AsTrained(trained), images, labels).any()


@pytest.mark.parametrize("kind", [ExactGradients, AsTrained])
def test_all_gradients_are_of_the_same_logits(
    study: Study, trained: Trained, kind: type[ExactGradients]
) -> None:
    images, _ = study.shown()
    surrogate = kind(trained)
    with torch.no_grad():
        found = surrogate.twin()(torch.from_numpy(images).float()).numpy()
    expected = trained.engine.logits(images)
    np.testing.assert_array_equal(surrogate.logits(images), expected)
    assert np.mean(np.abs(found - expected).max(1) < 0.01) > 0.9  # float sums near a threshold


def test_an_attacker_without_gradients_leaves_the_images_alone(
    study: Study, trained: Trained
) -> None:
    blind = Attacker(attack="fgsm", knowledge="exact", build=lambda _: Fgsm())
    clean = np.mean(trained.engine.logits(study.shown()[0]).argmax(1) == study.shown()[1])
    assert blind.run(study, trained, 200).row.accuracy == clean


def test_every_network_is_attacked_and_drawn(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_dqa_attacks, "_QUERIES", 30)
    monkeypatch.setattr(_dqa_attacks, "_LEARNED", 30)
    monkeypatch.setattr(_dqa_attacks, "_SQUARES", 5)
    monkeypatch.setattr(_dqa_attacks, "_STEPS", 2)
    monkeypatch.setattr(_dqa_attacks, "_FEW", 4)
    found = DynamicActivations(bits=(1,), epsilons_255=(("adversarial", 26),)).run(study)
    assert len(found.rows) == 3 * (len(ATTACKERS) + 1)
    assert len({tuple(row) for row in found.rows}) == 1  # the same keys
    assert [len(panel.curves) for panel in found.panels] == [8] * 2
    assert found.panels[0].ticks == ("1", "ReLU 8")
    assert found.verdicts
    assert panels_png(found.panels).startswith(b"\x89PNG")


def test_a_difference_counts_outside_of_noise_only() -> None:
    assert Difference((90, 100), (60, 100)).outcome == "reproduced"
    assert Difference((60, 100), (90, 100)).outcome == "refuted"
    assert Difference((62, 100), (60, 100)).outcome == "undecided"
    low, high = Difference((56, 70), (48, 80)).interval  # Newcombe 1998, table II, example (a)
    assert (round(low, 4), round(high, 4)) == (0.0524, 0.3339)


def _row(**values: object) -> Row:
    return {**_ROW, "images": 100, "robust": 0.5, "low": 0.0, "high": 1.0, **values}  # type: ignore[dict-item]


def test_rows_are_picked_by_any_of_several_values() -> None:
    rows = [_row(bits=1, robust=0.9), _row(bits=2, robust=0.4), _row(bits=4, robust=0.1)]
    assert pick(rows, bits=(1, 2)) == (65, 100)


def test_verdicts_follow_from_the_rows() -> None:
    seen = {("pgd", "as trained"): 0.9, ("pgd", "straight-through"): 0.1, ("worst", "all"): 0.1}
    rows = [
        _row(training=training, activations=kind, attack=one.attack, knowledge=one.knowledge,
             robust=0.1 if kind == "relu" else seen.get((one.attack, one.knowledge), 0.5))
        for training in ("standard", "adversarial")
        for kind in ("relu", "fixed", "learned")
        for one in (*ATTACKERS, Attacker(attack="worst", knowledge="all", build=lambda _: Fgsm()))
    ]  # fmt: skip
    outcomes = {verdict.claim: verdict.outcome for verdict in judged(rows)}
    name = "standard training: two or three levels "
    assert outcomes[name + "resist PGD with training's gradients better than 8-bit ReLU"] == (
        "reproduced"
    )
    assert outcomes[name + "still beat 8-bit ReLU in the worst case"] == "undecided"
    learned = "learned thresholds resist PGD with training's gradients better than fixed ones"
    assert outcomes[f"adversarial training: {learned}"] == "undecided"


def test_the_experiment_is_registered() -> None:
    assert find("dqa").source.startswith("Rakin")

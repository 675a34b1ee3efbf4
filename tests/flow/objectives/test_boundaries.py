# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Distances, feedback and boundary examples on a network whose boundary is known."""

import pytest
import torch
from grey_images import Bright, data_of, grey
from torch import nn

from brevitas_models.classifier import QuantClassifier
from flow.objectives import Batch, Model, TrainingSet, build_objective
from flow.objectives._crossing import crossing
from flow.objectives.feedback import Feedback


def test_the_distance_to_a_known_boundary_is_found() -> None:
    images, labels = grey(62.0, 92.0, 101.0, 142.0, 10.0), torch.tensor([0, 0, 0, 1, 0])
    up = torch.tensor([1.0, 1, 1, -1, 1])[:, None, None, None].expand_as(images)
    with Model(Bright()).attacked() as victim:
        found, near = crossing(victim, images, labels, up, reach=64.0, bisections=8)
    assert found.tolist() == pytest.approx([40, 10, 1, 40, 64], abs=64 / 8 / 256 + 1e-3)
    assert near.tolist() == [True, True, True, True, False]


def test_a_wrong_image_is_at_distance_0() -> None:
    with Model(Bright()).attacked() as victim:
        found, near = crossing(
            victim, grey(90.0), torch.tensor([1]), grey(1.0), reach=8.0, bisections=3
        )
    assert (found.item(), near.item()) == (0.0, True)


def test_feedback_measures_each_class() -> None:
    objective = build_objective("feedback", {"bisections": 8})
    data = data_of([82] * 30 + [142] * 30)
    objective.end_epoch(Model(Bright()), data, 16.0, torch.Generator().manual_seed(0))
    assert isinstance(objective, Feedback)
    assert objective.distances.tolist() == pytest.approx([20, 40], abs=0.1)


def test_a_class_without_images_counts_as_far() -> None:
    objective = build_objective("feedback", {"reach": 2.0})
    data = data_of([82] * 5)
    objective.end_epoch(Model(Bright()), data, 16.0, torch.Generator())
    assert objective.state_dict()["distances"][1] == 32


def test_close_classes_get_more_examples() -> None:
    objective = Feedback()
    objective.distances = torch.tensor([20.0, 60.0])
    assert objective.weights(2).tolist() == pytest.approx([0.75, 0.25])
    labels = torch.arange(4000) % 2
    picks = objective.chosen(labels, torch.Generator().manual_seed(0))
    assert (labels[picks] == 0).float().mean().item() == pytest.approx(0.75, abs=0.03)


def test_classes_weigh_the_same_before_the_first_measurement() -> None:
    assert Feedback().weights(4).tolist() == [0.25] * 4


def test_the_loss_of_feedback_is_half_clean_half_generated(
    network: QuantClassifier, batch: Batch
) -> None:
    network.eval()
    objective, model = Feedback(), Model(network)
    outcome = objective.loss(model, batch)
    picks = objective.chosen(batch.labels, torch.Generator().manual_seed(5))
    losses = [
        nn.functional.cross_entropy(network(images / 255), labels).item()
        for images, labels in (
            (batch.images, batch.labels),
            (outcome.attacked, batch.labels[picks]),
        )
    ]
    assert outcome.loss.item() == pytest.approx(sum(losses) / 2, rel=1e-5)
    moved = (outcome.attacked - batch.images[picks]).abs().amax(dim=(1, 2, 3))
    assert moved.max() <= batch.epsilon_255
    assert moved.std() > 3  # uniform strengths


def test_boundary_examples_are_just_beyond_the_boundary() -> None:
    objective = build_objective("boundary", {"bisections": 4})
    data = data_of([95] * 3 + [40] * 3 + [110] * 3)
    objective.end_epoch(Model(Bright()), data, 16.0, torch.Generator().manual_seed(0))
    state = objective.state_dict()
    assert sorted(state["sources"].tolist()) == [0, 1, 2, 6, 7, 8]  # 40 is out of reach
    assert state["labels"].tolist() == data.labels[state["sources"]].tolist()
    assert (state["examples"].float().mean(dim=(1, 2, 3)) - 102).abs().max() < 1.5
    clean = data.images[state["sources"]].float()
    assert (state["examples"].float() - clean).abs().max() <= 16


def test_the_loss_of_boundary_retraining_weighs_its_examples(
    network: QuantClassifier, data: TrainingSet, batch: Batch
) -> None:
    network.eval()
    objective, model = build_objective("boundary", {"weight": 3.0, "scanned": 100}), Model(network)
    objective.end_epoch(model, data, 24.0, torch.Generator().manual_seed(0))
    state = objective.state_dict()
    assert len(set(state["sources"].tolist())) == len(state["labels"]) <= 100
    outcome = objective.loss(model, batch)
    generator = torch.Generator().manual_seed(5)
    picks = torch.randint(len(state["labels"]), (64,), generator=generator)
    assert torch.equal(outcome.attacked, state["examples"][picks].float())
    clean, near = (
        nn.functional.cross_entropy(network(images / 255), labels).item()
        for images, labels in (
            (batch.images, batch.labels),
            (outcome.attacked, state["labels"][picks]),
        )
    )
    assert outcome.loss.item() == pytest.approx((clean + 3 * near) / 4, rel=1e-5)


@pytest.mark.parametrize("name", ["feedback", "boundary"])
def test_without_an_attack_nothing_is_measured(
    name: str, network: QuantClassifier, data: TrainingSet
) -> None:
    objective = build_objective(name)
    objective.end_epoch(Model(network), data, 0.0, torch.Generator())
    assert all(len(value) == 0 for value in objective.state_dict().values())

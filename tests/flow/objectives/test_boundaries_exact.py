# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Where lines are looked at, and what feedback and boundary training draw and ask, by hand."""

from typing import Any

import pytest
import torch
from grey_images import Bright, data_of, grey
from torch import Tensor, nn

from brevitas_models.classifier import QuantClassifier
from flow.objectives import Batch, Model, boundary, build_objective, feedback
from flow.objectives._crossing import crossing
from flow.objectives.feedback import Feedback, FeedbackSettings


def spied(module: Any, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:  # noqa: ANN401
    """Return what `crossing` is given by that module from now on."""
    seen: list[dict[str, Any]] = []

    def spy(*lines: Tensor, **options: Any) -> tuple[Tensor, Tensor]:  # noqa: ANN401
        seen.append({"direction": lines[3], **options})
        return crossing(*lines, **options)  # type: ignore[arg-type, misc]

    monkeypatch.setattr(module, "crossing", spy)
    return seen


def test_lines_are_looked_at_8_times_and_then_halved() -> None:
    seen: list[float] = []

    def victim(images: Tensor) -> Tensor:
        seen.append(images.mean().item())
        far = (images.mean(dim=(1, 2, 3)) - 20) / 2
        return torch.stack([torch.full_like(far, 4.3), far], dim=1)

    arguments = grey(20.0), torch.tensor([0]), 2 * torch.ones(1, 1, 2, 2)
    found, near = crossing(victim, *arguments, reach=8.0, bisections=3)
    distances = [(one - 20) / 2 for one in seen]
    assert distances == [*range(9), 4.5, 4.25, 4.375]
    assert (found.item(), near.item()) == (4.375, True)


# --- feedback


def test_no_class_is_closer_than_a_level() -> None:
    objective = Feedback(FeedbackSettings(sharpness=2.0))
    objective.distances = torch.tensor([0.25, 2.0])
    assert objective.weights(2).tolist() == pytest.approx([0.8, 0.2])


def test_feedback_measures_as_many_images_and_directions_as_it_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = spied(feedback, monkeypatch)
    data = data_of([*range(82, 123)])
    options = {"images_per_class": 3, "directions": 2, "reach": 2.5, "bisections": 7}
    objective: Any = build_objective("feedback", options)
    objective.end_epoch(Model(Bright()), data, 16.0, torch.Generator().manual_seed(3))
    order = torch.randperm(41, generator=torch.Generator().manual_seed(3))
    rows = torch.cat([order[data.labels[order] == label][:3] for label in (0, 1)])
    assert len(seen) == 3
    assert {(one["reach"], one["bisections"]) for one in seen} == {(40.0, 7)}
    signs = torch.cat([one["direction"] for one in seen])
    assert set(signs.unique().tolist()) == {-1.0, 1.0}
    upwards = 1 - 2 * data.labels[rows].float()
    assert torch.equal(seen[0]["direction"][:, 0, 0, 0], upwards)
    away = (data.images[rows][:, 0, 0, 0].float() - 102).abs()
    expected = [away[:3].mean().item(), away[3:].mean().item()]
    assert objective.distances.tolist() == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_generated_examples_move_as_drawn(share: float, batch: Batch) -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    objective = Feedback(FeedbackSettings(random_share=share))
    outcome = objective.loss(Model(network), batch)
    draw = torch.Generator().manual_seed(5)
    picks = objective.chosen(batch.labels, draw)
    images, labels = batch.images[picks].requires_grad_(), batch.labels[picks]
    which, far = torch.rand(2, 64, generator=draw)
    signs = torch.randint(0, 2, images.shape, generator=draw) * 2 - 1
    loss = nn.functional.cross_entropy(network(images / 255), labels, reduction="sum")
    (gradient,) = torch.autograd.grad(loss, images)
    direction = torch.where((which < share)[:, None, None, None], signs, gradient.sign())
    expected = images.detach() + 24 * far[:, None, None, None] * direction
    assert torch.allclose(outcome.attacked, expected.clamp(0, 255), atol=1e-3)
    found = network(outcome.attacked / 255).argmax(1)
    assert outcome.right.item() == (found == labels).sum()


# --- boundary examples


@pytest.mark.parametrize(("epsilon", "found"), [(0.5, 0), (1.0, 1), (1.9, 1), (2.0, 2)])
def test_an_attack_below_a_level_finds_nothing(epsilon: float, found: int) -> None:
    objective: Any = build_objective("boundary")
    draw = torch.Generator().manual_seed(1)
    objective.end_epoch(Model(Bright()), data_of([102, 101]), epsilon, draw)
    assert len(objective.labels) == found


def test_500_images_at_a_time_are_searched_on_the_way_of_the_attack(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen, data = spied(boundary, monkeypatch), data_of([90] * 1001)
    objective: Any = build_objective("boundary", {"bisections": 2, "steps": 1})
    objective.end_epoch(Model(Bright()), data, 16.5, torch.Generator().manual_seed(1))
    assert [len(one["direction"]) for one in seen] == [500, 500, 1]
    assert {(one["reach"], one["bisections"]) for one in seen} == {(1.0, 2)}
    assert max(one["direction"].abs().max().item() for one in seen) <= 16


def test_right_counts_clean_images_or_examples(network: QuantClassifier, batch: Batch) -> None:
    objective: Any = build_objective("boundary")
    found = objective.loss(Model(network.eval()), batch)
    assert found.right == (network(batch.images / 255).argmax(1) == batch.labels).sum()
    objective.examples, objective.labels = batch.images.to(torch.uint8), batch.labels
    found = objective.loss(Model(network), batch)
    picks = torch.randint(64, (64,), generator=torch.Generator().manual_seed(5))
    again = network(batch.images[picks] / 255).argmax(1)
    assert found.right == (again == batch.labels[picks]).sum()


@pytest.mark.parametrize(("mu", "mapped"), [(0.0, False), (0.5, True)])
def test_weights_are_mapped_where_there_is_a_curvature(
    mu: float, mapped: bool, network: QuantClassifier
) -> None:
    build_objective("boundary", {"mapping_mu": mu}).prepare(network)
    names = [name for name, _ in network.named_parameters()]
    assert ("classifier.parametrizations.weight.original" in names) == mapped


def test_a_network_without_weights_is_on_the_cpu() -> None:
    assert Model(Bright()).device == torch.device("cpu")

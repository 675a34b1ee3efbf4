# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""An attack that goes on from epoch to epoch."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from brevitas_models.network import QuantConvNet
from flow.objectives import Batch, Model, Objective, build_objective
from flow.objectives._rectangles import rectangles

ROWS = torch.arange(64).flip(0)


def epochs(objective: Objective, network: QuantConvNet, batch: Batch, count: int) -> list[Tensor]:
    """The attacked images of each epoch on a network that stays as it is."""
    generator = torch.Generator().manual_seed(3)
    seen = replace(batch, rows=ROWS, generator=generator)
    return [objective.loss(Model(network), seen).attacked for _ in range(count)]


def margins(network: QuantConvNet, images: Tensor, labels: Tensor) -> Tensor:
    with torch.no_grad():
        logits = network(images / 255)
    right = logits.gather(1, labels[:, None])
    return logits.scatter(1, labels[:, None], -torch.inf).amax(dim=1) - right[:, 0]


def test_no_epoch_loses_what_an_earlier_one_found(network: QuantConvNet, batch: Batch) -> None:
    network.eval()
    found = epochs(build_objective("accumulated"), network, batch, 6)
    history = torch.stack([margins(network, images, batch.labels) for images in found])
    # kept in 1/127 of epsilon: a pixel may move by half a unit of that
    assert (history.diff(dim=0) > -0.02).all()
    assert (history[-1] > history[0] + 0.02).float().mean() > 0.5


def test_few_steps_add_up_to_many(network: QuantConvNet, batch: Batch) -> None:
    network.eval()
    found = epochs(build_objective("accumulated"), network, batch, 12)[-1]
    pgd = build_objective("pgd", {"steps": 4, "relative_step": 0.5})
    single = pgd.loss(Model(network), batch).attacked
    once, last = (margins(network, images, batch.labels).mean() for images in (single, found))
    assert last > once


def test_a_perturbation_is_its_images_own_and_grows_with_epsilon(
    network: QuantConvNet, batch: Batch
) -> None:
    network.eval()
    objective = build_objective("accumulated", {"queries": 0, "noise": 0.0, "relative_step": 1e-9})
    grey = replace(batch, images=torch.full_like(batch.images, 127.0), rows=ROWS, epsilon_255=12.7)
    first = objective.loss(Model(network), grey).attacked - grey.images
    order = torch.arange(64).roll(5)
    again = replace(
        grey,
        images=grey.images[order],
        labels=grey.labels[order],
        rows=ROWS[order],
        epsilon_255=25.4,
    )
    second = objective.loss(Model(network), again).attacked - again.images
    assert torch.allclose(second, 2 * first[order], atol=0.05)
    assert torch.allclose(first.abs(), torch.tensor(12.7), atol=1e-3)  # stripes
    assert torch.equal(first, first[:, :, :1].expand_as(first))


def test_an_interrupted_training_keeps_its_perturbations(
    network: QuantConvNet, batch: Batch
) -> None:
    network.eval()
    objective, other = build_objective("accumulated"), build_objective("accumulated")
    epochs(objective, network, batch, 3)
    other.load_state_dict(objective.state_dict())
    state = objective.state_dict()["kept"]
    assert state.dtype == torch.int8
    assert len(state) == 64
    both = [epochs(one, network, batch, 1)[0] for one in (objective, other)]
    assert torch.equal(*both)
    fresh = epochs(build_objective("accumulated"), network, batch, 1)[0]
    assert not torch.equal(fresh, both[0])


@pytest.mark.parametrize("side", [1, 3, 40])
def test_rectangles(side: int) -> None:
    generator = torch.Generator().manual_seed(0)
    inside, up = rectangles(torch.Size((4000, 3, 8, 6)), side, generator)
    assert inside.shape == (4000, 1, 8, 6)
    assert up.shape == (4000, 3, 1, 1)
    rows, columns = inside[:, 0].any(dim=2), inside[:, 0].any(dim=1)
    assert torch.equal(inside[:, 0], rows[:, :, None] & columns[:, None, :])
    for run, size in ((rows, 8), (columns, 6)):
        lengths = run.sum(dim=1)
        assert sorted(lengths.unique().tolist()) == list(range(1, min(side, size) + 1))
        edges = run.int().diff(dim=1).abs().sum(dim=1) + run[:, 0].int() + run[:, -1].int()
        assert (edges == 2).all()  # one run
        assert run.float().mean(dim=0).min() > 0.5 / size
    assert 0.45 < up.float().mean() < 0.55

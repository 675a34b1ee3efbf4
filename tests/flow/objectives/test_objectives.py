# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What all objectives have in common."""

from dataclasses import FrozenInstanceError, asdict, fields, replace
from typing import Any

import pytest
import torch

from brevitas_models.classifier import QuantClassifier
from flow.errors import FlowError
from flow.objectives import (
    OBJECTIVES,
    Batch,
    Model,
    Objective,
    Outcome,
    TrainingSet,
    build_objective,
)

ATTACKING = [name for name in OBJECTIVES if name not in {"standard", "ibp"}]


def seeded(batch: Batch, seed: int = 5) -> Batch:
    return replace(batch, generator=torch.Generator().manual_seed(seed))


def measured(name: str, network: QuantClassifier, data: TrainingSet) -> Objective:
    """The objective after the end of an epoch; a long attack is cut short."""
    known = asdict(build_objective(name).settings)
    objective = build_objective(name, {"steps": 4} if known.get("steps", 1) > 4 else {})
    objective.end_epoch(Model(network), data, 24.0, torch.Generator().manual_seed(0))
    return objective


@pytest.mark.parametrize("name", OBJECTIVES)
def test_images_stay_in_the_ball_and_in_range(
    name: str, network: QuantClassifier, data: TrainingSet, batch: Batch
) -> None:
    attacked = measured(name, network, data).loss(Model(network), batch).attacked
    distances = (attacked[:, None] - data.images[None].float()).abs().amax(dim=(2, 3, 4))
    assert distances.amin(dim=1).max() <= batch.epsilon_255 + 1e-4
    assert attacked.min() >= 0
    assert attacked.max() <= 255


@pytest.mark.parametrize("name", ATTACKING)
def test_images_are_attacked(
    name: str, network: QuantClassifier, data: TrainingSet, batch: Batch
) -> None:
    attacked = measured(name, network, data).loss(Model(network), batch).attacked
    distances = (attacked[:, None] - data.images[None].float()).abs().amax(dim=(2, 3, 4))
    assert distances.amin(dim=1).max() > 0.5 * batch.epsilon_255


@pytest.mark.parametrize("name", ATTACKING)
def test_without_epsilon_training_is_on_clean_images(
    name: str, network: QuantClassifier, batch: Batch
) -> None:
    outcome = build_objective(name).loss(Model(network), replace(batch, epsilon_255=0.0))
    distances = (outcome.attacked[:, None] - batch.images[None]).abs().amax(dim=(2, 3, 4))
    assert distances.amin(dim=1).max() == 0


@pytest.mark.parametrize("name", OBJECTIVES)
def test_nothing_but_the_loss_is_left_behind(
    name: str, network: QuantClassifier, data: TrainingSet, batch: Batch
) -> None:
    network.train()
    network.blocks()[0].eval()
    modes = [module.training for module in network.modules()]
    before = {key: value.clone() for key, value in network.state_dict().items()}
    measured(name, network, data)
    after = network.state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before)
    outcome = build_objective(name).loss(Model(network), batch)
    assert all(parameter.grad is None for parameter in network.parameters())
    assert all(parameter.requires_grad for parameter in network.parameters())
    assert [module.training for module in network.modules()] == modes
    assert not outcome.attacked.requires_grad
    assert not outcome.right.requires_grad
    outcome.loss.backward()
    assert all(parameter.grad is not None for parameter in network.parameters())


@pytest.mark.parametrize("name", OBJECTIVES)
def test_training_lowers_its_own_loss(
    name: str, network: QuantClassifier, data: TrainingSet, batch: Batch
) -> None:
    objective, model = measured(name, network, data), Model(network)
    optimiser = torch.optim.Adam(network.parameters(), lr=0.02)
    losses = []
    for _ in range(10):
        outcome = objective.loss(model, seeded(batch))
        optimiser.zero_grad()
        outcome.loss.backward()
        optimiser.step()
        losses.append(outcome.loss.item())
    assert losses[-1] < 0.9 * losses[0]


@pytest.mark.parametrize("name", OBJECTIVES)
def test_the_generator_decides_everything(
    name: str, network: QuantClassifier, data: TrainingSet, batch: Batch
) -> None:
    objective, model = measured(name, network, data), Model(network.eval())
    before = torch.random.get_rng_state()
    first, second, other = (objective.loss(model, seeded(batch, seed)) for seed in (5, 5, 6))
    assert torch.equal(first.attacked, second.attacked)
    assert torch.equal(first.loss, second.loss)
    assert torch.equal(first.loss, other.loss) == (name in {"standard", "mat_parallel", "ibp"})
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_a_state_is_taken_up_again(
    name: str, network: QuantClassifier, data: TrainingSet, batch: Batch
) -> None:
    objective = measured(name, network, data)
    other = type(objective)(objective.settings)
    other.load_state_dict(objective.state_dict())
    network.eval()
    losses = [one.loss(Model(network), seeded(batch)).loss for one in (objective, other)]
    assert torch.equal(*losses)


def test_the_papers_settings_are_the_defaults() -> None:
    pgd = {"steps": 7, "relative_step": 0.25, "random_start": True}
    soft = {"steps": 10, "relative_step": 0.007 / 0.031, "start_deviation_255": 0.255}
    mat = {"steps": 1, "relative_step": 1.0, "random_start": False}
    mat |= {"strengths": (0.0, 1 / 3, 2 / 3, 1.0)}
    ibp = {"clean_weight": 0.0, "clean_start": 1.0, "logit_gain": 1.0}
    search = {"images_per_class": 20, "directions": 4, "reach": 4.0, "bisections": 4}
    walk = {"steps": 10, "relative_step": 0.25, "scanned": 5000, "bisections": 3}
    assert {name: asdict(build_objective(name).settings) for name in OBJECTIVES} == {
        "standard": {},
        "fgsm": {"steps": 1, "relative_step": 1.25, "random_start": True},
        "pgd": pgd,
        "trades": soft | {"beta": 6.0},
        "mart": soft | {"weight": 5.0},
        "logit_pairing": pgd | {"weight": 0.5},
        "distillation": pgd | {"teacher_weight": 1.0, "temperature": 30.0},
        "interpolated": pgd | {"mixup_alpha": 1.0},
        "mat_mixed": mat,
        "mat_parallel": mat,
        "feedback": search | {"sharpness": 1.0, "random_share": 0.5},
        "boundary": walk | {"weight": 1.0, "mapping_mu": 0.0},
        "ibp": ibp,
        "mtl_ibp": ibp | {"steps": 1, "relative_step": 2.0, "bound_weight": 0.5},
    }


@pytest.mark.parametrize("name", OBJECTIVES)
def test_settings_are_fixed_and_given_by_name(name: str) -> None:
    settings = build_objective(name).settings
    assert all(one.kw_only for one in fields(settings))
    with pytest.raises(FrozenInstanceError):
        settings.steps = 3


@pytest.mark.parametrize("kind", [Batch, Outcome, TrainingSet])
def test_what_goes_in_and_out_is_fixed_and_given_by_name(kind: Any) -> None:  # noqa: ANN401
    assert all(one.kw_only for one in fields(kind))
    assert kind.__dataclass_params__.frozen


def test_options_replace_settings() -> None:
    assert build_objective("trades", {"beta": 1.0}).settings.beta == 1.0


def test_an_unknown_objective_is_refused() -> None:
    with pytest.raises(FlowError, match=r"objective: 'tradess' is unknown; did you mean 'trades'"):
        build_objective("tradess")


def test_an_unknown_option_is_refused_with_the_nearest() -> None:
    with pytest.raises(FlowError, match=r"trades: there is no setting 'beat'; did you mean 'beta'"):
        build_objective("trades", {"beat": 6})
    with pytest.raises(FlowError, match=r"standard: there is no setting 'beta'; there are none"):
        build_objective("standard", {"beta": 6})

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What a training does when, step by step: an objective writes down what it is asked."""

import math
from collections.abc import Callable
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from brevitas_models.checkpoint import read_state
from flow.config import HeldOut, TrainerSettings
from flow.data.datasets import Dataset
from flow.errors import FlowError
from flow.objectives import Batch, Model, Outcome, TrainingSet
from flow.objectives.standard import Standard
from flow.training import run as run_module
from flow.training.held_out import Measured
from flow.training.trainer import EpochReport, TrainingResult, train

STEPS = 4
STRIDE = 1_000_003
SETTINGS = TrainerSettings(
    epochs=2, learning_rate=0.01, batch_size=2, epsilon_255=8, warmup_epochs=1
)


class Told(Standard):
    """Gives a loss and a number of right images for each call, and keeps what came with it."""

    def __init__(self, losses: Callable[[int], float] = lambda _: 1.0) -> None:
        super().__init__()
        self.losses = losses
        self.batches: list[Batch] = []
        self.modes: list[tuple[bool, bool]] = []
        self.ends: list[tuple[int, float]] = []

    def loss(self, model: Model, batch: Batch) -> Outcome:
        call = len(self.batches)
        self.batches.append(batch)
        self.modes.append((model.network.training, torch.is_grad_enabled()))
        loss = self.losses(call) + 0 * model(batch.images).sum()
        return Outcome(loss=loss, attacked=batch.images, right=torch.tensor(min(call % STEPS, 2)))

    def end_epoch(
        self, model: Model, data: TrainingSet, epsilon_255: float, generator: torch.Generator
    ) -> None:
        del model, data
        self.ends.append((generator.initial_seed(), epsilon_255))


def small() -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(nn.Flatten(), nn.Linear(4, 3))


def noise(images: int, channels: int = 1) -> Dataset:
    shape = (images, 2, 2, channels)
    pixels = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    labels = np.arange(images) % 3
    return Dataset("noise", pixels, labels, pixels, labels, classes=3)


def trained(
    objective: Told,
    settings: TrainerSettings = SETTINGS,
    **options: Any,  # noqa: ANN401
) -> TrainingResult:
    return train(small(), noise(2 * STEPS), objective, settings, **options)


@pytest.mark.parametrize(("wrong", "seen"), [(0, 1), (1, 51), (50, 51), (51, 101), (101, 120)])
def test_the_loss_is_looked_at_every_50_steps_and_at_the_end(wrong: int, seen: int) -> None:
    objective = Told(lambda call: math.inf if call == wrong + 120 else 1.0)
    with pytest.raises(FlowError, match=r"the loss is (inf|nan) in epoch 2; .* \(0\.01\)$"):
        train(small(), noise(240), objective, SETTINGS)
    assert len(objective.batches) == 120 + seen


def test_reports_have_the_means_of_the_epoch() -> None:
    result = trained(
        Told(lambda call: [4.0, 1.0, 2.5, 0.5][call % STEPS]),
        penalties={"first": lambda _: torch.tensor(0.25), "second": lambda _: torch.tensor(0.5)},
    )
    for report in result.history:
        assert report.loss == 2.75
        assert report.accuracy == (0 + 1 + 2 + 2) / 2 / STEPS
        assert report.penalties == {"first": 0.25, "second": 0.5}
    assert result.history[0].learning_rate == pytest.approx(
        0.01 * 0.5 * (1 + math.cos(math.pi * (0.375 - 0.15) / 0.85))
    )
    assert (result.best_epoch, result.held_out, result.stopped_early) == (2, None, False)


def test_seconds_are_those_of_all_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = count()
    monkeypatch.setattr(run_module, "time", SimpleNamespace(monotonic=lambda: float(next(ticks))))
    state, seen = tmp_path / "state", list[EpochReport]()

    def stop(report: EpochReport) -> None:
        seen.append(report)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        trained(Told(), state_file=state, report=stop)
    result = trained(Told(), state_file=state, report=seen.append)
    assert [report.seconds for report in seen] == [1.0, 2.0]
    assert result.seconds == 2.0


def test_every_draw_has_a_seed_and_every_step_its_strength() -> None:
    objective = Told()
    trained(objective, SETTINGS.changed(warmup_epochs=1.5), seed=2)
    seeds = [one.generator.initial_seed() - 2 * STRIDE for one in objective.batches]
    assert seeds == [0] * STEPS + [1] * STEPS
    ramps = [min(1, step / STEPS / 1.5) for step in range(2 * STEPS)]
    assert [one.ramp for one in objective.batches] == pytest.approx(ramps)
    assert [one.epsilon_255 for one in objective.batches] == pytest.approx([8 * r for r in ramps])
    seeds = [seed - 2 * STRIDE for seed, _ in objective.ends]
    assert seeds == [500_001, 500_002]
    assert [epsilon for _, epsilon in objective.ends] == pytest.approx([8 / 1.5, 8])


def test_without_an_attack_the_ramp_is_at_its_end() -> None:
    objective = Told()
    trained(objective, SETTINGS.changed(epsilon_255=0, warmup_epochs=0))
    assert {(one.epsilon_255, one.ramp) for one in objective.batches} == {(0, 1.0)}


@pytest.mark.parametrize("float_epochs", [0, 1, 2])
def test_the_optimiser_and_the_average_start_anew_once(
    float_epochs: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    anew: list[int] = []
    objective = Told()
    monkeypatch.setattr(
        run_module, "learned_scales_anew", lambda _: anew.append(len(objective.batches))
    )
    settings = SETTINGS.changed(float_epochs=float_epochs, epochs=2, ema_decay=0.9)
    trained(objective, settings, state_file=tmp_path / "state")
    assert anew == [float_epochs * STEPS] * bool(float_epochs)
    state = read_state(tmp_path / "state")
    assert {int(one["step"]) for one in state["optimiser"]["state"].values()} == {2 * STEPS}
    assert state["average"]["steps"] == 2 * STEPS
    assert state["teacher"] is None


def test_held_out_images_are_measured_every_other_epoch_and_at_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(run_module, "measure", lambda *_: Measured(robust=0.0, clean=0.0))
    held_out = HeldOut(images=2, every=2)
    result = trained(Told(), SETTINGS.changed(epochs=5, held_out=held_out))
    measured = [report.robust is not None for report in result.history]
    assert measured == [False, True, False, True, True]
    assert result.best_epoch == 2  # 0 of them right is better than nothing


@pytest.mark.parametrize(("own", "strength"), [(None, 8), (3, 3), (0, 0)])
def test_held_out_images_are_attacked_at_their_own_strength_or_the_trainings(
    own: int | None, strength: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def measure(_model: Model, _data: TrainingSet, epsilon_255: float, _: HeldOut) -> Measured:
        seen.append(epsilon_255)
        return Measured(robust=0.5, clean=0.5)

    monkeypatch.setattr(run_module, "measure", measure)
    trained(Told(), SETTINGS.changed(held_out=HeldOut(images=2, epsilon_255=own)))
    assert seen == [strength] * 3  # after each epoch and at the end


def test_the_title_tells_the_last_robust_accuracy(monkeypatch: pytest.MonkeyPatch) -> None:
    titles: list[str] = []

    def listed(items: Any, title: str, **_: object) -> Any:  # noqa: ANN401
        titles.append(title)
        return items

    found = iter([0.25, 0.5, 0.125, 0.5])
    monkeypatch.setattr(run_module, "track", listed)
    monkeypatch.setattr(run_module, "measure", lambda *_: Measured(robust=next(found), clean=1.0))
    trained(Told(), SETTINGS.changed(epochs=3, held_out=HeldOut(images=2)))
    assert titles == [
        "epoch 1 of 3",
        "epoch 2 of 3, robust 25.0% held out",
        "epoch 3 of 3, robust 50.0% held out",
    ]


def test_calibration_runs_the_objective_on_minibatches_of_no_epoch() -> None:
    objective = Told()
    trained(objective, SETTINGS.changed(calibration_batches=3, float_epochs=1), seed=1)
    assert len(objective.batches) == 3 * STEPS + 3
    for batch, mode in zip(objective.batches[-3:], objective.modes[-3:], strict=True):
        assert batch.generator.initial_seed() == STRIDE + 3
        assert (batch.epsilon_255, batch.ramp) == (8, 1.0)
        assert mode == (True, False)


@pytest.mark.parametrize("last", [False, True])
def test_channels_come_last_where_that_is_asked_for(last: bool) -> None:
    network = nn.Sequential(nn.Conv2d(3, 3, 2), nn.Flatten())
    seen = []

    class Watched(Told):
        def loss(self, model: Model, batch: Batch) -> Outcome:
            tensors = batch.images, network[0].weight
            seen.extend(one.is_contiguous(memory_format=torch.channels_last) for one in tensors)  # type: ignore[union-attr]
            return super().loss(model, batch)

    train(network, noise(8, channels=3), Watched(), SETTINGS.changed(channels_last=last))
    assert set(seen) == {last}
    assert network[0].weight.is_contiguous()  # type: ignore[operator, union-attr]


def test_a_finished_training_writes_and_says_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state, log = tmp_path / "state", tmp_path / "log"
    trained(Told(), state_file=state)
    capsys.readouterr()
    trained(Told(), state_file=state, log_folder=log)
    assert not log.exists()
    assert "goes on" not in capsys.readouterr().err


def test_penalties_of_a_tensor_reach_the_weights() -> None:
    network = small()
    before = network[1].weight.detach().clone()  # type: ignore[index]

    def pull(module: nn.Module) -> Tensor:
        return module[1].weight.sum()  # type: ignore[index, no-any-return]

    train(network, noise(8), Told(), SETTINGS, penalties={"pull": pull})
    assert (network[1].weight < before).all()  # type: ignore[index]

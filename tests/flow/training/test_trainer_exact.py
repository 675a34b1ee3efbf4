# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Numbers of the trainer's parts: seeds, limits, offsets and words, each by its formula."""

import inspect
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from lightning_fabric.strategies.ddp import DDPStrategy
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from torch import Tensor, nn

from brevitas_models.architectures import build, convnet_settings
from flow.config import HeldOut, Machine, TrainerSettings
from flow.data.datasets import Dataset
from flow.errors import FlowError
from flow.objectives import Model, TrainingSet
from flow.training import fabric, held_out
from flow.training.augmentation import mirrored, moved
from flow.training.configured import Trained, train_network
from flow.training.data import TrainingImages, seeded
from flow.training.fingerprint import difference, fingerprint
from flow.training.held_out import Measured, measure
from flow.training.log import EpochReport, ScalarLog, TrainingResult
from flow.training.run import Run
from flow.training.schedule import Phase, warmup_cosine
from flow.training.teacher import Teacher
from flow.training.trainer import train

SETTINGS = TrainerSettings(epochs=1, learning_rate=0.1, batch_size=8)
STRIDE = 1_000_003


def numbered(count: int) -> Dataset:
    """Images whose every pixel is their position."""
    images = np.arange(count, dtype=np.uint8)[:, None, None, None].repeat(4, axis=1)
    return Dataset("numbered", *(images, np.arange(count) % 3) * 2, classes=3)


def positions(images: Tensor) -> list[int]:
    return [int(value) for value in images[:, 0, 0, 0]]


# --- data


def test_the_seed_says_which_images_are_held_out() -> None:
    data = TrainingImages(numbered(100), SETTINGS.changed(held_out=HeldOut(images=20)), seed=5)
    drawn = torch.Generator().manual_seed(5 * STRIDE + STRIDE - 1)
    assert positions(data.held_out.images) == torch.randperm(100, generator=drawn)[:20].tolist()
    assert seeded(5, 7).initial_seed() == 5 * STRIDE + 7


def test_each_device_draws_from_a_seed_of_its_own() -> None:
    data = TrainingImages(numbered(64), SETTINGS, seed=2, rank=3, world=4)
    _, _, generator = next(data.minibatches(6))
    assert generator.initial_seed() == 2 * STRIDE + 6 + 3 * 2**40


@pytest.mark.parametrize(("world", "least"), [(1, 2), (3, 6)])
def test_two_images_of_each_device_are_enough(world: int, least: int) -> None:
    def left(count: int) -> TrainingImages:
        settings = SETTINGS.changed(held_out=HeldOut(images=100 - count))
        return TrainingImages(numbered(100), settings, world=world)

    assert len(left(least).training.labels) == least
    with pytest.raises(FlowError, match=f"leaves {least - 1} of the 100 training images"):
        left(least - 1)
    with pytest.raises(FlowError, match=r"held_out.images 103 leaves 0 of the 100"):
        left(-3)


def test_fewer_images_than_a_minibatch_are_one() -> None:
    data = TrainingImages(numbered(5), SETTINGS)
    assert data.steps == 1
    assert [sorted(positions(images)) for images, _, _ in data.minibatches(0)] == [[0, 1, 2, 3, 4]]


def test_images_move_and_turn_as_drawn() -> None:
    images = torch.arange(1.0, 1 + 6 * 2 * 3 * 4).reshape(6, 2, 3, 4)
    draw = torch.Generator().manual_seed(1)
    tops, lefts = torch.randint(0, 5, (2, 6, 1), generator=draw)
    found = moved(images, 2, torch.Generator().manual_seed(1))
    padded = np.pad(images.numpy(), ((0, 0), (0, 0), (2, 2), (2, 2)))
    for one, (top, left) in enumerate(zip(tops[:, 0], lefts[:, 0], strict=True)):
        expected = padded[one, :, top : top + 3, left : left + 4]
        assert np.array_equal(found[one].numpy(), expected)
    many = torch.randint(0, 5, (2, 600, 1), generator=draw)
    assert (int(many.min()), int(many.max())) == (0, 4)
    chosen = torch.rand(6, generator=torch.Generator().manual_seed(2)) < 0.5
    found = mirrored(images, torch.Generator().manual_seed(2))
    for one in range(6):
        expected = images[one].numpy()[:, :, ::-1] if chosen[one] else images[one].numpy()
        assert np.array_equal(found[one].numpy(), expected)
    assert 0 < int(chosen.sum()) < 6


# --- schedule


def test_without_a_rise_the_rate_starts_at_its_peak() -> None:
    assert warmup_cosine(0.0, 0.0) == 1.0


# --- devices and optimisers


def launched(devices: int, available: int, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    given: dict[str, Any] = {}
    monkeypatch.setattr(torch.cuda, "device_count", lambda: available)
    monkeypatch.setattr(
        fabric, "Fabric", lambda **kwargs: given.update(kwargs) or SimpleNamespace(launch=list)
    )
    fabric.launch(Machine(accelerator="cuda", devices=devices, precision="bf16-mixed"))
    return given


@pytest.mark.parametrize("available", [2, 3])
def test_several_devices_do_not_share_buffers_at_each_pass(
    available: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = launched(2, available, monkeypatch)
    strategy = given.pop("strategy")
    assert given == {"accelerator": "cuda", "devices": 2, "precision": "bf16-mixed"}
    assert isinstance(strategy, DDPStrategy)
    assert strategy._ddp_kwargs == {"forward_sync_buffers": False}


def test_one_device_needs_no_strategy(monkeypatch: pytest.MonkeyPatch) -> None:
    assert launched(1, 1, monkeypatch)["strategy"] == "auto"
    with pytest.raises(FlowError, match=r"devices 2 is more than the 1 cuda devices here"):
        launched(2, 1, monkeypatch)


def test_on_a_gpu_the_kernels_are_deterministic(monkeypatch: pytest.MonkeyPatch) -> None:
    cudnn = torch.backends.cudnn
    for asked in (False, True):
        monkeypatch.setattr(cudnn, "benchmark", asked)
        with fabric.deterministic(Machine(accelerator="cuda")):
            assert (cudnn.enabled, cudnn.benchmark, cudnn.deterministic) == (True, False, True)


class Scaled(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(2, 3)), nn.Parameter(torch.ones(3))
        self.scale = nn.Parameter(torch.tensor(1.0))


def test_optimisers_have_their_papers_momentum() -> None:
    sgd = fabric.build_optimiser(Scaled(), SETTINGS.changed(optimiser="sgd", weight_decay=0.5))
    assert [one.ndim for one in sgd.param_groups[1]["params"]] == [1, 0]
    for group in sgd.param_groups:
        assert (group["lr"], group["momentum"], group["nesterov"]) == (0.0, 0.9, True)
    adamw = fabric.build_optimiser(Scaled(), SETTINGS)
    assert isinstance(adamw, torch.optim.AdamW)
    assert {group["lr"] for group in adamw.param_groups} == {0.0}


class Devices:
    """Of several the mean is 10 times this one's value; one alone has nobody to ask."""

    def __init__(self, world_size: int) -> None:
        self.world_size = world_size

    def all_reduce(self, tensor: Tensor, reduce_op: str) -> Tensor:
        assert (self.world_size > 1, reduce_op) == (True, "mean")
        return tensor * 10


@pytest.mark.parametrize(("world", "factor"), [(1, 1), (2, 10)])
def test_floating_buffers_are_averaged_over_devices(world: int, factor: int) -> None:
    devices: Any = Devices(world)
    floating, whole = torch.tensor([1.0, 2.0]), torch.tensor([3])
    fabric.average_buffers(devices, [floating, whole])
    assert floating.tolist() == [factor, 2 * factor]
    assert whole.tolist() == [3]
    mean = fabric.mean_over_devices(devices, floating)
    assert (mean is floating) == (world == 1)
    assert mean.tolist() == [factor**2, 2 * factor**2]


# --- what differs


def test_the_first_setting_that_differs_is_told() -> None:
    stored = {"epochs": "1", "rate": "2", "first weights": "x", "gone": "5"}
    now = {"first weights": "y", "epochs": "3", "rate": "4"}
    assert difference(stored, now) == (
        "other first weights, epochs, rate, gone: epochs is 1 there and 3 here"
    )
    assert difference({"gone": "5"}, {}) == "other gone"
    assert difference(now, dict(now)) == ""


# --- held-out images


class Constant(nn.Module):
    """Class 0 for every image."""

    def forward(self, images: Tensor) -> Tensor:
        return images.flatten(1)[:, :2] * 0 + torch.tensor([1.0, 0.0])


def measured(
    count: int, strength: float, monkeypatch: pytest.MonkeyPatch, **options: int
) -> tuple[list[int], list[tuple[int, float, float, int]]]:
    """Return the first image of each batch, and what each attack was given."""
    starts, attacks = list[int](), []

    def tracked(items: range, *_: object, **__: object) -> range:
        starts.extend(items)
        return items

    def attack(_victim: object, batch: Any, settings: Any, *, start: Tensor) -> Tensor:  # noqa: ANN401
        drawn = batch.generator.initial_seed()
        attacks.append((len(start), batch.epsilon_255, settings.relative_step, drawn))
        return start

    monkeypatch.setattr(held_out, "track", tracked)
    monkeypatch.setattr(held_out, "cross_entropy_ascent", attack)
    data = TrainingSet(
        images=torch.zeros(count, 1, 2, 2, dtype=torch.uint8),
        labels=torch.zeros(count, dtype=torch.int64),
        classes=2,
    )
    found = measure(Model(Constant()), data, strength, HeldOut(images=count, **options))
    assert found == Measured(robust=1.0, clean=1.0)
    return starts, attacks


def test_500_held_out_images_at_a_time_are_attacked(monkeypatch: pytest.MonkeyPatch) -> None:
    starts, attacks = measured(1001, 3.9, monkeypatch, steps=5, restarts=2)
    assert starts == [0, 500, 1000]
    assert attacks == [(size, 3.0, 0.5, STRIDE - 1) for size in (500, 500, 500, 500, 1, 1)]


def test_without_epsilon_nothing_is_attacked(monkeypatch: pytest.MonkeyPatch) -> None:
    assert measured(500, 0.9, monkeypatch) == ([0], [])


# --- logs and values


def test_a_log_hides_what_an_interrupted_run_wrote_beyond_its_state(tmp_path: Path) -> None:
    def write(done: int, epochs: list[int], loss: float) -> None:
        log = ScalarLog(tmp_path, done)
        for epoch in epochs:
            log.write(report(epoch, loss))
        log.close()

    write(0, [1, 2, 3, 4, 5], 1.0)
    write(3, [4], 2.0)
    events = EventAccumulator(str(tmp_path)).Reload()
    found = [(one.step, one.value) for one in events.Scalars("training/loss")]
    assert found == [(1, 1.0), (2, 1.0), (3, 1.0), (4, 2.0)]


def report(epoch: int, loss: float) -> EpochReport:
    numbers = {"accuracy": 0.5, "epsilon_255": 8.0, "learning_rate": 0.1, "seconds": 2.0}
    return EpochReport(epoch=epoch, epochs=9, phase="float", loss=loss, **numbers)


def test_a_loaded_network_has_no_training() -> None:
    settings = convnet_settings(input_shape=(8, 8, 1), classes=10, channels=(4,), strides=(2,))
    found = Trained(build(settings, seed=1))
    assert (found.history, found.seconds) == ((), 0.0)


@pytest.mark.parametrize("kind", [EpochReport, Measured, Phase, Trained, TrainingResult])
def test_values_are_fixed(kind: Any) -> None:  # noqa: ANN401
    assert kind.__dataclass_params__.frozen


def test_reports_are_made_by_name() -> None:
    assert all(one.kw_only for one in fields(EpochReport))


@pytest.mark.parametrize(
    ("function", "positional"),
    [
        *((train, 4), (Run, 4), (TrainingImages, 2), (fingerprint, 4), (train_network, 3)),
        *((measure, 4), (Teacher, 2), (moved, 3)),
    ],
)
def test_all_else_is_given_by_name(function: Callable[..., Any], positional: int) -> None:
    kinds = [one.kind for one in inspect.signature(function).parameters.values()]
    assert set(kinds[:positional]) == {inspect.Parameter.POSITIONAL_OR_KEYWORD}
    assert set(kinds[positional:]) <= {inspect.Parameter.KEYWORD_ONLY}

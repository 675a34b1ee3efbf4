# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A quantized network that learns from the float network it was."""

from pathlib import Path

import pytest
import torch

from brevitas_models.architectures import build, convnet_settings
from brevitas_models.classifier import QuantClassifier
from flow.config import DataConfig, Recipe, TrainerSettings
from flow.data.datasets import Dataset, load_dataset
from flow.errors import SettingError
from flow.objectives import Batch, Model, Outcome, build_objective
from flow.objectives.distillation import Distillation
from flow.storage.network_state import tensors
from flow.training.configured import objective_of
from flow.training.float import quantization_off
from flow.training.teacher import Teacher
from flow.training.trainer import train

SETTINGS = TrainerSettings(
    epochs=2, float_epochs=2, learning_rate=0.01, epsilon_255=16, batch_size=64, ema_decay=0.8
)


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load_dataset(DataConfig(train_images=256), None)


@pytest.fixture
def network() -> QuantClassifier:
    sizes = {"input_shape": (8, 8, 1), "classes": 10}
    return build(convnet_settings(**sizes, channels=(4,), strides=(2,)), seed=1)


class Watched(Distillation):
    """Keeps what the teacher says of one image, step by step."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[torch.Tensor | None] = []

    def loss(self, model: Model, batch: Batch) -> Outcome:
        gray = torch.full((1, 1, 8, 8), 100.0)
        self.said.append(None if batch.teacher is None else batch.teacher(gray))
        return super().loss(model, batch)


def test_the_teacher_is_the_float_network_as_it_was(network: QuantClassifier) -> None:
    images = torch.rand(5, 1, 8, 8) * 255
    network.eval()
    with torch.no_grad(), quantization_off(network):
        wanted = network(images / 255)
    teacher = Teacher(network)
    with torch.no_grad():
        assert not torch.equal(network(images / 255), wanted)  # which has its quantizers
        network.classifier.weight.zero_()  # type: ignore[union-attr, operator]
    assert torch.equal(teacher(images), wanted)
    again = Teacher(network, teacher.state_dict())
    assert torch.equal(again(images), wanted)


def test_it_teaches_from_the_float_epochs_on_and_never_changes(
    digits: Dataset, network: QuantClassifier
) -> None:
    objective = Watched()
    train(network, digits, objective, SETTINGS)
    steps = len(digits.train_labels) // 64
    assert objective.said[: 2 * steps] == [None] * (2 * steps)
    taught = objective.said[2 * steps :]
    assert len(taught) == 2 * steps
    assert taught[0] is not None
    assert all(one is not None and torch.equal(one, taught[0]) for one in taught)


def test_an_interrupted_distillation_gives_the_same_bits(
    digits: Dataset, network: QuantClassifier, tmp_path: Path
) -> None:
    def stop(report: object) -> None:
        if getattr(report, "epoch", 0) == 3:
            raise KeyboardInterrupt

    whole = build(network.settings, seed=1)
    train(whole, digits, build_objective("distillation"), SETTINGS)
    state = tmp_path / "state"
    with pytest.raises(KeyboardInterrupt):
        train(
            build(network.settings, seed=1),
            digits,
            build_objective("distillation"),
            SETTINGS,
            state_file=state,
            report=stop,
        )
    train(network, digits, build_objective("distillation"), SETTINGS, state_file=state)
    both = tensors(whole), tensors(network)
    assert all(torch.equal(one, both[1][name]) for name, one in both[0].items())


def test_without_float_epochs_there_is_no_teacher() -> None:
    recipe = Recipe(epochs=1, learning_rate=0.1, objective="distillation")
    with pytest.raises(SettingError, match=r"^training.float_epochs: 0, but objective distill"):
        objective_of(recipe)

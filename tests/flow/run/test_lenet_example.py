# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""examples/lenet.yaml on a few images of MNIST's size, from training to the integer network."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from bar_images import bars_dataset, write_mnist

from brevitas_models.checkpoint import load_checkpoint
from brevitas_models.classifier import QuantClassifier
from flow.config import DataConfig
from flow.data.datasets import load_dataset
from flow.errors import FlowError
from flow.integer.description import in_words
from flow.lowering import lower, read_model
from flow.run.loading import parse_config
from flow.run.pipeline import Context, Pipeline
from flow.run.steps.export import ExportStep
from flow.run.steps.train import TrainStep
from flow.zoo.networks import brevitas_logits

EXAMPLE = Path(__file__).parents[3] / "examples" / "lenet.yaml"


def small(**changes: dict[str, Any]) -> dict[str, Any]:
    document = yaml.safe_load(EXAMPLE.read_text())
    few = {
        "data": {"train_images": 240, "test_images": 40},
        "training": {
            "epochs": 2,
            "batch_size": 40,
            "calibration_batches": 2,
            "learning_rate": 0.01,
            "held_out": {"images": 40, "steps": 2},
            "plain": False,
        },
        "network": {"width": 0.5},
        "verify": {"images": 40},
    }
    for section in (few, changes):
        for key, values in section.items():
            document[key] = document[key] | values
    return document


def context(folder: Path, **changes: dict[str, Any]) -> Context:
    data = folder / "data"
    data.mkdir(exist_ok=True)
    write_mnist(bars_dataset(noise=110, light=145), data)
    return Context(
        config=parse_config(small(**changes), "here"), workspace=folder / "ws", data=data
    )


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Context:
    made = context(tmp_path_factory.mktemp("lenet"))
    Pipeline((TrainStep(), ExportStep())).run(made)
    return made


def test_it_trains_a_lenet_whose_integers_are_those_of_brevitas(exported: Context) -> None:
    network = load_checkpoint(exported.folder("train") / "robust.pt")
    assert isinstance(network, QuantClassifier)
    integer = lower(read_model(exported.folder("export") / "robust.onnx")).network
    assert in_words(integer).startswith("image squeezed to 2 levels, 2 convolutions (5x5) to 3 and")
    images = load_dataset(exported.config.data, exported.data).test_images
    np.testing.assert_array_equal(integer.logits(images), brevitas_logits(network, images))


def test_only_the_first_network_is_trained_where_none_is_compared(exported: Context) -> None:
    folder = exported.folder("train")
    assert not (folder / "plain.pt").exists()
    curves = json.loads((folder / "curves.json").read_text())
    assert [point["epoch"] for point in curves["robust"]] == [1, 2]
    assert {"clean", "robust", "penalties"} <= curves["robust"][-1].keys()
    assert list((folder / "logs" / "robust").glob("events.*"))
    assert not list(folder.glob("*.state"))


def test_its_checkpoint_is_taken_instead_of_training(exported: Context, tmp_path: Path) -> None:
    path = exported.folder("train") / "robust.pt"
    config = exported.config
    training = config.training.model_copy(update={"checkpoints": {"robust": str(path)}})
    again = replace(
        exported,
        config=config.model_copy(update={"training": training}),
        workspace=tmp_path,
    )
    Pipeline((TrainStep(),)).run(again)
    assert (tmp_path / "train" / "robust.pt").read_bytes() == path.read_bytes()


def test_images_of_another_size_are_refused(exported: Context, tmp_path: Path) -> None:
    digits = exported.config.model_copy(update={"data": DataConfig()})
    for name in ("robust.pt", "step.json"):
        (tmp_path / "train").mkdir(exist_ok=True)
        (tmp_path / "train" / name).write_bytes((exported.folder("train") / name).read_bytes())
    other = replace(exported, config=digits, workspace=tmp_path)
    message = r"export: the network takes images of 28x28x1 in 10 classes, and those of digits are"
    with pytest.raises(FlowError, match=message):
        ExportStep().run(other, tmp_path, tmp_path)

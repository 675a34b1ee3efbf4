# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
import gzip
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from bar_images import bars_dataset, same

from brevitas_models.pretrained import build, card, load
from flow import zoo_evaluation, zoo_robust, zoo_training
from flow._zoo_start import blend
from flow.attacks.pgd import Pgd
from flow.data import Dataset
from flow.trainer import EpochReport, HeldOut, Schedule, TrainerSettings
from flow.zoo import brevitas_logits
from flow.zoo_robust import ROBUST_RECIPES, RobustRecipe, train_robust

NAME = "mnist-tfc-w2a2-robust"
SETTINGS = TrainerSettings(
    schedule=Schedule(epochs=2, learning_rate=1e-2, epsilon_255=26),
    batch=20,
    calibration_batches=5,
    held_out=HeldOut(images=100, steps=3),
)
RECIPE = RobustRecipe(objective="pgd", options={"steps": 2}, trainer=SETTINGS)


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return bars_dataset(noise=110, light=145)


def write_idx(path: Path, values: np.ndarray) -> None:
    header = struct.pack(f">I{values.ndim}I", 0x0800 + values.ndim, *values.shape)
    path.write_bytes(gzip.compress(header + values.astype(np.uint8).tobytes()))


def test_training_learns_and_the_same_recipe_gives_the_same_bits(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    monkeypatch.setattr(zoo_robust, "banner", lines.append)
    first = train_robust(NAME, dataset, tmp_path / "state", RECIPE)
    again = train_robust(NAME, dataset, tmp_path / "other", RECIPE)
    assert same(first.network, again.network)
    assert len(lines) == 4
    assert f"{NAME}: epoch 2 of 2 (quantized), loss" in lines[1]
    assert float(lines[1].split("clean, ")[1].split()[0]) > 0.5
    assert all(norm.running_mean.abs().max() == 0 for _, norm in first.network.norms())


def test_a_finished_training_is_not_done_again(dataset: Dataset, tmp_path: Path) -> None:
    first = train_robust(NAME, dataset, tmp_path / "state", RECIPE)
    again = train_robust(NAME, dataset, tmp_path / "state", RECIPE)
    assert same(first.network, again.network)
    assert again.seconds == first.seconds


def test_penalties_and_trained_weights_change_the_result(dataset: Dataset, tmp_path: Path) -> None:
    short = replace(
        RECIPE, trainer=replace(SETTINGS, schedule=Schedule(epochs=1, learning_rate=1e-3))
    )
    recipes = [short, replace(short, penalties={"dq": 1e-2}), replace(short, initial=NAME)]
    found = [
        train_robust(NAME, dataset, tmp_path / str(index), recipe).network
        for index, recipe in enumerate(recipes)
    ]
    assert not same(found[0], found[1])
    assert not same(found[0], found[2])


def test_blending_moves_weights_by_the_share() -> None:
    fresh, blended, trained = build(NAME), build(NAME), load(NAME)
    blend(blended, NAME, 0.25)
    layers = zip(*(network.weighted_layers() for network in (fresh, blended, trained)), strict=True)
    for (_, one), (_, other), (_, target) in layers:
        expected = 0.75 * one.weight + 0.25 * target.weight
        torch.testing.assert_close(other.weight, expected)


def test_a_report_without_measurement_is_a_line() -> None:
    report = EpochReport(
        epoch=1, epochs=2, phase="float", loss=1, accuracy=0.5, epsilon_255=26,
        learning_rate=0.1, seconds=3,
    )  # fmt: skip
    line = zoo_robust._line(report)
    assert line == "epoch 1 of 2 (float), loss 1.0000, accuracy 0.5000 attacked; 3 s"


def test_shipped_robust_figures_are_those_of_the_recipe() -> None:
    for name, recipe in ROBUST_RECIPES.items():
        found = card(name)
        assert found.objective == recipe.objective
        assert found.initial == recipe.initial
        assert found.robust is not None
        assert found.robust.epsilon_255 == recipe.epsilon_255
        assert found.robust.accuracy == found.robust.attacks[-1].accuracy
        assert found.robust.ci95[0] < found.robust.accuracy < found.robust.ci95[1]


def test_the_command_trains_attacks_and_writes_the_card(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for prefix, images, labels in (
        ("train", dataset.train_images, dataset.train_labels),
        ("t10k", dataset.test_images, dataset.test_labels),
    ):
        write_idx(tmp_path / f"{prefix}-images-idx3-ubyte.gz", images[..., 0])
        write_idx(tmp_path / f"{prefix}-labels-idx1-ubyte.gz", labels)
    monkeypatch.setitem(zoo_training.RECIPES, NAME, RECIPE)
    monkeypatch.setattr(zoo_evaluation, "ATTACKS", (Pgd(steps=5),))
    options = ["--data", str(tmp_path), "--output", str(tmp_path / "out"), "--images", "50"]
    assert zoo_training.main([NAME, *options]) == 0
    found, network = card(NAME, tmp_path / "out"), load(NAME, tmp_path / "out")
    assert found.robust is not None
    right = brevitas_logits(network, dataset.test_images).argmax(1) == dataset.test_labels
    assert found.accuracy == round(right.mean(), 4)
    assert (found.robust.images, found.robust.epsilon_255) == (50, 26)
    assert 0 < found.robust.accuracy <= right[:50].mean()
    assert (found.objective, found.training_images) == ("pgd", 500)

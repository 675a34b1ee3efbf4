# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from bar_images import bars_dataset, same

from brevitas_models.pretrained import card, load, names
from flow import zoo_training
from flow._augmentation import mirrored, moved
from flow.data import Dataset
from flow.errors import FlowError
from flow.zoo import brevitas_logits
from flow.zoo_training import RECIPES, Recipe, main, train

TFC = "mnist-tfc-w2a2"
RECIPE = Recipe(epochs=3, learning_rate=5e-3, batch=20, shift=1)


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return bars_dataset(noise=100, light=150)


def test_training_learns_and_gives_what_is_shipped(dataset: Dataset, tmp_path: Path) -> None:
    network, seconds = train(TFC, dataset, tmp_path / "state", RECIPE)
    right = brevitas_logits(network, dataset.test_images).argmax(1) == dataset.test_labels
    assert right.mean() > 0.8
    assert seconds > 0
    assert not network.training
    assert all(norm.running_mean.abs().max() == 0 for _, norm in network.norms())


def test_an_interrupted_training_goes_on_to_the_same_bits(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, _ = train(TFC, dataset, tmp_path / "whole", RECIPE)
    epochs = 0

    def interrupted(*arguments: object) -> None:
        nonlocal epochs
        zoo_training_write(*arguments)
        epochs += 1
        if epochs == 2:
            raise KeyboardInterrupt

    zoo_training_write = zoo_training.write_state
    monkeypatch.setattr(zoo_training, "write_state", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(TFC, dataset, tmp_path / "state", RECIPE)
    monkeypatch.setattr(zoo_training, "write_state", zoo_training_write)
    resumed, _ = train(TFC, dataset, tmp_path / "state", RECIPE)
    assert same(whole, resumed)


def test_a_diverging_loss_is_named(dataset: Dataset, tmp_path: Path) -> None:
    recipe = Recipe(epochs=1, learning_rate=float("inf"), batch=20)
    with pytest.raises(FlowError, match=r"the loss is nan; lower the recipe's learning_rate \(inf"):
        train(TFC, dataset, tmp_path / "state", recipe)


def write_idx(path: Path, values: np.ndarray) -> None:
    header = struct.pack(f">I{values.ndim}I", 0x0800 + values.ndim, *values.shape)
    path.write_bytes(gzip.compress(header + values.astype(np.uint8).tobytes()))


def test_the_command_writes_network_and_card(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for prefix, images, labels in (
        ("train", dataset.train_images, dataset.train_labels),
        ("t10k", dataset.test_images, dataset.test_labels),
    ):
        write_idx(tmp_path / f"{prefix}-images-idx3-ubyte.gz", images[..., 0])
        write_idx(tmp_path / f"{prefix}-labels-idx1-ubyte.gz", labels)
    monkeypatch.setitem(RECIPES, TFC, RECIPE)
    assert main([TFC, "--data", str(tmp_path), "--output", str(tmp_path / "out")]) == 0
    found, network = card(TFC, tmp_path / "out"), load(TFC, tmp_path / "out")
    right = brevitas_logits(network, dataset.test_images).argmax(1) == dataset.test_labels
    assert found.accuracy == round(right.mean(), 4)
    assert (found.epochs, found.training_images, found.test_images) == (3, 600, 100)
    assert found.command == f"python -m flow.zoo_training {TFC}"


def test_a_missing_data_set_is_one_line_and_status_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([TFC, "--data", str(tmp_path), "--output", str(tmp_path)]) == 2
    assert "holds neither train-images" in capsys.readouterr().err


def test_every_network_has_a_recipe_and_cards_follow_it() -> None:
    assert tuple(RECIPES) == names()
    for name, recipe in RECIPES.items():
        found = card(name)
        assert (found.epochs, found.seed) == (recipe.epochs, recipe.seed)
        assert found.command == f"python -m flow.zoo_training {name}"
        assert (found.objective == "standard") == isinstance(recipe, Recipe)


def test_moved_images_are_shifts_filled_with_zero() -> None:
    image = torch.arange(1.0, 26).reshape(1, 1, 5, 5)
    padded = torch.nn.functional.pad(image, (1,) * 4)
    shifts = [padded[0, 0, y : y + 5, x : x + 5] for y in range(3) for x in range(3)]
    found = moved(image.expand(200, 1, 5, 5), 1, torch.Generator().manual_seed(0))
    hits = torch.stack([(found[:, 0] == shift).all(dim=(1, 2)) for shift in shifts])
    assert (hits.sum(0) == 1).all()
    assert (hits.sum(1) > 0).all()


def test_no_reach_moves_nothing() -> None:
    image = torch.rand(2, 3, 5, 5)
    assert torch.equal(moved(image, 0, torch.Generator()), image)


def test_about_half_of_the_images_are_mirrored() -> None:
    image = torch.rand(1, 3, 4, 5).expand(200, 3, 4, 5)
    found = mirrored(image, torch.Generator().manual_seed(0))
    turned = (found == image.flip(3)).flatten(1).all(dim=1)
    kept = (found == image).flatten(1).all(dim=1)
    assert (turned ^ kept).all()
    assert 70 < turned.sum() < 130

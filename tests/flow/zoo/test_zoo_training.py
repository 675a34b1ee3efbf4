# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from bar_images import bars_dataset, write_mnist

from brevitas_models.pretrained import card, load, trained
from flow.attacks.pgd import Pgd
from flow.cli import main
from flow.config import HeldOut, Recipe
from flow.data.datasets import Dataset
from flow.training.augmentation import mirrored, moved
from flow.zoo import evaluation as zoo_evaluation
from flow.zoo.entries import ENTRIES, entry
from flow.zoo.networks import brevitas_logits

PLAIN = "mnist-tfc-w2a2"
ON_ONE_BIT = next(
    name for name, one in ENTRIES.items() if "-tfc-" in name and one.network.input_bits == 1
)
STANDARD = Recipe(epochs=2, learning_rate=1e-2, batch_size=50)
ADVERSARIAL = STANDARD.changed(
    objective="pgd",
    options={"steps": 2},
    epsilon_255=30,
    held_out=HeldOut(images=100, steps=3, epsilon_255=26),
)


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    found = bars_dataset(noise=110, light=145)
    write_mnist(found, tmp_path)
    return found


def train(name: str, folder: Path, *options: str) -> int:
    place = ["--data", str(folder), "--output", str(folder / "out")]
    return main(["zoo", "train", name, *place, *options])


def test_a_plain_network_and_its_card_are_written(
    dataset: Dataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setitem(ENTRIES, PLAIN, replace(entry(PLAIN), recipe=STANDARD))
    assert train(PLAIN, tmp_path) == 0
    found, network = card(PLAIN, tmp_path / "out"), load(PLAIN, tmp_path / "out")
    right = brevitas_logits(network, dataset.test_images).argmax(1) == dataset.test_labels
    assert found.accuracy == round(right.mean(), 4) > 0.5
    assert (found.epochs, found.training_images, found.test_images) == (2, 600, 100)
    assert found.command == f"steelflow zoo train {PLAIN}"
    assert found.robust is None
    assert found.lipschitz is not None
    assert f"{tmp_path / 'out' / PLAIN}.npz" in capsys.readouterr().out


def test_a_robust_network_is_attacked_for_its_card(
    dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(
        ENTRIES, ON_ONE_BIT, replace(entry(ON_ONE_BIT), recipe=ADVERSARIAL, start=None)
    )
    monkeypatch.setattr(zoo_evaluation, "ATTACKS", (Pgd(steps=5),))
    assert train(ON_ONE_BIT, tmp_path, "--images", "50") == 0
    found, network = card(ON_ONE_BIT, tmp_path / "out"), load(ON_ONE_BIT, tmp_path / "out")
    right = brevitas_logits(network, dataset.test_images).argmax(1) == dataset.test_labels
    assert found.robust is not None
    assert (found.robust.images, found.robust.epsilon_255) == (50, 26)
    assert 0 < found.robust.accuracy <= right[:50].mean()
    assert (found.objective, found.training_images) == ("pgd", 500)


def test_an_unknown_network_gets_the_nearest_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["zoo", "train", "mnist-tfc-w2"]) == 2
    assert "no network 'mnist-tfc-w2'; did you mean 'mnist-tfc-w2a2'" in capsys.readouterr().err


def test_missing_data_are_one_line_and_leave_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(PLAIN, tmp_path) == 2
    assert "holds neither train-images" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("dataset")
def test_an_output_that_is_no_folder_is_refused_before_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").write_text("a file")
    assert train(PLAIN, tmp_path) == 2
    assert "zoo train: cannot write under" in capsys.readouterr().err


@pytest.mark.usefixtures("dataset")
@pytest.mark.parametrize("images", ["-1", "101"])
def test_a_number_of_attacked_images_that_there_is_not_is_refused(
    images: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train(ON_ONE_BIT, tmp_path, "--images", images) == 2
    assert f"--images {images}: is not within 0..100, the test images" in capsys.readouterr().err


def test_every_network_has_a_recipe_and_shipped_cards_follow_it() -> None:
    assert set(ENTRIES) >= set(trained())
    for name in trained():
        found, one = card(name), entry(name)
        assert (found.data, found.network) == (one.data, one.network)
        assert (found.epochs, found.seed) == (one.recipe.all_epochs, one.seed)
        assert found.objective == one.recipe.objective
        assert found.initial == (one.start and one.start.network)
        assert found.command == f"steelflow zoo train {name}"


def test_shipped_robust_figures_are_those_of_the_recipe() -> None:
    shipped = {name: card(name) for name in trained()}
    assert any(found.robust for found in shipped.values())
    for name, found in shipped.items():
        epsilon_255 = entry(name).epsilon_255
        if epsilon_255 and found.certified is not None:
            assert found.certified.epsilon_255 == epsilon_255
            assert found.certified.certified <= found.certified.possible <= found.accuracy
        elif epsilon_255:
            assert found.robust is not None
            assert found.robust.epsilon_255 == epsilon_255
            assert found.robust.accuracy == found.robust.attacks[-1].accuracy
            assert found.robust.ci95[0] < found.robust.accuracy < found.robust.ci95[1]


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

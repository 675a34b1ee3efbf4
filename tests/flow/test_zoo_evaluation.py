# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
import gzip
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from brevitas_models.pretrained import card, load, save
from flow import zoo_evaluation
from flow.attacks.base import Attack
from flow.attacks.pgd import Pgd
from flow.attacks.square import Square
from flow.classifier import accuracy
from flow.data import Dataset
from flow.integer import IntegerNetwork
from flow.zoo import brevitas_logits
from flow.zoo_evaluation import ATTACKS, lowered, main, measure

NAME = "mnist-tfc-w2a2-robust"
QUICK: tuple[Attack, ...] = (Pgd(steps=5), Square(steps=20))


@pytest.fixture(scope="module")
def network() -> IntegerNetwork:
    return lowered(load(NAME))


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    """Grey noise, labelled as the network sees it but for every tenth image."""
    images = np.random.default_rng(0).integers(0, 256, (60, 28, 28, 1)).astype(np.uint8)
    labels = brevitas_logits(load(NAME), images).argmax(1).astype(np.int64)
    labels[::10] = (labels[::10] + 1) % 10
    return Dataset("mnist", images, labels, images, labels, classes=10)


def test_the_attacks_are_those_of_the_zoos_table() -> None:
    budgets = {attack.name: (attack.steps, attack.restarts) for attack in ATTACKS}
    assert budgets["pgd"] == (50, 10)
    assert budgets["square"] == (5000, 1)
    assert {"apgd_ce", "apgd_dlr"} <= set(budgets)


def test_each_attack_leaves_no_more_than_the_one_before(
    network: IntegerNetwork, dataset: Dataset
) -> None:
    found = measure(NAME, network, dataset, epsilon_255=40, images=40, attacks=QUICK)
    pgd, square = found.robust.attacks
    assert found.clean == accuracy(
        brevitas_logits(load(NAME), dataset.test_images), dataset.test_labels
    )
    assert found.clean_attacked == 0.9 > pgd.accuracy >= square.accuracy
    assert found.robust.accuracy == square.accuracy
    assert (found.robust.images, found.robust.norm, found.robust.epsilon_255) == (40, "linf", 40)
    assert (pgd.steps, square.attack) == (5, "square")


def test_a_ball_of_no_size_leaves_all(network: IntegerNetwork, dataset: Dataset) -> None:
    found = measure(NAME, network, dataset, epsilon_255=0, images=60, attacks=QUICK)
    assert found.robust.accuracy == found.clean == found.clean_attacked == 0.9


def write_idx(path: Path, values: np.ndarray) -> None:
    header = struct.pack(f">I{values.ndim}I", 0x0800 + values.ndim, *values.shape)
    path.write_bytes(gzip.compress(header + values.astype(np.uint8).tobytes()))


@pytest.fixture
def folder(dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The images as MNIST's files, and a copy of the network whose card has no robust figures."""
    for prefix in ("train", "t10k"):
        write_idx(tmp_path / f"{prefix}-images-idx3-ubyte.gz", dataset.test_images[..., 0])
        write_idx(tmp_path / f"{prefix}-labels-idx1-ubyte.gz", dataset.test_labels)
    save(load(NAME), replace(card(NAME), robust=None), tmp_path)
    monkeypatch.setattr(zoo_evaluation, "ATTACKS", QUICK)
    return tmp_path


def test_the_command_writes_what_it_prints_into_the_card(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = ["--data", str(folder), "--folder", str(folder)]
    assert main([NAME, *place, "--epsilon", "30", "--images", "20", "--write"]) == 0
    robust = card(NAME, folder).robust
    assert robust is not None
    assert (robust.images, robust.epsilon_255, len(robust.attacks)) == (20, 30, 2)
    assert card(NAME, folder).accuracy == 0.9
    printed = capsys.readouterr().err
    assert f"  square 20 x 1: {robust.accuracy:.4f}" in printed
    assert main([NAME, *place]) == 0  # with the card's epsilon and images
    assert capsys.readouterr().err == printed


def test_a_card_without_figures_needs_a_budget(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([NAME, "--data", str(folder), "--folder", str(folder), "--images", "5"]) == 2
    assert "its card has no robust figures; give --epsilon, --images" in capsys.readouterr().err


def test_too_many_images_are_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = ["--data", str(folder), "--folder", str(folder)]
    assert main([NAME, *place, "--epsilon", "9", "--images", "99"]) == 2
    assert "--images: 99 is more than the 60 test images" in capsys.readouterr().err

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bar_images import write_mnist

from brevitas_models.pretrained import build, card, load, save, trained
from flow.attacks.base import Attack
from flow.attacks.pgd import Pgd
from flow.attacks.square import Square
from flow.cli import main
from flow.data.datasets import Dataset
from flow.export.deployment import lowered
from flow.integer import Dense, Flatten, IntegerNetwork
from flow.zoo import evaluation as zoo_evaluation
from flow.zoo.evaluation import ATTACKS, Budget, attack, attacks_for
from flow.zoo.lipschitz import lipschitz_figures
from flow.zoo.networks import brevitas_logits

NAME = "mnist-tfc-w2a2"
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
    assert budgets["flip"] == (8000, 1)
    assert {"apgd_ce", "apgd_dlr"} <= set(budgets)


def test_an_image_of_8_bits_is_attacked_by_targets_instead_of_flips(
    network: IntegerNetwork,
) -> None:
    plain = IntegerNetwork(
        (Flatten(name="flat"), Dense(name="last", weights=np.ones((4, 3), np.int64))),
        (2, 2, 1),
        1.0,
    )
    names = [one.name for one in attacks_for(plain)]
    assert ("apgd_dlr_targeted" in names, "flip" in names) == (True, False)
    assert "flip" in [one.name for one in attacks_for(network)]


def test_each_attack_leaves_no_more_than_the_one_before(
    network: IntegerNetwork, dataset: Dataset
) -> None:
    found = attack(NAME, network, dataset, Budget(epsilon_255=2, images=40), QUICK)
    pgd, square = found.attacks
    assert 0.9 > pgd.accuracy >= square.accuracy > 0
    assert found.accuracy == square.accuracy
    assert (found.images, found.norm, found.epsilon_255) == (40, "linf", 2)
    assert found.union == "pgd 5 + square 20"


def test_a_ball_of_no_size_leaves_all(network: IntegerNetwork, dataset: Dataset) -> None:
    found = attack(NAME, network, dataset, Budget(epsilon_255=0, images=60), QUICK)
    assert found.accuracy == 0.9


@pytest.fixture
def folder(dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The images as MNIST's files, and a copy of the network with its card."""
    write_mnist(dataset, tmp_path)
    save(load(NAME), replace(card(NAME), lipschitz=None), tmp_path)
    monkeypatch.setattr(zoo_evaluation, "ATTACKS", QUICK)
    return tmp_path


def evaluate(folder: Path, *options: str) -> int:
    place = ["--data", str(folder), "--folder", str(folder)]
    return main(["zoo", "evaluate", NAME, *place, *options])


def test_what_is_printed_can_be_written_into_the_card(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate(folder, "--epsilon", "1", "--images", "20", "--write") == 0
    found = card(NAME, folder)
    assert found.robust is not None
    assert (found.robust.images, found.robust.epsilon_255, found.robust.seed) == (20, 1, 0)
    assert found.accuracy == 0.9
    assert found.lipschitz == lipschitz_figures(load(NAME))
    printed = capsys.readouterr().out
    assert f"left by square 20     {found.robust.accuracy:.2%}" in printed
    assert evaluate(folder) == 0  # with the card's epsilon and images
    again = capsys.readouterr().out.splitlines()
    (worst,) = (line for line in again if line.startswith("worst case"))
    assert worst.count(f"{found.robust.accuracy:.2%} (95%: ") == 2


def test_figures_are_written_as_json(folder: Path) -> None:
    place = folder / "figures.json"
    options = ["--epsilon", "2", "--images", "10", "--seed", "3", "--json", str(place)]
    assert evaluate(folder, *options) == 0
    found = json.loads(place.read_text())
    assert (found["name"], found["clean"], found["test_images"]) == (NAME, 0.9, 10_000)
    assert found["clean_attacked"] == 0.9 >= found["robust"]["accuracy"]
    assert (found["robust"]["seed"], found["attack"]) == (3, "pgd 5 + square 20")
    assert card(NAME, folder).robust is None


def test_a_plain_network_is_not_attacked_unless_asked(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate(folder) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in lines] == [NAME, "clean", "Lipschitz bound, l2"]
    assert lines[1].split() == ["clean", "90.00%", f"{card(NAME).accuracy:.2%}"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--images", "5"], f"the card of {NAME} has no robust figures; give an epsilon"),
        (["--epsilon", "9", "--images", "0"], "--images 0: give at least 1"),
        (["--epsilon", "9", "--images", "99"], "--images: 99 is more than the 60 test images"),
        (["--epsilon", "256"], "--epsilon 256: give 0 to 255"),
        (["--seed", "-1"], "--seed -1: give at least 0"),
        (["--json", "/nowhere/a.json"], "/nowhere/a.json: there is no folder /nowhere; make it"),
        (["--json", "/"], "--json /: is a folder; name a file"),
        (["--data", "/nowhere"], "/nowhere: holds neither train-images"),
        (["--folder", "/nowhere"], f"{NAME} has no {NAME}.yaml in /nowhere; run steelflow zoo tr"),
    ],
)
def test_bad_input_is_one_line_and_status_2(
    folder: Path, options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate(folder, *options) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_an_unknown_network_gets_the_nearest_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["zoo", "evaluate", "mnist-tfc-w2"]) == 2
    assert "no network 'mnist-tfc-w2'; did you mean 'mnist-tfc-w2a2'" in capsys.readouterr().err


def test_figures_that_cannot_be_written_are_one_line(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "figures.json.part").mkdir()  # where the file is made
    assert evaluate(folder, "--json", str(folder / "figures.json")) == 2
    assert "figures.json: cannot be written (Is a directory)" in capsys.readouterr().err


def test_the_bound_behind_a_bit_is_that_of_the_layers() -> None:
    name = next(name for name in trained() if card(name).network.input_bits == 1)
    found = lipschitz_figures(build(name).eval())
    assert found.of == "network behind its 1-bit input, of inputs in 0..1"
    assert found.slope > 0


def test_one_bit_activations_leave_only_rounding() -> None:
    found = lipschitz_figures(load("mnist-tfc-w1a1"))
    assert (found.norm, found.slope, found.of) == ("l2", 0.0, "network, of inputs in 0..1")
    assert found.rounding > 0

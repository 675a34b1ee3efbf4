# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What the attack step writes, on a real network."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hashing_kernel import Geometry, write_hashing_kernel
from quantized_digits import digits_network

from flow.classifier import Images
from flow.errors import FlowError
from flow.run.examples import load_examples
from flow.run.loading import parse_config
from flow.run.pipeline import Context
from flow.run.steps.attack import AttackStep
from hw.runner.errors import BoardError
from hw.runner.server.http import Server
from hw.runner.server.model import Answer, Model
from hw.runner.server.settings import ServerSettings
from hw.shell.kernel import Kernel


def measured(
    tmp_path: Path, rtlsim: dict[str, int] | None = None, **attack: object
) -> dict[str, Any]:
    budget = {"epsilons_255": [4, 16], "images": 40, "steps": 4, "restarts": 1, "queries": 40}
    document = {"name": "a", "attack": budget | attack, "rtlsim": rtlsim or {}}
    config = parse_config(document, "here")
    context = Context(config=config, workspace=tmp_path, data=None)
    folder, scratch = tmp_path / "attack", tmp_path / "scratch"
    for made in (context.folder("compile"), folder, scratch):
        made.mkdir(parents=True, exist_ok=True)
    for name in ("network", "plain"):
        digits_network().save(context.folder("compile") / f"{name}.npz")
    AttackStep().run(context, folder, scratch)
    found: dict[str, Any] = json.loads((folder / "attack.json").read_text())
    return found


def keys(rows: list[dict[str, Any]]) -> list[tuple[str, int]]:
    return [(row["attack"], row["epsilon_255"]) for row in rows if row["network"] == "plain"]


def accuracies(rows: list[dict[str, Any]]) -> dict[tuple[str, int], float]:
    return {(row["attack"], row["epsilon_255"]): row["accuracy"] for row in rows}


def test_each_attack_has_its_rows_and_the_union_those_of_one_norm(tmp_path: Path) -> None:
    found = measured(tmp_path, attacks=["fgsm", "cw", "square"])
    single = [(name, eps) for name in ("fgsm", "cw", "square") for eps in (4, 16)]
    assert keys(found["rows"]) == [*single, ("fgsm+square", 4), ("fgsm+square", 16)]
    assert found["checks"] == []


def test_the_deployed_network_gets_an_attacked_image_for_each_simulated_one(
    tmp_path: Path,
) -> None:
    measured(tmp_path, attacks=["fgsm"], rtlsim={"images": 70, "epsilon_255": 16})
    found = load_examples(tmp_path / "attack")
    assert {name: len(images) for name, images in found.attacked.items()} == {
        "robust": 70,
        "plain": 64,
    }
    moved = np.abs(found.attacked["robust"].astype(int) - found.clean)
    assert len(found.labels) == 70
    assert moved.max() == 16


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, Any]]:
    attacks = ["fgsm", "pgd", "square"]
    whole = measured(tmp_path_factory.mktemp("whole"), attacks=attacks)
    early = measured(tmp_path_factory.mktemp("early"), attacks=attacks, stop_early=True)
    return whole, early


def test_stopping_early_gives_the_unions(both: tuple[dict[str, Any], dict[str, Any]]) -> None:
    whole, early = both
    stages = ("fgsm", "fgsm+pgd", "fgsm+pgd+square")
    assert keys(early["rows"]) == [(name, eps) for eps in (4, 16) for name in stages[::-1]]
    ours, every = accuracies(early["rows"]), accuracies(whole["rows"])
    for epsilon in (4, 16):
        assert ours[stages[0], epsilon] == every[stages[0], epsilon]
        assert ours[stages[2], epsilon] == every[stages[2], epsilon]


def test_an_interrupted_step_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, both: tuple[dict[str, Any], dict[str, Any]]
) -> None:
    first = measured(tmp_path, attacks=["fgsm", "pgd", "square"], stop_early=True)
    assert first == both[1]
    monkeypatch.setattr(
        sys.modules[AttackStep.__module__], "worst_case", None
    )  # would fail if it ran again
    assert measured(tmp_path, attacks=["fgsm", "pgd", "square"], stop_early=True) == first


def broken(found: dict[str, Any], network: str = "robust") -> dict[int, set[int]]:
    entries = [entry for entry in found["broken"] if entry["network"] == network]
    return {entry["epsilon_255"]: set(entry["images"]) for entry in entries}


@pytest.mark.parametrize("stop_early", [False, True])
def test_every_image_that_something_breaks_is_named(
    both: tuple[dict[str, Any], dict[str, Any]], stop_early: bool
) -> None:
    found = both[stop_early]
    named = broken(found, "plain")
    assert set(named) == {4, 16, 32}  # 32: of the pictures
    for epsilon in (4, 16):
        images, worst = named[epsilon], accuracies(found["rows"])["fgsm+pgd+square", epsilon]
        assert len([image for image in images if image < 40]) >= round(40 * (1 - worst))
    assert broken(both[0])[16] >= broken(both[1])[16]


def test_more_steps_are_a_check_and_no_row(tmp_path: Path) -> None:
    found = measured(tmp_path, attacks=["pgd"], check_steps=8)
    assert {row["steps"] for row in found["rows"]} == {4}
    assert [(row["attack"], row["steps"]) for row in found["checks"]] == [("pgd", 8)] * 4


def on_a_board(
    tmp_path: Path, error: int = 0, fails_after: int = 10**9, **attack: object
) -> dict[str, Any]:
    """Attack a board behind a server: logits too large by an error, dead after some queries."""
    network = digits_network()
    if not (tmp_path / "compile" / "kernel").exists():
        write_hashing_kernel(Geometry(), tmp_path / "compile")
    kernel = Kernel.load(tmp_path / "compile" / "kernel")
    asked = 0

    def classify(images: Images) -> Answer:
        nonlocal asked
        asked += len(images)
        if asked > fails_after:
            raise BoardError("Zynq board: not done in 2 s; load the bitstream again")
        return Answer(network.logits(images) + np.int32(error), cycles=100 * len(images))

    about: dict[str, str | float] = {"digest": kernel.manifest.digest, "clock_mhz": 100.0}
    model = Model("digits", network.input_shape, network.classes, "logits", classify, about)
    with Server(model, ServerSettings(port=0)) as server:
        place = f"{server.url}/v2/models/digits"
        return measured(tmp_path, engine="board", board=place, **attack)


def test_a_board_is_attacked_and_judges(tmp_path: Path) -> None:
    chosen: dict[str, Any] = {"attacks": ["pgd", "square"], "epsilons_255": [16], "images": 12}
    found = on_a_board(tmp_path, **chosen)
    alone = measured(tmp_path / "alone", **chosen)
    engines = {(row["network"], row["engine"]) for row in found["rows"]}
    assert engines == {("robust", "board"), ("plain", "integer")}
    assert accuracies(found["rows"]) == accuracies(alone["rows"])
    (board,) = found["boards"]
    assert board["clock_mhz"] == 100.0
    assert board["queries"] > 360 + 12 * 40  # the test set's and those of square
    assert (board["test_set"]["images"], board["test_set"]["images_differ"]) == (360, 0)
    assert board["test_set"]["cycles_per_image"] == 100.0
    assert 0 < board["link_s"] < board["seconds"]
    asked = {row["attack"]: row["board"]["queries"] for row in found["rows"] if "board" in row}
    assert asked["pgd"] + asked["square"] == asked["pgd+square"]
    assert alone["boards"] == []


def test_a_board_that_contradicts_the_integers_stops_the_step(tmp_path: Path) -> None:
    with pytest.raises(FlowError, match=r"board: contradicts the integers on \d+ of \d+ images"):
        on_a_board(tmp_path, error=1, attacks=["fgsm"], epsilons_255=[16], images=8)
    assert len(np.load(tmp_path / "scratch" / "contradiction.npy"))


def test_a_board_that_fails_stops_the_step_which_goes_on_later(tmp_path: Path) -> None:
    chosen: dict[str, Any] = {"attacks": ["pgd", "square"], "epsilons_255": [16], "images": 12}
    whole = on_a_board(tmp_path / "whole", **chosen)
    with pytest.raises(FlowError, match="not done in 2 s; load the bitstream again"):
        on_a_board(tmp_path, fails_after=500, **chosen)
    again = on_a_board(tmp_path, **chosen)
    assert accuracies(again["rows"]) == accuracies(whole["rows"])
    assert again["boards"][0]["queries"] < whole["boards"][0]["queries"]  # PGD was done already

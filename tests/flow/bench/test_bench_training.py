# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The trainer's benchmark: its rows and its options, at the smallest size."""

import argparse
import json
from pathlib import Path
from typing import Any

import pytest
from torch import Tensor

from flow.bench import training_steps
from flow.bench.training import TRAINING
from flow.bench.training_cases import CASES, Case
from flow.bench.training_steps import measure
from flow.cli import main
from flow.errors import FlowError
from flow.objectives import pgd
from flow.objectives.ascent import AttackSettings, cross_entropy_ascent
from flow.objectives.base import Batch, Logits

KEYS = [
    *("model", "device", "batch", "pgd_steps", "frozen", "adversarial_ms", "plain_ms"),
    *("ratio", "target", "adversarial_images_per_s", "plain_images_per_s"),
    *("adversarial_saved_mib", "plain_saved_mib"),
]
LENET = Case(data="mnist", architecture="lenet5", bits=4, batch=8)
TFC = Case(data="mnist", architecture="tfc", bits=2, batch=8)


def test_row_has_times_and_their_ratio(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = [(0.3, 0.4), (0.5, 0.4), (0.4, 0.8)]  # seconds of 2 adversarial and of 8 plain steps
    monkeypatch.setattr(training_steps, "_turns", lambda *_: turns)
    row = measure(LENET, "cpu", 3, 0.1, None)
    assert list(row) == KEYS
    assert (row["model"], row["batch"], row["pgd_steps"]) == ("mnist-lenet5-w4a4", 8, 3)
    assert (row["adversarial_ms"], row["plain_ms"]) == pytest.approx((200, 50))
    assert row["ratio"] == pytest.approx(0.75)
    assert row["adversarial_images_per_s"] == pytest.approx(40)
    assert row["plain_images_per_s"] == pytest.approx(160)


def test_both_kinds_take_turns() -> None:
    ours, theirs = iter(range(100)), iter(range(100, 200))
    found = training_steps._turns(lambda: next(ours), lambda: next(theirs), 0.0)
    assert found == [(1, 101), (2, 102), (3, 103), (4, 104), (5, 105)]  # after a warm-up


@pytest.mark.parametrize("steps", [1, 9])
def test_steps_of_the_attack_are_taken(steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    attacks: list[int] = []

    def counting(
        victim: Logits, batch: Batch, settings: AttackSettings, *, start: Tensor
    ) -> Tensor:
        attacks.append(0)

        def counted(images: Tensor) -> Tensor:
            attacks[-1] += 1
            return victim(images)

        return cross_entropy_ascent(counted, batch, settings, start=start)

    monkeypatch.setattr(pgd, "cross_entropy_ascent", counting)
    measure(TFC, "cpu", steps, 0.0, None)
    assert attacks == [steps] * 2 * (1 + 5 + 1)  # minibatches of the warm-up, turns, the memory


@pytest.mark.parametrize(
    ("case", "frozen"),
    [(LENET, "yes"), (TFC, "no")],  # the perceptrons quantize the image like an activation
)
def test_row_says_whether_the_attack_saw_a_fold(case: Case, frozen: str) -> None:
    assert measure(case, "cpu", 1, 0.01, None)["frozen"] == frozen


def test_saved_memory_grows_with_the_batch() -> None:
    small = measure(LENET, "cpu", 1, 0.01, None)
    big = measure(Case(data="mnist", architecture="lenet5", bits=4, batch=16), "cpu", 1, 0.01, None)
    weights = 2 * small["plain_saved_mib"] - big["plain_saved_mib"]
    assert 0 < weights < 1.5  # 61 thousand float weights, kept by a few operations
    assert small["adversarial_saved_mib"] == pytest.approx(small["plain_saved_mib"], rel=0.1)


def test_folder_without_the_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FlowError, match=f"{tmp_path}.*"):
        measure(TFC, "cpu", 1, 0.01, tmp_path)


def test_command_writes_its_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "rows.json"
    options = ["--models", "mnist-tfc-w2a2", "--steps", "1", "--seconds", "0.01"]
    assert main(["bench", "training", *options, "--json", str(path)]) == 0
    row = json.loads(path.read_text())[0]  # the second would be a GPU's
    assert list(row) == KEYS
    assert row["target"] == 1.15
    assert "mnist-tfc-w2a2" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"models": ["lenet"]}, "models lenet: unknown; known here: mnist-lenet5-w4a4, "),
        ({"steps": 0}, "steps 0: give at least 1"),
        ({"seconds": 0.0}, "seconds 0.0: give a positive number"),
    ],
)
def test_options_that_cannot_be_are_refused(given: dict[str, Any], message: str) -> None:
    options = {"models": [CASES[0].name], "steps": 1, "seconds": 1.0, "data": None}
    with pytest.raises(FlowError, match=message):
        next(TRAINING.rows(argparse.Namespace(**(options | given))))

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""`steelflow bench`: its table, its file, and what it refuses."""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from flow.bench import registry
from flow.bench.benchmark import Benchmark
from flow.cli import main
from flow.errors import FlowError
from flow.tables import Row, as_table


class _Counting(Benchmark):
    """Yields three rows, or fails after the first."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--fail", action="store_true")

    def rows(self, options: argparse.Namespace) -> Iterator[Row]:
        for number in range(3):
            if options.fail and number:
                raise FlowError("toy: stopped")
            yield {"name": f"row{number}", "value": 12345 * number, "ratio": 1.5 * number}


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(registry, "BENCHMARKS", (_Counting("toy", "a toy"),))


def test_rows_are_printed_and_written(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "toy", "--json", "rows.json"]) == 0
    assert [row["name"] for row in json.loads(Path("rows.json").read_text())] == [
        "row0",
        "row1",
        "row2",
    ]
    assert capsys.readouterr().out.splitlines() == [
        "name   value  ratio",
        "row0       0      0",
        "row1  12,345    1.5",
        "row2  24,690      3",
    ]


def test_a_failure_leaves_the_rows_before_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "toy", "--fail", "--json", "rows.json"]) == 2
    assert capsys.readouterr().err == "steelflow: error: toy: stopped\n"
    assert len(json.loads(Path("rows.json").read_text())) == 1


def test_a_file_in_no_folder_is_refused_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "toy", "--json", "nowhere/rows.json"]) == 2
    assert "--json nowhere/rows.json: there is no folder nowhere" in capsys.readouterr().err


def test_no_rows_are_said_to_be_none() -> None:
    assert as_table([]) == "no rows"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["hw", "--models", "lenet"], "--models lenet: unknown; known here: cifar10-cnv-w1a1, "),
        (["hw", "--images", "0"], "--images 0: give at least 1"),
        (["units", "--pe", "3"], "--pe 3: does not divide 64; give 1, 2, 4, ... 64"),
        (["random", "--count", "0"], "--count 0: give at least 1"),
        (["random", "--spec", "{"], "graph specification '{': is not one"),
    ],
)
def test_bad_options_are_refused(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.undo()
    assert main(["bench", *arguments]) == 2
    assert message in capsys.readouterr().err

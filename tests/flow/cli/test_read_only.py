# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A folder that refuses writing: one line, exit status 2, no litter, before anything is computed.

Commands on the folder of an accelerator: tests/flow/compile/test_refusing_folders.py.
"""

from pathlib import Path

import numpy as np
import pytest
from bar_images import bars_dataset, write_mnist
from qonnx_models import tiny_qonnx
from quantized_digits import digits_network

import flow
from flow.cli import main

IMAGES = np.zeros((2, 6, 6, 1), np.uint8)
TFC = "mnist-tfc-w1a1"
SEARCH = Path(flow.__file__).parents[1] / "examples" / "digits-search.yaml"

COMMANDS = {
    "run": ["run", "toy.yaml", "--output", "{}/new"],
    "attack": ["attack", "toy.yaml", "--output", "{}/new"],
    "report": ["report", "toy.yaml", "--output", "{}"],
    "compile a run": ["compile", "toy.yaml", "--output", "{}/deep/new"],
    "compile": ["compile", "tiny.onnx", "--output", "{}/new"],
    "compile in place": ["compile", "tiny.onnx", "--output", "{}"],
    "waves": ["compile", "tiny.onnx", "--trace", "{}/a.vcd"],
    "simulate": ["simulate", "tiny.onnx", "images.npy", "--output", "{}/logits.npy"],
    "certify": ["certify", "network.npz", "--epsilon", "1", "--images", "2", "--dataset", "digits",
                "--output", "{}/found.jsonl"],
    "search": ["search", "search.yaml", "--output", "{}/new"],
    "search in place": ["search", "search.yaml", "--output", "{}"],
    "results": ["search", "search.yaml", "--results", "{}/results.sqlite"],
    "experiment": ["experiment", "single-step", "--dataset", "digits", "--output", "{}"],
    "zoo train": ["zoo", "train", TFC, "--data", ".", "--output", "{}"],
    "zoo build": ["zoo", "build", TFC, "--data", ".", "--json", "{}/a.json"],
    "check": ["check", "tiny.onnx", "--max-lut", "9", "--output", "{}/new"],
    "junit": ["check", "tiny.onnx", "--max-lut", "9", "--junit", "{}/a.xml"],
    "bench": ["bench", "random", "--json", "{}/a.json"],
}  # fmt: skip


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a model, images, a run, a search and an integer network."""
    monkeypatch.chdir(tmp_path)
    tiny_qonnx().save("tiny.onnx")
    np.save("images.npy", IMAGES)
    Path("toy.yaml").write_text("name: toy\n")
    Path("search.yaml").write_text(SEARCH.read_text())
    digits_network().save("network.npz")
    write_mnist(bars_dataset(noise=100, light=150), tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", COMMANDS)
def test_a_folder_that_refuses_is_one_line_and_leaves_nothing(
    name: str, here: Path, read_only: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(here.rglob("*"))
    assert main([option.format(read_only) for option in COMMANDS[name]]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert str(read_only) in line
    assert "cannot" in line
    assert sorted(here.rglob("*")) == before


@pytest.mark.parametrize("name", ["run", "compile", "search", "experiment"])
def test_a_folder_that_cannot_be_entered_is_one_line(
    name: str, here: Path, read_only: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    read_only.chmod(0o000)
    assert main([option.format(read_only / "in") for option in COMMANDS[name]]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "cannot" in line or "Permission denied" in line
    read_only.chmod(0o755)
    assert not any(read_only.iterdir())
    assert not (here / "build").exists()


@pytest.mark.parametrize(
    "command",
    [
        ["compile", "tiny.onnx", "--part", "xc7z021"],
        ["check", "tiny.onnx", "--max-lut", "9", "--part", "xc7z021"],
        ["search", "search.yaml", "--data", "none", "--results", "none/a.sqlite"],
    ],
    ids=" ".join,
)
def test_without_an_output_a_failure_leaves_no_empty_folder(command: list[str], here: Path) -> None:
    assert main(command) == 2
    assert not (here / "build").exists()


def test_a_step_that_fails_at_once_leaves_no_empty_folder(here: Path) -> None:
    Path("bad.yaml").write_text("name: bad\ntraining: {objective: nothing}\n")
    assert main(["run", "bad.yaml"]) == 2
    assert not (here / "build").exists()

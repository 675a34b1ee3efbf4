# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Commands on an accelerator whose results or whose cache lie where nothing can be written."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import Built

from flow.cli import main

pytestmark = pytest.mark.slow

BOARD = ["--board", "pynq-z1"]
COMMANDS = {
    "rtlsim": ["rtlsim", "{folder}", "images.npy", "--output", "{refuses}/logits.npy"],
    "synth": ["synth", "{folder}", "--json", "{refuses}/a.json"],
    "bitstream": ["bitstream", "{folder}", *BOARD, "--plan-only", "--output", "{refuses}/new"],
    "package": ["package", "{folder}", *BOARD, "--output", "{refuses}/new/a.tar.gz"],
}


@pytest.fixture
def folder(built: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A compiled model and images for it, in the current folder."""
    monkeypatch.chdir(tmp_path)
    np.save("images.npy", np.zeros((2, 6, 6, 1), np.uint8))
    return Path(shutil.copytree(built.folder, tmp_path / "model"))


def _refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


@pytest.mark.parametrize("name", COMMANDS)
def test_an_output_is_refused(
    name: str, folder: Path, read_only: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(folder.parent.rglob("*"))
    line = _refused(
        [one.format(folder=folder, refuses=read_only) for one in COMMANDS[name]], capsys
    )
    assert str(read_only) in line
    assert "cannot" in line
    assert sorted(folder.parent.rglob("*")) == before


@pytest.mark.usefixtures("read_only")
@pytest.mark.parametrize("command", ["bitstream", "package"])
def test_results_beside_an_accelerator_that_can_only_be_read(
    command: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine = Path(shutil.copytree(folder, folder.parent / "mine"))
    mine.chmod(0o555)
    plan = ["--plan-only"] * (command == "bitstream")
    line = _refused([command, str(mine), *BOARD, *plan], capsys)
    assert f"cannot write under {mine}" in line


@pytest.mark.parametrize("command", [["synth"], ["rtlsim", "images.npy"]], ids=" ".join)
def test_a_cache_is_refused(
    command: list[str],
    folder: Path,
    read_only: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(read_only))
    line = _refused([command[0], str(folder), *command[1:]], capsys)
    assert f"cannot write under {read_only}" in line
    assert "set XDG_CACHE_HOME to another folder" in line

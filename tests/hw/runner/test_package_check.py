# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The folder for a board, the check there, and the commands."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from virtual_board import Built

from hw.runner.__main__ import main
from hw.runner.errors import BoardError
from hw.runner.package import Package
from hw.runner.registers import Record, explain_status

_RUNNER = Path(__file__).parents[3] / "hw" / "runner"


@pytest.fixture
def package(built: Built, tmp_path: Path) -> Path:
    """A folder for the virtual board."""
    about = {
        "schema": 1,
        "backend": "virtual",
        "product": str(built.program),
        "kernel": str(built.folder),
    }
    (tmp_path / "board.json").write_text(json.dumps(about))
    (tmp_path / "kernel.json").write_bytes((built.folder / "kernel.json").read_bytes())
    np.save(tmp_path / "images.npy", built.images)
    np.save(tmp_path / "expected.npy", built.expected)
    return tmp_path


def test_a_board_that_is_right_passes(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(package)]) == 0
    said = capsys.readouterr().out
    assert "values   23 of 23 images exact" in said
    assert "no clock (a simulation)" in said


def test_a_board_that_is_wrong_fails(
    package: Path, built: Built, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(package / "expected.npy", built.expected + (np.arange(23) == 4)[:, None])
    assert main(["check", str(package)]) == 1
    assert "values   22 of 23 images exact" in capsys.readouterr().out


def test_the_runner_runs_on_its_own(package: Path, tmp_path: Path) -> None:
    (tmp_path / "board").mkdir()
    (tmp_path / "board" / "runner").symlink_to(_RUNNER)
    done = subprocess.run(
        [sys.executable, "-I", "-c", _ALONE, str(tmp_path / "board"), str(package)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "23 of 23 images exact" in done.stdout


_ALONE = """
import sys
sys.path.insert(0, sys.argv[1])
from runner.__main__ import main
status = main(["check", sys.argv[2]])
assert not {"hw", "flow", "torch", "pydantic"} & set(sys.modules)
sys.exit(status)
"""


def test_the_runner_is_for_python_3_10(tmp_path: Path) -> None:
    vermin = Path(sys.executable).with_name("vermin")
    command = [str(vermin), "-t=3.10-", "--no-tips", "--violations", str(_RUNNER)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("board.json", "{", "board.json: cannot be read"),
        ("board.json", '{"schema": 1, "backend": "abacus"}', "backend 'abacus' is not 1 with zynq"),
        ("kernel.json", "[]", "schema None is not 1; package the kernel again"),
        ("kernel.json", '{"schema": 1}', "KeyError: 'image_shape'; package the kernel again"),
        ("images.npy", "no array", "images.npy: cannot be read"),
    ],
)
def test_damaged_folders_are_told(
    name: str, content: str, message: str, package: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (package / name).write_text(content)
    assert main(["check", str(package)]) == 2
    assert message in capsys.readouterr().err


def test_images_without_values_are_told(package: Path, built: Built) -> None:
    np.save(package / "images.npy", built.images[:3])
    with pytest.raises(BoardError, match="3 images, 23 rows of values"):
        Package.load(package).examples()


def test_an_empty_check_proves_nothing(
    package: Path, built: Built, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save(package / "images.npy", built.images[:0])
    np.save(package / "expected.npy", built.expected[:0])
    assert main(["check", str(package)]) == 2
    assert "check: no images" in capsys.readouterr().err


def test_a_missing_token_is_told(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", str(package), "--token-file", str(package / "none")]) == 2
    assert "the token cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "0 bytes are not 64"),
        (bytes(64), "magic 0x00000000 is not 0x4c465453"),
        (b"STFL" + bytes(60), "version 0 of the kernel is not 1"),
    ],
)
def test_what_is_no_record_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(BoardError, match=message):
        Record.parse(data)


def test_every_bit_of_a_status_has_a_meaning() -> None:
    assert explain_status(0) == "success"
    assert explain_status(0b1010) == (
        "the output address is no multiple of 64; memory answered a read with SLVERR"
    )
    assert explain_status(1 << 20) == "unknown bits 0x100000"

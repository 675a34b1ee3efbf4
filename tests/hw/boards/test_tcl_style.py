# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""All Tcl that plans for Vivado and Vitis hold, as tclint sees it, and the names that it sets."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from hashing_kernel import Geometry, write_hashing_kernel
from layered_accelerator import write_layered_kernel

from hw.boards import BOARDS, Board, BoardSettings
from hw.boards.tcl_check.config_names import CONFIG_NAMES

_VENDOR = [board for board in BOARDS if board.backend != "uart"]
_TCLINT = Path(sys.executable).with_name("tclint")
_SET = re.compile(r"CONFIG\.(\w+)")


def _scripts(board: Board, folder: Path) -> list[Path]:
    """Write a plan of a kernel, with layers of its own on the PYNQ boards; return its Tcl."""
    if board.data_bits == 64:
        kernel = write_layered_kernel(folder / "kernel")
    else:
        geometry = Geometry(data_bytes=board.data_bits // 8)
        kernel = write_hashing_kernel(geometry, folder / "kernel", board.part.name)
    plan = folder / "plan"
    plan.mkdir()
    board.plan(kernel, BoardSettings(attempts=5)).write(plan)
    return sorted(path for path in plan.rglob("*") if path.suffix in (".tcl", ".xdc"))


def _lint(*words: str | Path) -> str:
    command = [str(_TCLINT), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


@pytest.mark.parametrize("board", _VENDOR, ids=lambda board: board.name)
def test_generated_scripts_are_clean(board: Board, tmp_path: Path) -> None:
    """Names of files may be longer than a line of a script."""
    scripts = _scripts(board, tmp_path)
    assert len(scripts) == {"zynq": 3, "alveo": 2}[board.backend] + (board.data_bits == 64)
    assert _lint("--style-line-length", "120", *scripts) == ""
    assert _lint(*(path for path in scripts if path.name != "settings.tcl")) == ""


def test_tclint_finds_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "bad.tcl").write_text("set x [expr $y + 1]\n")
    assert "unbraced-expr" in _lint(tmp_path / "bad.tcl")


@pytest.mark.parametrize("board", _VENDOR, ids=lambda board: board.name)
def test_every_config_name_has_its_source(board: Board, tmp_path: Path) -> None:
    known = {name for names in CONFIG_NAMES.values() for name in names}
    text = "".join(path.read_text() for path in _scripts(board, tmp_path))
    names = set(_SET.findall(text))
    assert names <= known
    assert bool(names) == (board.backend == "zynq")


def test_every_source_is_a_file_of_the_vendor() -> None:
    sources = {source for names in CONFIG_NAMES.values() for source in names.values()}
    assert all(re.fullmatch(r"Xilinx/[\w-]+ [\w/.-]+\.tcl", source) for source in sources)

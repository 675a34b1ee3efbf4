# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""`steelflow bitstream` for the vendor's boards, as a user types it; the tools are stand-ins."""

import json
import os
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from hashing_kernel import Geometry, write_hashing_kernel
from layered_accelerator import write_layered_kernel
from stand_in_tools import write_tools

from flow.classifier import Images, Logits
from flow.cli import main
from flow.compile.opening import OpenedAccelerator
from flow.compile.synthesis import synthesize_shown
from hw.boards import BOARDS, Board, find_board
from hw.runner.package import Package

_VENDOR = [board for board in BOARDS if board.backend != "uart"]
_GEOMETRY = Geometry()


class _Network:
    """What the stand-in for an accelerator computes."""

    def logits(self, images: Images) -> Logits:
        return _GEOMETRY.results(images.reshape(len(images), -1))


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand-ins on the PATH, and a cache of one's own."""
    write_tools(tmp_path / "bin")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "bin"


def _build(board: Board, folder: Path, *options: str) -> int:
    """Run the command for the board, into folder/out."""
    if not (folder / "k").exists():
        write_hashing_kernel(_GEOMETRY, folder / "k", board.part.name)
    words = ["--board", board.name, "--output", str(folder / "out"), *options]
    return main(["bitstream", str(folder / "k" / "accelerator"), *words])


@pytest.mark.parametrize("board", _VENDOR, ids=lambda board: board.name)
def test_a_plan_alone_needs_no_tool(
    board: Board, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    assert _build(board, tmp_path, "--plan-only") == 0
    plan = tmp_path / "out" / "plan"
    about = json.loads((plan / "plan.json").read_text())
    assert about["command"][0] == {"zynq": "vivado", "alveo": "bash"}[board.backend]
    assert board.product in about["products"]
    assert "not run on Vi" in (plan / "README.md").read_text()


@pytest.mark.usefixtures("tools")
@pytest.mark.parametrize("board", _VENDOR, ids=lambda board: board.name)
def test_a_plan_is_built_and_its_products_come_back(
    board: Board, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _build(board, tmp_path) == 0
    assert "clock       100 MHz met by" in capsys.readouterr().out
    assert (tmp_path / "out" / "products" / board.product).is_file()
    assert (tmp_path / "out" / "products" / "build.log").is_file()


@pytest.mark.usefixtures("tools")
def test_compute_units_from_the_command_to_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = find_board("u250")
    assert _build(board, tmp_path, "--compute-units", "4") == 0
    kernel = write_hashing_kernel(_GEOMETRY, tmp_path / "again", board.part.name)
    opened = OpenedAccelerator(kernel.accelerator, cast(Any, _Network()))
    monkeypatch.setattr("flow.compile.opening.open_accelerator", lambda _: opened)
    np.save(tmp_path / "images.npy", np.zeros((2, 64, 1, 1), np.uint8))
    words = ["--bitstream", str(tmp_path / "out"), "--images", str(tmp_path / "images.npy")]
    target = str(tmp_path / "package")
    assert main(["package", "x", "--board", "u250", "--output", target, *words]) == 0
    package = Package.load(tmp_path / "package")
    assert package.units == 4
    assert package.product.read_text() == "100 kernel_ip_1 kernel_ip_2 kernel_ip_3 kernel_ip_4"


@pytest.mark.usefixtures("tools")
def test_a_critical_warning_of_a_run_fails_the_build_with_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("STAND_IN_SAYS", "CRITICAL WARNING: [Synth 8-4445] could not open w.dat")
    assert _build(find_board("u55c"), tmp_path) == 2
    said = capsys.readouterr().err
    assert "CRITICAL WARNING: [Synth 8-4445] could not open w.dat; see" in said


@pytest.mark.usefixtures("tools")
def test_what_stopped_a_run_of_vivado_stands_in_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = "ERROR: [DRC RTSTAT-2] Partially routed nets: 1 net(s) are partially routed."
    monkeypatch.setenv("STAND_IN_SAYS", line)
    assert _build(find_board("u55c"), tmp_path) == 2
    said = capsys.readouterr().err
    assert line in Path(said.rsplit("see ", 1)[1].strip()).read_text()


@pytest.mark.slow
@pytest.mark.usefixtures("tools")
def test_other_counts_stand_beside_what_is_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    accelerator = write_layered_kernel(tmp_path / "k").accelerator
    words = ["--board", "pynq-z2", "--output", str(tmp_path / "out")]
    command = ["bitstream", str(accelerator.folder), *words]
    assert main(command) == 0
    (row,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("LUT"))
    assert row.endswith("  estimated 1,800")
    synthesize_shown(accelerator)
    assert main(command) == 0
    said = capsys.readouterr().out
    (row,) = (line for line in said.splitlines() if line.startswith("FF"))
    assert row.endswith("  Yosys 24")  # three registers of eight bits
    assert "tool        Vivado 0 (a model)" in said
    record = json.loads((tmp_path / "out" / "bitstream.json").read_text())
    assert record["beside"]["Yosys"]["FF"] == 24


def test_a_container_builds_it(
    tools: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The engine, too, is a stand-in here: it runs the command in the mounted folder."""
    (tools / "podman").write_text(
        '#!/bin/sh\nwhile [ "$1" != tools:1 ]; do case "$1" in *:/build) cd "${1%:/build}";; esac\n'
        'shift; done; shift; exec "$@"\n'
    )
    (tools / "podman").chmod(0o755)
    assert _build(find_board("pynq-z2"), tmp_path, "--on", "container:tools:1") == 0
    assert "clock       100 MHz met by 0.100 ns" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--board", "pynq-z9"), "board 'pynq-z9': is unknown; did you mean 'pynq-z"),
        (("--on", "cloud:x"), "--on cloud:x: is none of local, container:IMAGE, ssh:HOST, slurm"),
        (("--clock-mhz", "2"), "clock_mhz 2 is not 4 to 1000; ask for another clock"),
        (("--board", "u250"), "was compiled for xc7z020clg400-1, and the board has xcu250"),
        (("--compute-units", "9"), "9 compute units are not 1 to 4"),
        (("--output", "/proc/none"), "/proc/none"),
        ((), "pynq-z2: vivado is not here; install it: Vivado 2022.2 to 2025.2"),
    ],
)
def test_bad_input_is_one_line(
    options: tuple[str, ...],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert _build(find_board("pynq-z2"), tmp_path, *options) == 2
    said = capsys.readouterr().err
    assert message in said
    assert len(said.splitlines()) == 1

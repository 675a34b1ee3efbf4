# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""`steelflow bitstream`: plans, refusals, and a tiny network from ONNX to gates that are right."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from hashing_kernel import Geometry, write_hashing_kernel
from qonnx_models import tiny_qonnx

from flow.cli import main
from flow.compile.bitstream import Bitstream, build_bitstream, check_gates
from flow.compile.opening import OpenedAccelerator
from flow.errors import FlowError
from hw.boards import BOARDS, BitstreamReport, Board, BoardSettings, find_board
from hw.build import BuildProducts
from hw.errors import HardwareError


def _opened(board: Board, folder: Path) -> OpenedAccelerator:
    geometry = Geometry(data_bytes=board.data_bits // 8)
    kernel = write_hashing_kernel(geometry, folder, board.part.name)
    return OpenedAccelerator(kernel.accelerator, None)


def test_boards_are_listed_with_what_is_missing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    assert main(["boards"]) == 0
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert lines["pynq-z2"].endswith("Vivado 2022.2 to 2025.2 from AMD, on the PATH")
    assert lines["ulx3s-85f"].endswith("all is here")
    assert lines.keys() == {"board", *(board.name for board in BOARDS)}


def test_a_plan_alone_needs_no_tool(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    opened = _opened(find_board("pynq-z1"), tmp_path / "k")
    folder = str(opened.accelerator.folder)
    options = ["--board", "pynq-z1", "--plan-only", "--output", str(tmp_path / "out")]
    assert main(["bitstream", folder, *options]) == 0
    plan = json.loads((tmp_path / "out" / "plan" / "plan.json").read_text())
    assert plan["command"][0] == "vivado"
    assert (tmp_path / "out" / "plan" / "build.tcl").is_file()
    assert plan["digest"][:24] in capsys.readouterr().out


def test_a_plan_for_several_compute_units(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def status(board: str, units: int) -> int:
        folder = str(_opened(find_board(board), tmp_path / board).accelerator.folder)
        options = ["--compute-units", str(units), "--output", str(tmp_path / "out")]
        return main(["bitstream", folder, "--board", board, "--plan-only", *options])

    assert status("u280", 3) == 0
    link = (tmp_path / "out" / "plan" / "link.cfg").read_text()
    assert "nk=kernel_ip:3\nsp=kernel_ip_1.m_axi_gmem:HBM[0]\n" in link
    assert status("ulx3s-85f", 2) == 2
    assert "ulx3s-85f: 2 compute units, and the board takes 1" in capsys.readouterr().err


def test_a_missing_tool_is_said_with_its_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    board = find_board("pynq-z1")
    with pytest.raises(HardwareError, match="pynq-z1: vivado is not here; install it: Vivado 2022"):
        build_bitstream(_opened(board, tmp_path / "k"), board, BoardSettings(), tmp_path / "out")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("pynq-z1", "gates: pynq-z1's tools give no netlist that can be simulated here; check"),
        ("ulx3s-85f", "has no network beside it to tell the logits; name the folder"),
    ],
)
def test_gates_that_cannot_be_checked(name: str, message: str, tmp_path: Path) -> None:
    board = find_board(name)
    opened = _opened(board, tmp_path)
    report = BitstreamReport(asked_mhz=1, clock_mhz=1, slack_ns=0, used={}, bitstream="")
    kernel = write_hashing_kernel(Geometry(), tmp_path / "again", board.part.name)
    found = Bitstream(tmp_path, kernel, board, BuildProducts(tmp_path), report)
    with pytest.raises(FlowError, match=message):
        check_gates(opened, found, np.zeros((1, 64, 1, 1), np.uint8))


@pytest.mark.slow
def test_a_tiny_network_from_onnx_to_gates(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    compiled = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "YoWASP"
    monkeypatch.setenv("YOWASP_CACHE_DIR", str(compiled))  # of nextpnr itself, which takes a minute
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    tiny_qonnx().save(str(tmp_path / "tiny.onnx"))
    folder = str(tmp_path / "out")
    chip = ["--part", "ulx3s-85f", "--clock-mhz", "50", "--fps", "100000"]
    assert main(["compile", str(tmp_path / "tiny.onnx"), *chip, "--output", folder]) == 0
    assert "LFE5U-85F-6BG381C holds" in capsys.readouterr().out
    assert main(["bitstream", folder, "--board", "ulx3s-85f", "--gates", "6"]) == 0
    said = capsys.readouterr().out
    assert "clock       50 MHz met by" in said
    assert said.endswith("gates: 6 of 6 images exact\n")
    built = tmp_path / "out" / "bitstream-ulx3s-85f"
    assert (built / "products" / "kernel.bit").stat().st_size
    report = json.loads((built / "bitstream.json").read_text())
    assert report["used"]["MULT18"][0] == report["beside"]["estimated"]["DSP"] > 0


def test_a_configuration_with_a_mistake_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.yaml").write_text("name: mine\nseed: zero\n")
    assert main(["bitstream", "mine.yaml", "--board", "pynq-z1", "--plan-only"]) == 2
    assert "seed" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.yaml"]

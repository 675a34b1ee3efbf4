# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The driver on every backend: right results, or one line that says why not."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fake_pynq import CELL, fake_pynq
from fake_xrt import fake_xrt
from virtual_board import Built

from hw.runner.backends.alveo import AlveoDevice
from hw.runner.backends.virtual import Fault, Memory, VirtualDevice
from hw.runner.backends.zynq import ZynqDevice
from hw.runner.device import Device
from hw.runner.driver import Driver
from hw.runner.errors import BoardError, BoardTimeoutError, RunError, WrongKernelError


def _zynq(board: VirtualDevice, folder: Path, monkeypatch: pytest.MonkeyPatch) -> ZynqDevice:
    pynq = fake_pynq(board, clock_mhz=90.0)
    monkeypatch.setitem(__import__("sys").modules, "pynq", pynq)
    monkeypatch.setitem(__import__("sys").modules, "pynq.ps", pynq.ps)
    for suffix in ("bit", "hwh"):
        (folder / f"kernel.{suffix}").touch()
    return ZynqDevice(folder / "kernel.bit", kernel=CELL, clock_mhz=200.0)


def _alveo(board: VirtualDevice, folder: Path, monkeypatch: pytest.MonkeyPatch) -> AlveoDevice:
    monkeypatch.setitem(__import__("sys").modules, "pyxrt", fake_xrt(board))
    (folder / "kernel.xclbin").touch()
    return AlveoDevice(folder / "kernel.xclbin", kernel="hashing_kernel", clock_mhz=300.0)


@pytest.fixture(params=["virtual", "zynq", "alveo"])
def device(
    request: pytest.FixtureRequest,
    board: VirtualDevice,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Device]:
    """Each backend, over the same virtual board."""
    if request.param == "virtual":
        yield board
    else:
        yield {"zynq": _zynq, "alveo": _alveo}[request.param](board, tmp_path, monkeypatch)


def test_results_are_exact_for_any_number_of_images(device: Device, built: Built) -> None:
    with Driver(device, built.description, chunk_images=5) as driver:
        for count in (1, 5, 6, 23):
            found = driver.run(built.images[:count])
            np.testing.assert_array_equal(found.values, built.expected[:count])
        assert found.cycles > 23 * 12
        assert found.values.dtype == np.int32


def test_no_images_need_no_run(device: Device, built: Built) -> None:
    with Driver(device, built.description) as driver:
        assert driver.run(built.images[:0]).values.shape == (0, 5)


@pytest.mark.parametrize(
    ("side", "fault", "reason"),
    [
        ("read_fault", Fault.SLVERR, "memory answered a read with SLVERR"),
        ("read_fault", Fault.DECERR, "memory answered a read with DECERR"),
        ("write_fault", Fault.SLVERR, "memory answered a write with SLVERR"),
        ("read_fault", Fault.SILENT, "memory stopped answering reads"),
        ("read_fault", Fault.REFUSED, "memory stopped answering reads"),
        ("write_fault", Fault.SILENT, "memory stopped answering writes"),
        ("write_fault", Fault.REFUSED, "memory stopped answering writes"),
    ],
)
def test_bad_memory_ends_a_run_and_the_next_is_right(
    side: str, fault: Fault, reason: str, board: VirtualDevice, built: Built
) -> None:
    with Driver(board, built.description, chunk_images=4) as driver:
        driver.run(built.images[:1])
        board.set_memory(Memory(**{side: fault}, fault_range=(0, driver.places[2])))
        with pytest.raises(RunError, match=reason):
            driver.run(built.images)
        board.set_memory(Memory())
        np.testing.assert_array_equal(driver.run(built.images).values, built.expected)


def test_another_kernel_is_refused(board: VirtualDevice, built: Built) -> None:
    other = replace(built.description, digest=bytes(16))
    with pytest.raises(WrongKernelError, match=r"holds the accelerator [0-9a-f]{32}, not hashing"):
        Driver(board, other)


def test_another_kernel_is_refused_by_its_record(
    board: VirtualDevice, built: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = replace(built.description, digest=bytes(16))
    driver = Driver(_alveo(board, tmp_path, monkeypatch), other)
    with pytest.raises(WrongKernelError, match="load its bitstream"):
        driver.run(built.images)


def test_a_record_that_is_not_written_is_noticed(
    board: VirtualDevice, built: Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = Driver(_alveo(board, tmp_path, monkeypatch), built.description)
    board.set_memory(Memory(write_fault=Fault.SLVERR))
    with pytest.raises(BoardError, match="Alveo card 0: record: magic 0x00000000 is not"):
        driver.run(built.images)


def test_a_kernel_that_does_not_finish_times_out(board: VirtualDevice, built: Built) -> None:
    board.start = lambda _: None  # type: ignore[method-assign, assignment]
    driver = Driver(board, built.description)
    with pytest.raises(BoardTimeoutError, match=r"virtual board: not done in [\d,]+ cycles"):
        driver.run(built.images)


def test_a_process_that_ends_is_reported(board: VirtualDevice, built: Built) -> None:
    driver = Driver(board, built.description)
    board.kernel._process.kill()
    with pytest.raises(BoardError, match="the simulation ended with status -9"):
        driver.run(built.images)


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((2, 12, 1, 3), np.int8),
        np.zeros((12, 1, 3), np.uint8),
        np.zeros((1, 3, 1, 12), np.uint8),
    ],
)
def test_other_images_are_refused(
    images: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], board: VirtualDevice, built: Built
) -> None:
    with pytest.raises(BoardError, match=r"images: u?int8\[.*\] is not uint8\[N, 12, 1, 3\]"):
        Driver(board, built.description).run(images)


def test_chunks_hold_an_image(board: VirtualDevice, built: Built) -> None:
    with pytest.raises(BoardError, match="chunk_images 0 is below 1; give at least 1"):
        Driver(board, built.description, chunk_images=0)


def test_zynq_reads_the_clock_that_the_board_has(
    board: VirtualDevice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _zynq(board, tmp_path, monkeypatch).clock_mhz == pytest.approx(180.0)


def test_zynq_names_the_cells_that_there_are(
    board: VirtualDevice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _zynq(board, tmp_path, monkeypatch)
    with pytest.raises(BoardError, match="no cell other among kernel_0"):
        ZynqDevice(tmp_path / "kernel.bit", kernel="other", clock_mhz=100.0)


@pytest.mark.parametrize("make", [ZynqDevice, AlveoDevice])
def test_missing_products_are_named(make: type, tmp_path: Path) -> None:
    with pytest.raises(BoardError, match="is missing; package the board's products again"):
        make(tmp_path / "kernel.bin", kernel="kernel", clock_mhz=100.0)


def test_alveo_names_a_kernel_that_is_not_there(
    board: VirtualDevice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _alveo(board, tmp_path, monkeypatch)
    with pytest.raises(BoardError, match="cannot be loaded: no such kernel: other"):
        AlveoDevice(tmp_path / "kernel.xclbin", kernel="other", clock_mhz=300.0)

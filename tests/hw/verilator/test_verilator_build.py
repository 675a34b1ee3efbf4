# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What is compiled for a simulation, and what happens when that fails."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from forked_network import Forked

from hw.accelerator import Accelerator
from hw.errors import HardwareError
from hw.stitch.stitching import with_fifo_depths
from hw.verilator._build import plan_build, run_build


def test_plan_holds_our_modules_in_place_of_finns(accelerator: Accelerator) -> None:
    plan = plan_build(accelerator)
    assert b"function abits_t" not in plan.files["rtl/lib/fifo/hdl/fifo.sv"]
    assert b"leaf_load_t" not in plan.files["rtl/lib/mvu/add_multi.sv"]
    assert list(plan.files)[-4:-2] == ["sim_top.sv", "harness.cpp"]


def test_plan_watches_every_stream(accelerator: Accelerator) -> None:
    text = plan_build(accelerator).files["sim_top.sv"].decode()
    for stream in accelerator.manifest.streams:
        assert f'"stream {stream.source} {stream.sink} %b %b"' in text
    assert '"stream input ' in text
    assert ' output %b %b"' in text


def test_digest_does_not_depend_on_depths(accelerator: Accelerator, tmp_path: Path) -> None:
    other = with_fifo_depths(accelerator, {"StreamingFIFO_rtl_0": 20}, tmp_path / "other")
    assert plan_build(other).digest == plan_build(accelerator).digest


def test_digest_depends_on_files_and_flags(accelerators: Mapping[str, Accelerator]) -> None:
    plan = plan_build(accelerators["parallel"])
    other = plan_build(accelerators["sequential"])
    changed = replace(plan, files=plan.files | {"top.sv": b""})
    traced = plan_build(accelerators["parallel"], "vcd")
    assert len({p.digest for p in (plan, other, changed, traced)}) == 4


def test_broken_rtl_is_refused_and_leaves_only_a_log(
    accelerators: Mapping[str, Accelerator], tmp_path: Path
) -> None:
    plan = plan_build(accelerators["parallel"])
    broken = replace(plan, files=plan.files | {"top.sv": b"module rgb_top; oops endmodule"})
    with pytest.raises(
        HardwareError, match=r"verilator_bin: exit status 1: %Error: .*failed\.log"
    ) as caught:
        run_build(broken, tmp_path)
    assert "\n" not in str(caught.value)
    left = [path.name for path in tmp_path.iterdir()]
    assert [name for name in left if not name.startswith("verilator-runtime-")] == ["failed.log"]


def test_missing_compiler_names_its_package(
    accelerators: Mapping[str, Accelerator], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HardwareError, match=r"g\+\+: not found; install it with: apt-get install"):
        run_build(plan_build(accelerators["parallel"]), tmp_path / "builds")
    assert not (tmp_path / "builds").exists()


def test_missing_headers_of_fst_name_their_packages(
    accelerators: Mapping[str, Accelerator], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "g++").write_text('#!/bin/sh\n[ "$1" = --version ] && echo none\n')
    (tmp_path / "g++").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HardwareError, match=r"FST waveforms: lz4\.h or zlib\.h is missing; name"):
        run_build(plan_build(accelerators["parallel"], "fst"), tmp_path / "builds")


def test_runtime_is_compiled_once(
    accelerators: Mapping[str, Accelerator], forked: Forked, build_dir: Path
) -> None:
    run_build(plan_build(accelerators["parallel"]), build_dir)
    before = {path: path.stat().st_mtime_ns for path in build_dir.glob("verilator-runtime-*/*.o")}
    run_build(plan_build(forked.accelerators[1]), build_dir)
    after = {path: path.stat().st_mtime_ns for path in build_dir.glob("verilator-runtime-*/*.o")}
    assert before == after != {}

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Processes that are held to an instruction set, and the benchmark in one."""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import pytest

from flow.bench.held import held_environment
from flow.bench.simulator_process import held_rows
from flow.cli import main
from flow.environment import data_folder
from flow.errors import FlowError
from flow.integer.native import instruction_sets

_SEEN = """
import json
from flow.bench.held import seen_by_cpuid, seen_by_torch
from flow.integer.native import instruction_sets
print(json.dumps([seen_by_torch(), seen_by_cpuid(), instruction_sets()[-1]]))
"""
_FAULTS = "cpuid_fault" in Path("/proc/cpuinfo").read_text()


@pytest.mark.parametrize("isa", instruction_sets())
def test_every_library_of_a_process_is_held(isa: str) -> None:
    command = [sys.executable, "-c", _SEEN]
    done = subprocess.run(
        command, env=held_environment(isa), check=True, capture_output=True, text=True
    )
    torch, cpuid, ours = json.loads(done.stdout)
    assert torch == isa
    if _FAULTS:  # else libraries without a switch stay as they are, and the rows say so
        assert (cpuid, ours) == (isa, isa)


def test_a_process_that_fails_is_an_error() -> None:
    options = argparse.Namespace(models=["cnv"], rivals=[], threads=1, seconds=1.0, data=None)
    options.isa = "portable"
    with pytest.raises(FlowError, match="--isa portable: its process ended with status 1; see"):
        list(held_rows(options))


@pytest.mark.skipif(data_folder() is None, reason="STEELFLOW_DATA names no data sets")
def test_rows_of_a_held_process_say_so(tmp_path: Path) -> None:
    path, options = tmp_path / "rows.json", ["--rivals", "torch_float32", "--seconds", "0.05"]
    options += ["--models", "mnist-tfc-w2a2", "--threads", "1", "--isa", "portable"]
    assert main(["bench", "simulator", *options, "--json", str(path)]) == 0
    (row,) = json.loads(path.read_text())
    assert (row["isa"], row["rival_isa"]) == ("portable", "portable")

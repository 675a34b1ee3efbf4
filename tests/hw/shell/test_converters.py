# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The width converters of the shell, at every ratio."""

from pathlib import Path

import pytest
from testbench import compile_runtime, simulate

_RTL = Path(__file__).parents[3] / "hw" / "rtl" / "shell"
_MODULES = ("shell_int32", "shell_resize", "shell_feeder", "shell_collector")
_BENCH = Path(__file__).parent / "rtl" / "converters_tb.sv"


@pytest.mark.slow
def test_no_byte_is_lost_at_any_ratio_and_no_cycle_wasted(tmp_path: Path) -> None:
    sources = [*(_RTL / f"{name}.sv" for name in _MODULES), _BENCH]
    lines = simulate("converters_tb", sources, compile_runtime(tmp_path), tmp_path)
    assert "passed: 49 feeders, 42 collectors" in lines

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What is said of the longest paths: the layer that limits the clock, and what helps there."""

import pytest

from flow.compile.gates import timing_table
from hw.synth.timing import LayerTiming


def _path(name: str, source: str, delay_ns: float) -> LayerTiming:
    return LayerTiming(
        name=name, source=source, levels=3, delay_ns=delay_ns, logic_ns=1, fan_out=9, registers=5
    )


@pytest.mark.parametrize(
    ("name", "source", "said"),
    [
        ("MVAU_0", "FIFO_1", "crosses the seam of FIFO_1 and MVAU_0: a register cuts it"),
        ("MVAU_0", "MVAU_0", "inside of MVAU_0: fold it more"),
        ("shell", "shell", "inside of the shell, which is the same for all: lower the clock"),
    ],
)
def test_what_helps_where_the_clock_is_missed(name: str, source: str, said: str) -> None:
    lines = timing_table([_path(name, source, 12.5), _path("Pool_0", "Pool_0", 5)], asked_mhz=100)
    assert lines[-2] == f"{name} limits the clock: about 80 MHz before placement, 100 MHz asked for"
    assert said in lines[-1]


def test_a_clock_that_is_met_needs_no_help() -> None:
    lines = timing_table([_path("MVAU_0", "FIFO_1", 8)], asked_mhz=100)
    assert lines[-1].startswith("MVAU_0 limits the clock: about 125 MHz")

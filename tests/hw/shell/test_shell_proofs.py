# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Proofs of the shell's handshakes and addresses, and that they would find a bug."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from symbiyosys import run_sby

_HERE = Path(__file__).parent / "formal"
_RTL = Path(__file__).parents[3] / "hw" / "rtl" / "shell"


@dataclass(frozen=True)
class Bug:
    """A change of a module that breaks one of its properties."""

    name: str
    unit: str
    old: str
    new: str


_CROSSED = (
    "burst_t'(BurstBeats) - burst_t'(address_q",
    "burst_t'(BurstBeats) - burst_t'(0 & address_q",
)
BUGS = (
    Bug("burst over the boundary", "reader", *_CROSSED),
    Bug("no credits", "reader", "&& reserved_q <= credit_t'(Depth) - credit_t'(beats_q)", ""),
    Bug(
        "address withdrawn",
        "reader",
        "(ar_ready_i) ar_valid_q",
        "(ar_ready_i || abort_i) ar_valid_q",
    ),
    Bug("a beat too many", "reader", "pending_t'(DataBytes - 1)", "pending_t'(DataBytes)"),
    Bug("idle too early", "reader", "!ar_valid_q && flying_q == '0", "!ar_valid_q"),
    Bug("burst over the boundary", "writer", *_CROSSED),
    Bug("last beat marked late", "writer", "left_q == burst_t'(1)", "left_q == burst_t'(0)"),
    Bug("data withdrawn", "writer", "start_i || (abort_i && idle_o)", "start_i || abort_i"),
    Bug("too many bursts", "writer", "&& owed_q != owed_t'(Outstanding)", ""),
    Bug("done too early", "writer", "waiting_q == '0 && owed_q == '0", "waiting_q == '0"),
    Bug("response withdrawn", "control", "else if (b_ready_i) b_valid_q", "else b_valid_q"),
    Bug("read data change", "control", "ar_ready_o   = !r_valid_q", "ar_ready_o   = 1'b1"),
    Bug(
        "start by an argument",
        "control",
        "aw_word_q == AddrControl[11:2] && w_data_q[0]",
        "w_data_q[0]",
    ),
    Bug("write without data", "control", "aw_full_q && w_full_q &&", "aw_full_q &&"),
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("unit", "task"),
    [("control", "prove"), ("reader", "prove"), ("writer", "prove"), ("writer", "wide")],
)
def test_no_property_ever_fails(unit: str, task: str, tmp_path: Path) -> None:
    assert run_sby(_HERE / f"{unit}.sby", task, tmp_path) == "PASS"


@pytest.mark.slow
def test_no_property_of_a_registered_reader_fails(tmp_path: Path) -> None:
    path = _RTL / "shell_reader.sv"
    text = path.read_text()
    assert text.count("Registered  = 1'b0") == 1
    changed = {path: text.replace("Registered  = 1'b0", "Registered  = 1'b1")}
    assert run_sby(_HERE / "reader.sby", "prove", tmp_path, changed) == "PASS"


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: f"{bug.unit}: {bug.name}")
def test_a_seeded_bug_is_found(bug: Bug, tmp_path: Path) -> None:
    path = _RTL / f"shell_{bug.unit}.sv"
    text = path.read_text()
    assert text.count(bug.old) == 1, f"{path}: {bug.old!r} is not there once"
    changed = {path: text.replace(bug.old, bug.new)}
    assert run_sby(_HERE / f"{bug.unit}.sby", "search", tmp_path, changed) == "FAIL"

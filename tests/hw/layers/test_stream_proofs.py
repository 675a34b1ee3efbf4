# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Proofs, for small sizes, of what every stream module owes its neighbours, and that bugs show."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from symbiyosys import run_sby

from hw.layers.cores import RTL_FOLDER

_CONFIG = Path(__file__).parent / "formal" / "streams.sby"
_UNITS = _CONFIG.read_text().split("\n\n")[0].split()[1:]


@dataclass(frozen=True)
class Bug:
    """A change of a module that breaks what is proved of a unit."""

    unit: str
    module: str
    old: str
    new: str


BUGS = (
    Bug("stream_add", "stream_register", "else if (in_ready_o) out_valid_q", "else out_valid_q"),
    Bug("stream_add", "stream_register", "if (accept) out_data_q", "if (in_valid_i) out_data_q"),
    Bug("stream_add", "stream_join", "out_valid_o = &in_valid_i", "out_valid_o = |in_valid_i"),
    Bug("stream_add", "stream_add", "BSigned ? OutBits", "!BSigned ? OutBits"),
    Bug("stream_scale", "stream_scale", "factor_used && last", "factor_used"),
    Bug("stream_concat", "stream_concat", "free ? turn_q : '0", "turn_q"),
    Bug("stream_repeat", "stream_repeat", "in_ready_o = first && free", "in_ready_o = free"),
    Bug("stream_select", "stream_select", "in_valid_i && keep)", "in_valid_i)"),
    Bug("stream_pool", "stream_pool", "in_ready_o = free || !last", "in_ready_o = 1'b1"),
    Bug("stream_argmax", "stream_argmax", "winner_key_q > best", "winner_key_q >= best"),
    Bug("stream_fork", "stream_fork", "accept ? '1 : waiting", "accept ? '1 : out_valid_q"),
    Bug("stream_constant", "stream_constant", "= !valid_q || load", "= 1'b1"),
    Bug("stream_queue", "stream_queue", "fill_d != fill_t'(Depth)", "1'b1"),
    Bug("mvu_replay", "mvu_replay", "if (last_repeat) free_q", "free_q"),
)


@pytest.mark.parametrize("unit", _UNITS)
def test_a_stream_module_is_proved(unit: str, tmp_path: Path) -> None:
    assert run_sby(_CONFIG, unit, tmp_path) == "PASS"


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: f"{bug.unit}: {bug.new}")
def test_a_seeded_bug_is_found(bug: Bug, tmp_path: Path) -> None:
    path = RTL_FOLDER / f"{bug.module}.sv"
    text = path.read_text()
    assert text.count(bug.old) == 1, f"{bug.old!r} is not there once"
    assert run_sby(_CONFIG, bug.unit, tmp_path, {path: text.replace(bug.old, bug.new)}) == "FAIL"


def test_every_stream_module_has_a_proof() -> None:
    with_output = {path.stem for path in RTL_FOLDER.glob("stream_*.sv")}
    within_others = {"stream_rule", "stream_register", "stream_join"}
    assert with_output - within_others == {unit for unit in _UNITS if unit.startswith("stream_")}

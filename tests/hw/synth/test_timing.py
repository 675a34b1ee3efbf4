# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Longest paths of netlists whose depth, fan-out and delays are known."""

import json
from pathlib import Path
from typing import Any

import pytest

from hw.errors import HardwareError
from hw.synth.delays import net_delay
from hw.synth.timing import LayerTiming, TimedNetlist, layer_timing, read_netlist

Placed = tuple[str, dict[str, list[int]]]  # type, pins
_OUTPUTS = {"O", "Q", "CO"}
_NET_1, _NET_2 = net_delay(1), net_delay(2)


def _netlist(folder: Path, cells: dict[str, Placed], **names: int) -> TimedNetlist:
    """Read a module of cells (type, pins); a net's name stands for its layer."""
    module = {
        "ports": {},
        "netnames": {n.replace("__", "."): _named(net) for n, net in names.items()},
        "cells": {name: _cell(*cell) for name, cell in cells.items()},
    }
    path = folder / "netlist.json"
    path.write_text(json.dumps({"modules": {"top": module}}))
    return read_netlist(path, "top")


def _named(net: int) -> dict[str, Any]:
    return {"hide_name": 0, "bits": [net]}


def _cell(kind: str, pins: dict[str, list[int]]) -> dict[str, Any]:
    ways = {pin: "output" if pin in _OUTPUTS else "input" for pin in pins}
    return {"type": kind, "parameters": {}, "port_directions": ways, "connections": pins}


def _ff(d: int, q: int) -> Placed:
    return "FDRE", {"C": [1], "D": [d], "Q": [q]}


def _lut(output: int, *inputs: int) -> Placed:
    return f"LUT{len(inputs)}", {f"I{i}": [n] for i, n in enumerate(inputs)} | {"O": [output]}


def _timing(netlist: TimedNetlist) -> dict[str, LayerTiming]:
    return {path.name: path for path in layer_timing(netlist, lambda net: net.split(".")[0])}


def test_register_to_register_through_two_luts(tmp_path: Path) -> None:
    cells = {"a": _ff(99, 2), "x": _lut(3, 2), "y": _lut(4, 3), "b": _ff(4, 5)}
    found = _timing(_netlist(tmp_path, cells, first__q=2, second__q=5))["second"]
    assert (found.source, found.levels, found.fan_out) == ("first", 2, 1)
    assert found.delay_ns == pytest.approx((456 + _NET_1 + 124 + _NET_1 + 124) / 1000)
    assert found.logic_ns == pytest.approx((456 + 124 + 124) / 1000)
    assert found.clock_mhz == pytest.approx(1000 / found.delay_ns)


def test_fan_out_costs(tmp_path: Path) -> None:
    cells = {"a": _ff(99, 2), "x": _lut(3, 2), "y": _lut(4, 2), "b": _ff(3, 5), "c": _ff(4, 6)}
    found = _timing(_netlist(tmp_path, cells, first__q=2, b__q=5, c__q=6))["b"]
    assert found.fan_out == 2
    assert found.delay_ns == pytest.approx((456 + _NET_2 + 124) / 1000)


def test_a_carry_chain_stays_in_its_column(tmp_path: Path) -> None:
    cells = {
        "a": _ff(99, 2),
        "x": _lut(3, 2),
        "low": ("CARRY4", {"S": [3, 30, 31, 32], "CI": [33], "CO": [40, 41, 42, 43]}),
        "high": ("CARRY4", {"S": [34, 35, 36, 37], "CI": [43], "O": [50, 51, 52, 53]}),
        "b": _ff(50, 60),
    }
    found = _timing(_netlist(tmp_path, cells, first__q=2, sum__q=60))["sum"]
    assert found.levels == 3
    # S[0] to CO[3] and CI to O[0] as in the library, which is Project X-Ray's
    assert found.delay_ns == pytest.approx((456 + _NET_1 + 124 + 508 + 222) / 1000)


def test_an_inverter_is_part_of_the_lut_behind_it(tmp_path: Path) -> None:
    inverter = ("INV", {"I": [2], "O": [3]})
    cells = {"a": _ff(99, 2), "n": inverter, "x": _lut(4, 3), "b": _ff(4, 5)}
    found = _timing(_netlist(tmp_path, cells, first__q=2, second__q=5))["second"]
    assert found.levels == 1


def test_the_slowest_layer_is_first(tmp_path: Path) -> None:
    cells = {"a": _ff(99, 2), "x": _lut(3, 2), "b": _ff(3, 5), "y": _lut(6, 5), "c": _ff(6, 7)}
    cells |= {"z": _lut(8, 6), "d": _ff(8, 9)}
    netlist = _netlist(tmp_path, cells, a__q=2, b__q=5, c__q=7, d__q=9)
    paths = layer_timing(netlist, lambda net: net.split(".")[0])
    assert paths[0].name == "d"
    assert [path.delay_ns for path in paths] == sorted((p.delay_ns for p in paths), reverse=True)


def test_a_loop_is_named(tmp_path: Path) -> None:
    cells = {"x": _lut(3, 4), "y": _lut(4, 3), "b": _ff(4, 5)}
    netlist = _netlist(tmp_path, cells, one=3, other=4)
    with pytest.raises(HardwareError, match=r"a loop without a register goes through (one|other)"):
        layer_timing(netlist, str)

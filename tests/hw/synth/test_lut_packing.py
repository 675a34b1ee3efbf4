# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Pairs of LUTs that share a site, in netlists where they can be counted by hand."""

from typing import Any

import numpy as np
import pytest

from hw.synth.packing import count_pairs

Nets = tuple[int, ...]


def _cells(*luts: Nets, **others: dict[str, Any]) -> dict[str, Any]:
    """Return LUTs of the given input nets, with outputs 1000, 1001, ..., and other cells."""
    return {f"lut{i}": _lut(nets, 1000 + i) for i, nets in enumerate(luts)} | others


def _lut(nets: Nets, output: int) -> dict[str, Any]:
    pins: dict[str, list[int | str]] = {f"I{i}": [net] for i, net in enumerate(nets)}
    return {"type": f"LUT{len(nets)}", "connections": {**pins, "O": [output]}}


def _cell(kind: str, **pins: list[int]) -> dict[str, Any]:
    return {"type": kind, "connections": pins}


@pytest.mark.parametrize(
    ("luts", "pairs"),
    [
        (((1, 2, 3, 4, 5), (1, 2)), 1),  # one is of the other's inputs
        (((1, 2, 3), (3, 4, 5)), 1),  # five together
        (((1, 2, 3), (3, 4, 5, 6)), 0),  # six together
        (((1, 2), (3, 4)), 0),  # fits, but nothing in common: a matter of placement
        (((1, 2, 3, 4, 5, 6), (1, 2)), 0),  # a function of six inputs fills its site
        (((1, 2), (1, 2), (1, 2)), 1),  # each in one pair at most
        (((1, 2, 3, 4, 5), (1, 2), (1, 2, 3), (4, 5, 6)), 1),
        (((1, 2, 3, 4, 5), (1, 2, 3, 4, 5), (1,), (1, 9)), 2),
    ],
)
def test_known_pairs(luts: tuple[Nets, ...], pairs: int) -> None:
    assert count_pairs(_cells(*luts)) == pairs


def test_two_that_need_the_first_output_are_apart() -> None:
    luts = ((1, 2), (1, 2))
    assert count_pairs(_cells(*luts, chain=_cell("CARRY4", S=[1000, 1001], DI=[7, 8]))) == 0
    assert count_pairs(_cells(*luts, chain=_cell("CARRY4", S=[1000, 9], DI=[1001, 8]))) == 1
    assert count_pairs(_cells(*luts, mux=_cell("MUXF7", I0=[1000], I1=[1001], S=[3]))) == 0


def test_constants_take_no_input() -> None:
    cells = _cells((1, 2, 3, 4, 5), (5, 6))
    cells["lut0"]["connections"]["I0"] = ["0"]
    assert count_pairs(cells) == 1


def _best(luts: list[frozenset[int]]) -> int:
    """Return the most pairs, by trying all."""
    if not luts:
        return 0
    first, *rest = luts
    fits = [i for i, other in enumerate(rest) if first & other and len(first | other) <= 5]
    return max(_best(rest), *(1 + _best(rest[:i] + rest[i + 1 :]) for i in fits), 0)


def test_never_more_than_the_best_and_near_it() -> None:
    rng = np.random.default_rng(0)
    found = best = 0
    for _ in range(60):
        nets = [rng.choice(9, rng.integers(2, 6), replace=False) for _ in range(8)]
        luts = [tuple(int(net) for net in sorted(chosen)) for chosen in nets]
        ours, most = count_pairs(_cells(*luts)), _best([frozenset(lut) for lut in luts])
        assert ours <= most
        found, best = found + ours, best + most
    assert found >= 0.9 * best > 0

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Sums near to a rounding boundary: counted where float32 could decide otherwise, and said."""

from fractions import Fraction

import numpy as np
import pytest
from agreement import finished, weights

from flow.integer import Interval
from flow.lowering import lower
from flow.lowering._near_ties import near_ties, tie_notes
from flow.lowering._staircase import round_steps, uniform
from flow.lowering._values import Value, objects
from flow.lowering.graph_writer import GraphWriter

TENTH = Fraction(float(np.float32(0.1)))  # not 1/10: 1e-9 above


def _counted(scale: Fraction, step: Fraction, interval: Interval) -> int:
    value = Value.plain("x", (1,), np.zeros((1, 1), dtype=np.int64), objects([scale]))
    stairs = uniform(range(4), round_steps("ROUND"), [step], [Fraction(0)])
    return near_ties(stairs, value, interval)


@pytest.mark.parametrize(
    ("scale", "step", "highest", "expected"),
    [
        (TENTH, Fraction(1), 100, 3),  # 5, 15 and 25 times 0.1 are halves but for 1e-8
        (TENTH, Fraction(1), 20, 2),  # 25 is no sum
        (TENTH, TENTH * 3, 100, 0),  # 1.5, 4.5 and 7.5 are no integers
        (Fraction(1, 8), Fraction(1), 100, 0),  # 4, 12 and 20 eighths are exactly halves
        (TENTH, Fraction(1), 2**25, 0),  # sums beyond 24 bits are not looked at
    ],
)
def test_integers_near_to_a_boundary_are_counted(
    scale: Fraction, step: Fraction, highest: int, expected: int
) -> None:
    assert _counted(scale, step, Interval(0, highest)) == expected


def test_the_quantizers_with_the_most_are_named() -> None:
    found = {"a": (1, 10), "b": (5, 10), "c": (0, 10), "d": (2, 10), "e": (3, 1000)}
    (note,) = tie_notes(found)
    assert note.startswith(
        "11 of 1,040 thresholds have a sum within 1e-6 of a tie, of b (5), e (3)"
    )
    assert "d (2) and 1 more: decided exactly here" in note
    assert tie_notes({"c": (0, 10)}) == []


def test_a_model_with_a_tie_says_so() -> None:
    graph = GraphWriter()
    graph.values["images"] = np.arange(4, dtype=np.float32).reshape(1, 1, 2, 2)
    kernel = graph.quant(graph.constant(np.full((1, 1, 1, 1), 0.1)), 0.1, 4, signed=True)
    sums = graph.quant(graph.node("Conv", "images", kernel), 1.0, 4, signed=False)
    vector = graph.node("Flatten", sums, axis=1)
    output = graph.node("MatMul", vector, weights(graph, (4, 3)))
    lowered = lower(finished(graph, (1, 1, 2, 2), output))
    assert any("15 of 15 thresholds have a sum within 1e-6 of a tie" in n for n in lowered.notes)

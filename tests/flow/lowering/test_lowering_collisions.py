# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Refusals of scales name the values that collide, or the number that is too many."""

import re
from collections.abc import Callable
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from agreement import single, weights
from hypothesis import given, settings
from hypothesis import strategies as st

from flow.errors import FlowError
from flow.integer import Interval
from flow.lowering import lower
from flow.lowering._collisions import Term, of_places, of_sums
from flow.lowering._multipliers import Part, smallest_multipliers, why_none
from flow.lowering._narrow import _smallest
from flow.lowering.graph_writer import GraphWriter

Layer = Callable[[GraphWriter, str], str]


def _scaled(g: GraphWriter, x: str, *scales: float, bits: int = 2) -> str:
    """Quantize to `bits` bits, and multiply: a scale of as many float32 as are multiplied."""
    x = g.quant(x, 0.1234567, bits, signed=False)
    for scale in scales:
        x = g.node("Mul", x, g.constant(scale))
    return x


def _of_channels(g: GraphWriter, x: str, *scales: float) -> str:
    factor = g.constant(np.array(scales).reshape(1, 2, 1, 1))
    return g.node("Mul", _scaled(g, x, 0.7), factor)


REFUSALS: dict[str, tuple[Layer, str]] = {
    "places that collide": (
        lambda g, x: g.node("Concat", _scaled(g, x, 1.7), _scaled(g, x, 1.3e-12), axis=2),
        r"Concat_\d+ \(Concat\): its inputs have no common scale: .* rounded to at most 2\*\*27, "
        r".*0 \(integer 0\) of input \d and 1\.60494e-13 \(integer 1\) of input 1 are 1\.6e-13 "
        r"apart and become one integer, .*; quantize all its inputs with one shared quantizer$",
    ),
    "channels that collide": (
        lambda g, x: g.node(
            "Conv", _of_channels(g, x, 1.7, 1.3e-17), weights(g, (1, 2, 3, 3), bits=4)
        ),
        r"Conv_\d+ \(Conv\): the scales of its input's channels have no common unit \(a weight "
        r"becomes \d+\); with weights rounded to at most 2\*\*46, products of channels 0 and 1: "
        r".* apart and become one integer, .*; quantize its input with one scale for all",
    ),
    "a clamp between levels": (
        lambda g, x: g.node(
            "Conv", g.node("Relu", g.node("Sub", x, g.constant(1.5))), weights(g, (1, 2, 1, 1))
        ),
        r"clamped at 0, which is no level of its integers \(channel 0 is 1 \* integer \+ -1\.5\): "
        r"it is between integers 1 and 2; put a Quant node after the activation",
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_names_what_collides_in_one_line(name: str) -> None:
    layer, message = REFUSALS[name]
    with pytest.raises(FlowError, match=message) as refused:
        lower(single(layer, (1, 2, 6, 6)))
    assert not re.search(r"\n|Fraction|Interval|np\.|<", str(refused.value))


def _terms() -> st.SearchStrategy[list[Term]]:
    scale = st.fractions(Fraction(1, 64), Fraction(4), max_denominator=64)
    ends = st.tuples(st.integers(-3, 3), st.integers(0, 4))
    term = st.builds(lambda a, e: Term(a, Interval(e[0], e[0] + e[1])), scale, ends)
    return st.lists(term, min_size=2, max_size=3)


@given(terms=_terms(), limit=st.integers(1, 12))
@settings(max_examples=80, deadline=None)
def test_sums_collide_only_where_the_rounded_ones_do(terms: list[Term], limit: int) -> None:
    largest = max(term.scale for term in terms)
    factors = [round(term.scale * limit / largest) for term in terms]
    sums = [
        (
            sum(term.scale * x for term, x in zip(terms, choice, strict=True)),
            sum(factor * x for factor, x in zip(factors, choice, strict=True)),
        )
        for choice in product(*(term.span for term in terms))
    ]
    mixed = any(a[0] < b[0] and a[1] >= b[1] for a in sums for b in sums)
    assert ("no two of its" not in of_sums(terms, limit)) == mixed


def test_values_that_meet_or_change_their_order_are_named() -> None:
    terms = [Term(Fraction(5), Interval(0, 2)), Term(Fraction(4), Interval(0, 3))]
    said = of_sums(terms, 2)  # factors 2 and 2 for 5 and 4: 5 + 4 and 0 + 8 are 4 both
    assert said.startswith("0 (integer 0) + 4 (integer 1) and 5 (integer 1) + 0 (integer 0) are 1 ")
    terms = [Term(Fraction(10), Interval(2, 2)), Term(Fraction(7), Interval(3, 3))]
    assert of_places(terms, 2) == (  # factors 2 and 1 for 10 and 7
        "20 (integer 2) of input 0 and 21 (integer 3) of input 1 are 1 apart and change their "
        "order, so that a threshold between them is lost"
    )


def test_too_many_places_are_told_with_their_number() -> None:
    term = Term(Fraction(1), Interval(0, 2**16))
    assert of_places([term, term], 4).startswith("its 131,074 values are more than the 65,536")


def test_parts_that_no_small_factors_keep_apart_are_named() -> None:
    span, weights_ = 2**18, (2**20 + 1, -(2**20))
    parts = [Part(weight, 0, span) for weight in weights_]
    assert smallest_multipliers(parts, [1]) is None
    said = why_none(parts, [1])
    found = re.fullmatch(
        r"rounded to factors of at most 65536, its parts at \[(\d+), (\d+)\], below threshold 1 of "
        r"1, and at \[(\d+), (\d+)\], which reach it, collide",
        said,
    )
    assert found, said
    a, b, c, d = map(int, found.groups())
    assert weights_[0] * a + weights_[1] * b < 1 <= weights_[0] * c + weights_[1] * d
    assert a - b >= c - d  # both factors are 65536


def test_a_constant_part_moves_the_thresholds_and_nothing_else() -> None:
    parts, constant = [Part(2**20 + 1, 0, 2**18), Part(-(2**20), 0, 2**18)], Part(7, 3, 3)
    assert why_none([*parts, constant], [1 + 7 * 3]) == why_none(parts, [1])


def test_more_comparisons_than_are_made_are_told_with_their_number() -> None:
    parts = [Part(2**30 + i, 0, 3999) for i in range(3)]
    assert smallest_multipliers(parts, [2**31]) is None
    assert why_none(parts, [2**31]) == (
        "16,000,000 comparisons with thresholds are more than the 8,388,608 that are made"
    )
    assert why_none([Part(2**40, 0, 3), Part(1, 0, 2**17)], [2**40]) == (
        "none of the factors of at most 65536 that were tried keep every decision"
    )
    assert why_none([Part(0, 0, 5), Part(3, 2, 2)], [6]) == "a channel of it is constant"


def test_a_sum_that_decides_nothing_needs_no_multipliers() -> None:
    varying, still = (Part(3, 0, 5), Part(2, 1, 1)), (Part(3, 4, 4), Part(0, 0, 9))
    for parts in (varying, still):
        found = _smallest(parts, frozenset())
        assert found is not None
        assert (found.values, found.cuts, found.choices) == ((0, 0), {}, 1)
    assert _smallest(still, frozenset({5})) is None
    found = _smallest(varying, frozenset({5}))
    assert found is not None
    assert any(found.values)

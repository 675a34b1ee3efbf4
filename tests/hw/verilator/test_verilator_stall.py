# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The cause of a stall, from hand-made states of streams. Needs no tool."""

import pytest

from hw.verilator._stall import StreamState, explain_stall, shallow_fifo

_STATES = {"moving": (True, True), "blocked": (True, False), "starved": (False, True)}


def _streams(text: str) -> list[StreamState]:
    """Return the streams of lines such as "a > b blocked"."""
    words = [line.split() for line in text.strip().splitlines()]
    return [StreamState(a, b, *_STATES[state]) for a, _, b, state in words]


_SKIP_TOO_SHALLOW = """
    input > fork blocked
    fork > skip blocked
    fork > first starved
    skip > add blocked
    first > convolution starved
    convolution > second starved
    second > add starved
    add > output starved
"""


def test_full_fifo_before_a_join_is_the_cause() -> None:
    text = explain_stall(_streams(_SKIP_TOO_SHALLOW), {"skip": 5, "first": 0, "second": 0})
    assert text.startswith("skip is full with 5 beats while add waits for second; give skip more")


def test_fifo_is_found_behind_a_layer_of_its_branch() -> None:
    states = _SKIP_TOO_SHALLOW.replace(
        "skip > add blocked", "skip > widen blocked\n widen > add blocked"
    )
    text = explain_stall(_streams(states), {"skip": 7, "first": 0, "second": 0})
    assert text.startswith("skip is full with 7 beats while add waits for second")


def test_join_that_is_itself_blocked_is_not_the_cause() -> None:
    states = _streams(_SKIP_TOO_SHALLOW.replace("add > output starved", "add > output blocked"))
    text = explain_stall(states, {"skip": 5, "first": 0, "second": 0})
    assert text.startswith("the results are not taken; let the reader be ready; ")


@pytest.mark.parametrize(
    ("states", "cause"),
    [
        ("input > a starved\n a > output starved", "no image is offered; offer one"),
        ("input > a blocked\n a > output starved", "a takes no beat and gives none; report this"),
        (
            "input > a moving\n a > output starved",
            "no layer waits for another; report this network",
        ),
    ],
)
def test_other_causes_are_named(states: str, cause: str) -> None:
    assert explain_stall(_streams(states), {}).startswith(cause)


def test_long_lists_show_the_streams_next_to_the_cause() -> None:
    chain = [f"n{i} > n{i + 1} {'blocked' if i < 10 else 'starved'}" for i in range(20)]
    text = explain_stall(_streams("\n".join(chain)), {})
    assert "valid without ready: n4 -> n5, n5 -> n6" in text
    assert "n9 -> n10 and 4 more; ready without valid: n10 -> n11, " in text
    assert text.endswith("n15 -> n16 and 4 more")


def test_shallow_fifo_comes_with_the_join_and_what_it_waits_for() -> None:
    streams = _streams(_SKIP_TOO_SHALLOW)
    assert shallow_fifo(streams, {"skip": 5}) == ("skip", "add", "second")
    assert shallow_fifo(streams, {}) is None

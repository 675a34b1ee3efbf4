# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""How errors and unknown names are told."""

import pytest

from steelflow_names import hint, near, one_line

NAMES = ("mnist-tfc-w1a1", "mnist-lenet5-w4a4", "cifar10-cnv-w1a1")


@pytest.mark.parametrize(
    ("name", "known", "found"),
    [
        ("sede", ("seed", "name"), ["seed"]),
        ("clock", ("clock_mhz", "part"), ["clock_mhz"]),
        ("LENET5", ("lenet5", "lenet300"), ["lenet5"]),
        ("mnist_tfc_w1a1", NAMES, ["mnist-tfc-w1a1"]),
        ("resnet", ("lenet5", "tfc"), []),
        ("zou", ("zoo", "pgd"), ["zoo"]),
        ("pdg", ("pgd", "fgsm"), ["pgd"]),
        ("dgp", ("pgd", "fgsm"), []),
        ("x", ("xcku5p", "seed"), []),  # one letter begins too much
        ("", ("seed",), []),
        ("anything", (), []),
    ],
)
def test_only_what_is_near_is_offered(name: str, known: tuple[str, ...], found: list[str]) -> None:
    assert near(name, known) == found


def test_a_hint_offers_what_is_near_and_lists_the_rest() -> None:
    assert hint("sede", ["seed", "name"]) == "; did you mean 'seed'? Known here: seed, name"
    assert hint("zzz", ["seed", "name"]) == "; known here: seed, name"
    assert hint("zzz", []) == "; there are none here"
    assert hint("xabc", ["abc", "seed"]) == "; did you mean 'abc'? Known here: abc, seed"
    assert hint("se", ["seed", "set"]) == "; did you mean 'set' or 'seed'? Known here: seed, set"


@pytest.mark.parametrize(
    ("said", "line"),
    [("a\n  b ", "a b"), (ValueError("no\nspace"), "no space"), (TimeoutError(), "TimeoutError")],
)
def test_a_message_is_one_line_and_never_empty(said: object, line: str) -> None:
    assert one_line(said) == line

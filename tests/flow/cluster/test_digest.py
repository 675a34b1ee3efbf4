# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Digests tell values apart and nothing else."""

from dataclasses import dataclass
from enum import Enum

import numpy as np
import pytest

from flow.cluster.digest import digest_of


@dataclass(frozen=True)
class _Point:
    x: int
    y: float


class _Kind(Enum):
    ONE = 1
    TWO = 2


DISTINCT = (
    None, True, 1, 1.0, "1", b"1", (1,), [1], {"a": 1}, {"a": 2}, (1, (2, 3)), ((1, 2), 3),
    ("ab", "c"), ("a", "bc"), frozenset({1}), np.zeros(2), np.zeros((2, 1)),
    np.zeros(2, np.float32), np.int64(1), _Point(1, 2.0), _Point(2, 2.0), _Kind.ONE, _Kind.TWO,
)  # fmt: skip


def test_different_values_have_different_digests() -> None:
    assert len({digest_of(value) for value in DISTINCT}) == len(DISTINCT)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        (np.arange(6).reshape(2, 3).T, np.arange(6).reshape(2, 3).T.copy()),
        ({3, 1, 2}, {1, 2, 3}),
    ],
)
def test_equal_content_has_one_digest(one: object, other: object) -> None:
    assert digest_of(one) == digest_of(other)


def test_what_has_no_canonical_content_is_refused() -> None:
    with pytest.raises(TypeError, match="a function has no canonical content"):
        digest_of((1, test_different_values_have_different_digests))

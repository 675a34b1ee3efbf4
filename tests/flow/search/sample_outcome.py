# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What a search might have found, for tests of what is shown of it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from flow.search.candidate import Candidate
from flow.search.cost import Cost
from flow.search.measured import Measured
from flow.search.search import Finalist, Outcome
from flow.search.settings import SearchConfig
from flow.search.space import suggest
from flow.search.trials import Scores

_MEASURED = Measured(
    clean=0.9,
    worst_case=0.6,
    certified=None,
    lut=2000,
    bram36=0.5,
    dsp=0,
    fps=50_000.0,
    latency_us=31.5,
    logits_differ=0,
    predicted=Cost(lut=2100, bram36=0.5, dsp=0, fps=50_000.0),
)


class _Index:
    """Chooses the same place of every list of choices."""

    def __init__(self, place: int) -> None:
        self._place = place

    def suggest_categorical(self, _name: str, choices: Sequence[Any]) -> Any:  # noqa: ANN401
        return choices[self._place % len(choices)]


def finalist(config: SearchConfig, number: int, worst_case: float, lut: int) -> Finalist:
    return Finalist(
        number=number,
        candidate=suggest(_Index(number), config),
        measured=replace(_MEASURED, worst_case=worst_case, lut=lut),
        problem="",
    )


def sample(config: SearchConfig) -> Outcome:
    """Return three finalists, of whom trial 2 is beaten by trial 1 in both goals."""
    found = ((0.3, 900), (0.6, 2000), (0.5, 4000))
    some = [finalist(config, number, *one) for number, one in enumerate(found)]
    tried: list[tuple[Candidate, Cost, Scores]] = [
        (one.candidate, one.measured.predicted, Scores(clean=0.5, worst_case=0.4)) for one in some
    ]
    refused = ((some[2].candidate, "9,000 LUT, 3,000 more than 6,000"),)
    return Outcome(
        tried=tuple(tried), refused=refused, finalists=tuple(some), front=(some[1], some[0])
    )

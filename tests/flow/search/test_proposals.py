# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Proposals after results: new ones for as long as the space holds some."""

from collections.abc import Sequence
from pathlib import Path

from short_search import EXAMPLE

from flow.search.candidate import Candidate
from flow.search.cost import Cost
from flow.search.proposals import Proposals
from flow.search.settings import SearchConfig, load_search

# Worst case and LUTs of the uniform bits of two shapes; with these the sampler asks for the
# second one again and again.
_TOLD = ((0.706, 2087), (0.812, 2915), (0.856, 4064), (0.736, 3111), (0.812, 4734), (0.844, 6728))


def _fits(some: Sequence[Candidate]) -> list[Cost]:
    return [Cost(lut=100, bram36=0, dsp=0, fps=1e6)] * len(some)


def _two_shapes() -> SearchConfig:
    config = load_search(EXAMPLE)
    families = [{"architecture": "conv_small", "width": width} for width in (0.75, 1.0)]
    changes = {"families": families, "input_bits": (1,), "target_fps": (10_000.0,)}
    space = config.space.model_copy(update=changes | {"epsilons_255": (80,)})
    return config.model_copy(update={"space": space, "batch": 4})


def test_a_sampler_that_repeats_itself_does_not_end_the_search(tmp_path: Path) -> None:
    proposals = Proposals(_two_shapes(), tmp_path, _fits)
    for told in (_TOLD[:4], _TOLD[4:]):
        for proposal, (worst_case, lut) in zip(proposals.next(len(told)), told, strict=True):
            proposals.tell(proposal, [worst_case, -lut])
    found = proposals.next(4)
    assert len({one.candidate.model_dump_json() for one in found}) == 4

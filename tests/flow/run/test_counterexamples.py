# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The upper end of the bracket is the worst case, image by image, of everything that was found."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from quantized_digits import digits_network

from flow.errors import FlowError
from flow.run.counterexamples import broken_images, with_attacks
from flow.run.loading import parse_config
from flow.run.pipeline import Context
from flow.run.results import Attacked, Broken, Certified, Proven
from flow.run.steps.attack import AttackStep
from flow.run.steps.certify import CertifyStep

RADII = (2, 5, 9)
ANSWERS = st.lists(st.sampled_from("rbo"), min_size=1, max_size=8)


def _row(epsilon_255: int, answers: list[str]) -> Proven:
    indices = {x: tuple(i for i, one in enumerate(answers) if one == x) for x in "rbo"}
    counts = {x: len(found) for x, found in indices.items()}
    return Proven(
        network="robust",
        norm="linf",
        epsilon_255=epsilon_255,
        images=len(answers),
        robust=counts["r"],
        adversarial=counts["b"],
        unknown=counts["o"],
        nodes=10,
        tiers={"tree": counts["r"], "flip": counts["b"], "none": counts["o"]},
        broken_images=indices["b"],
        open_images=indices["o"],
    )


@given(
    answers=st.tuples(*(ANSWERS for _ in RADII)),
    fooled=st.lists(st.tuples(st.sampled_from(RADII), st.sets(st.integers(0, 9))), max_size=4),
)
def test_at_most_is_counted_image_by_image(
    answers: tuple[list[str], ...], fooled: list[tuple[int, set[int]]]
) -> None:
    rows = [_row(*pair) for pair in zip(RADII, answers, strict=True)]
    outcomes = [(radius, ~np.isin(np.arange(10), list(images))) for radius, images in fooled]
    broken = broken_images("robust", outcomes)
    expected = [_expected(radius, answers, fooled) for radius in RADII]
    if None in expected:
        with pytest.raises(FlowError, match=r"is certified at .*, and an attack breaks it there"):
            with_attacks(rows, broken)
        return
    found = with_attacks(rows, [*broken, Broken(network="plain", epsilon_255=2, images=(0, 1))])
    assert [(row.robust, row.unknown) for row in found] == expected
    assert all(sum(row.tiers.values()) == row.images for row in found)


def _expected(
    radius: int, answers: tuple[list[str], ...], fooled: list[tuple[int, set[int]]]
) -> tuple[int, int] | None:
    """Count proven and open images one by one; None where a proof is contradicted."""
    final = list(answers[RADII.index(radius)])
    for i, answer in enumerate(final):
        inner = [answers[j] for j, other in enumerate(RADII) if other <= radius]
        hit = any(i < len(one) and one[i] == "b" for one in inner)
        hit |= any(other <= radius and i in images for other, images in fooled)
        if hit and answer == "r":
            return None
        final[i] = "b" if hit else answer
    return final.count("r"), final.count("o")


def test_a_run_closes_its_bracket_with_its_attacks(tmp_path: Path) -> None:
    """Without a search intervals leave images open that the run's own attacks break."""
    attack = {"epsilons_255": [16], "images": 40, "steps": 10, "restarts": 1, "attacks": ["pgd"]}
    document = {"name": "a", "attack": attack, "certify": {"flips": 0, "nodes": 0}}
    config = parse_config(document, "here")
    context = Context(config=config, workspace=tmp_path, data=None)
    for step in ("compile", "attack", "certify", "scratch"):
        context.folder(step).mkdir(parents=True, exist_ok=True)
    for name in ("network", "plain"):
        digits_network().save(context.folder("compile") / f"{name}.npz")
    AttackStep().run(context, context.folder("attack"), context.folder("scratch"))
    CertifyStep().run(context, context.folder("certify"), context.folder("scratch"))
    attacked = Attacked.load(context.folder("attack"))
    (proven,) = Certified.load(context.folder("certify")).rows
    (row,) = with_attacks([proven], attacked.broken)
    left = next(one for one in attacked.rows if one.network == "robust").accuracy
    assert row.certified <= row.possible <= left < proven.possible
    assert row.tiers["attack"] > 0

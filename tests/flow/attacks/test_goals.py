# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Goals and restarts around every attack, and FAB-T's projection."""

from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from quantized_digits import digits, digits_network

from flow.attacks import (
    ATTACKS,
    Goal,
    KeepTopK,
    OnDevice,
    Pursuit,
    Restarted,
    Targeted,
    Untargeted,
    build_attack,
    build_goal,
)
from flow.attacks.fab import projection
from flow.classifier import Images, Labels
from flow.errors import FlowError
from flow.evaluation.evaluator import Subject, check_budget, evaluate
from flow.evaluation.worst_case import worst_case
from flow.run.loading import parse_config

IMAGES, LABELS = digits().test_images[:60], digits().test_labels[:60]
BUDGET = {"steps": 8, "restarts": 1, "queries": 150}
GOALS = (Targeted(target=3), KeepTopK(k=2))
ANY_GOAL = [n for n in ATTACKS if build_attack(n, **BUDGET).any_goal]


def ranked(logits: np.ndarray, label: int) -> int:
    """Rank of the label, 0 the first, equal logits by their index."""
    return np.argsort(-logits, kind="stable").tolist().index(label)


@settings(max_examples=200, deadline=None)
@given(
    rows=st.lists(st.lists(st.integers(-2, 2), min_size=4, max_size=4), min_size=1, max_size=6),
    label=st.integers(0, 3),
    target=st.integers(0, 3),
    k=st.integers(1, 3),
)
def test_a_goal_is_what_the_argmax_and_the_ranks_say(
    rows: list[list[int]], label: int, target: int, k: int
) -> None:
    logits, labels = np.array(rows), np.full(len(rows), label)
    first = [ranked(row, label) == 0 for row in logits]
    kept = [ranked(row, label) < k for row in logits]
    missed = [target == label or int(row.argmax()) != target for row in logits]
    assert Untargeted().holds(logits, labels).tolist() == first
    assert KeepTopK(k=k).holds(logits, labels).tolist() == kept
    assert Targeted(target=target).holds(logits, labels).tolist() == missed


@pytest.mark.parametrize(("name", "goal"), list(product(ANY_GOAL, GOALS)))
def test_every_attack_keeps_its_ball_whatever_its_goal(name: str, goal: Goal) -> None:
    attack = build_attack(name, **BUDGET, goal=goal)
    radius = 200 if attack.norm == "l2" else 24
    found = attack.run(digits_network(), IMAGES, LABELS, radius, 0)
    check_budget(name, IMAGES, found, radius, attack.norm)
    alone = goal.references(LABELS) < 0
    np.testing.assert_array_equal(found[alone], IMAGES[alone])


@pytest.mark.parametrize(
    ("name", "goal"), list(product([n for n in ANY_GOAL if n != "noise"], GOALS))
)
def test_an_attack_reaches_its_goal_more_often_than_noise(name: str, goal: Goal) -> None:
    attack = build_attack(name, steps=20, restarts=1, queries=QUERIES.get(name, 300), goal=goal)
    assert held(attack, 250 if attack.norm == "l2" else 48, goal) < NOISE[goal]


QUERIES = {"zoo": 3000, "hop_skip_jump": 2000, "transfer": 600}


def held(attack: object, radius: int, goal: Goal) -> int:
    found = attack.run(digits_network(), IMAGES, LABELS, radius, 0)  # type: ignore[attr-defined]
    return int(goal.holds(digits_network().logits(found), LABELS).sum())


NOISE = {
    goal: held(build_attack("noise", steps=1, restarts=3, goal=goal), 48, goal) for goal in GOALS
}


def test_to_leave_the_first_place_is_to_be_misclassified() -> None:
    found = [
        build_attack("pgd", **BUDGET, goal=goal).run(digits_network(), IMAGES, LABELS, 24, 0)
        for goal in (KeepTopK(k=1), None)
    ]
    counts = [int((digits_network().logits(one).argmax(1) == LABELS).sum()) for one in found]
    assert abs(counts[0] - counts[1]) <= 3  # two losses, one goal
    assert counts[0] < 40


def test_an_evaluation_judges_by_the_goal() -> None:
    goal, seen = Targeted(target=3), digits_network()
    attack = build_attack("pgd", **BUDGET, goal=goal)
    found = evaluate(seen, IMAGES, LABELS, attack, 48, seed=0, network="digits")
    won = (seen.logits(found.adversarial).argmax(1) == 3) & (LABELS != 3)
    np.testing.assert_array_equal(found.holds, ~won)
    assert found.row.attack == "pgd to 3"
    assert found.row.accuracy == 1 - won.mean() < 1
    subject = Subject(victim=seen, network="digits", seed=0)
    together = worst_case(subject, IMAGES, LABELS, [attack], 48)
    np.testing.assert_array_equal(together.evaluation.holds, found.holds)
    with pytest.raises(FlowError, match="their goals differ"):
        worst_case(subject, IMAGES, LABELS, [attack, build_attack("pgd", **BUDGET)], 48)


@pytest.mark.parametrize("name", ["pgd", "square", "noise", "hop_skip_jump"])
def test_restarts_leave_no_more_than_the_first_run(name: str) -> None:
    once, thrice = (build_attack(name, **BUDGET, repeats=n) for n in (1, 3))
    images: list[Images] = [
        one.run(digits_network(), IMAGES, LABELS, 16, 5) for one in (once, thrice)
    ]
    right = [digits_network().logits(found).argmax(1) == LABELS for found in images]
    assert not (right[1] & ~right[0]).any()
    np.testing.assert_array_equal(images[1][~right[0]], images[0][~right[0]])
    assert thrice.restarts == 3 * once.restarts
    assert thrice.name == name


def test_restarts_draw_anew_and_stop_at_what_is_broken() -> None:
    calls: list[tuple[int, int]] = []

    class Counting(type(build_attack("noise", **BUDGET))):  # type: ignore[misc]
        def run(self, network: object, images: Images, labels: Labels, *rest: int, **more: object):  # type: ignore[no-untyped-def]  # noqa: ANN202
            calls.append((rest[1], int(more["only"].sum())))  # type: ignore[attr-defined]
            return super().run(network, images, labels, *rest, **more)

    Restarted(attack=Counting(), runs=3).run(digits_network(), IMAGES, LABELS, 60, 1)
    seeds, counts = zip(*calls, strict=True)
    assert len(set(seeds)) == 3
    assert counts[0] == 60 > counts[1] >= counts[2]


def test_the_first_of_the_worst_runs_counts_and_ties_are_run_again() -> None:
    """Margins of three images over three runs: 5 2 2, a tie that holds, broken at once."""
    margins = np.array([[5, 0, -1], [2, 0, -9], [2, 0, -9]])
    seeds: list[int] = []

    class Runs(type(build_attack("noise", **BUDGET))):  # type: ignore[misc]
        def run(self, *given: Any, only: np.ndarray) -> Images:  # noqa: ANN401
            seeds.append(given[4])
            found = np.full((3, 1, 1, 1), len(seeds), np.uint8)
            assert only.tolist() == [True, True, len(seeds) == 1]
            return found

    class Answers:
        classes = 2

        def logits(self, images: Images) -> np.ndarray:
            run = int(images.flat[0]) - 1
            return np.stack([[int(m), 0] for m in margins[run, : len(images)]])

    images = np.zeros((3, 1, 1, 1), np.uint8)
    found = Restarted(attack=Runs(), runs=3).run(Answers(), images, np.zeros(3, np.int64), 9, 4)  # type: ignore[arg-type]
    assert found.flatten().tolist() == [2, 1, 1]
    assert seeds == [4, 4 + 7_368_787, 4 + 2 * 7_368_787]  # those of the published rows


@pytest.mark.parametrize("name", sorted(set(ATTACKS) - set(ANY_GOAL)))
def test_a_goal_that_an_attack_cannot_pursue_is_refused(name: str) -> None:
    with pytest.raises(FlowError, match=f"attack {name}: it looks for misclassified images only"):
        build_attack(name, **BUDGET, goal=Targeted(target=3))
    Pursuit(attack=build_attack(name, **BUDGET), goal=Untargeted())


def test_impossible_goals_are_refused() -> None:
    for goal, said in (
        (Targeted(target=10), "target 10 is not within 0..9"),
        (KeepTopK(k=10), "top_k 10 is not within 1..9"),
    ):
        with pytest.raises(FlowError, match=said):
            build_attack("pgd", **BUDGET, goal=goal).run(digits_network(), IMAGES, LABELS, 8, 0)
    with pytest.raises(FlowError, match=r"there is no attack\.target"):
        build_goal("targeted")
    with pytest.raises(FlowError, match="'nearest' is unknown"):
        build_goal("nearest")


def test_configurations_refuse_a_goal_early() -> None:
    attack = {"attacks": ["pgd", "flip"], "goal": "targeted", "target": 2}
    with pytest.raises(FlowError, match="here: attack flip: it looks for misclassified"):
        parse_config({"name": "goal", "attack": attack}, "here")
    with pytest.raises(FlowError, match=r"here: attack\.goal targeted: there is no attack\.target"):
        parse_config({"name": "goal", "attack": {"goal": "targeted"}}, "here")


def test_flip_finds_the_integer_network_behind_a_device() -> None:
    moved = OnDevice(digits_network(), "cpu")
    flip = build_attack("flip", steps=1, restarts=1, queries=100)
    found = [flip.run(one, IMAGES[:8], LABELS[:8], 16, 0) for one in (moved, digits_network())]
    np.testing.assert_array_equal(*found)


@settings(max_examples=100, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), size=st.integers(1, 6))
def test_a_projection_is_the_least_change_that_reaches_the_plane(seed: int, size: int) -> None:
    draw = np.random.default_rng(seed)
    points = torch.from_numpy(draw.uniform(0, 255, (5, size)))
    weights = torch.from_numpy(draw.choice([-2.0, -0.5, 0.0, 1.0, 3.0], (5, size)))
    offset = torch.from_numpy(draw.uniform(-600, 600, 5))
    change = projection(points, weights, offset)
    moved = points + change
    assert moved.min() >= -1e-9
    assert moved.max() <= 255 + 1e-9
    value = (weights * moved).sum(1) + offset
    start = (weights * points).sum(1) + offset
    # the end of the box that lies furthest in that direction cannot reach the plane either
    best = torch.where(weights * start.sign()[:, None] > 0, 0.0, 255.0)
    reachable = ((weights * best).sum(1) + offset) * start.sign() <= 1e-9
    assert (value.abs()[reachable] < 1e-6).all()
    assert (value.abs() <= start.abs() + 1e-6).all()
    smaller = change.abs().amax(1) * 0.99  # any change of that size falls short
    reach = (
        weights.abs()
        * torch.minimum(
            smaller[:, None], torch.where(weights * start[:, None] > 0, points, 255 - points)
        )
    ).sum(1)
    assert (reach[reachable] < start.abs()[reachable]).all()

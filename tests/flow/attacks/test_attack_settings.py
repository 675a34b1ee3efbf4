# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What attacks do when nothing is said: the budgets of the papers, and the limits of settings."""

from dataclasses import MISSING, fields
from typing import Any

import numpy as np
import pytest

from flow.attacks import (
    ATTACKS,
    Attack,
    Budget,
    Goal,
    KeepTopK,
    Restarted,
    Targeted,
    Untargeted,
    build_goal,
)
from flow.attacks.apgd import ApgdCe, ApgdDlr, ApgdTargetedDlr, AutoPgd
from flow.attacks.carlini_wagner import CarliniWagner
from flow.attacks.deepfool import DeepFool
from flow.attacks.fab import FabTargeted
from flow.attacks.flip import Flip
from flow.attacks.hop_skip_jump import HopSkipJump
from flow.attacks.losses import (
    CrossEntropy,
    Loss,
    RivalCrossEntropy,
    TargetedLogitsRatio,
    need_classes,
)
from flow.attacks.mi_fgsm import MiFgsm
from flow.attacks.noise import Noise
from flow.attacks.pgd import Pgd
from flow.attacks.registry import build_attack
from flow.attacks.square import Square, _Places
from flow.attacks.transfer import Transfer
from flow.attacks.zoo import Zoo, ZooLinf
from flow.errors import FlowError

DEFAULTS: list[tuple[type, dict[str, Any]]] = [
    (AutoPgd, {"steps": 100, "restarts": 1}),
    (ApgdCe, {"steps": 100, "restarts": 1}),
    (ApgdDlr, {"steps": 100, "restarts": 1}),
    (ApgdTargetedDlr, {"steps": 100, "restarts": 1, "targets": 9}),
    (FabTargeted, {"steps": 100, "restarts": 1, "targets": 9}),
    (Pgd, {"restarts": 1, "relative_step": 2.5, "random_start": True}),
    (MiFgsm, {"restarts": 1, "relative_step": 1.0, "random_start": False, "decay": 1.0}),
    (CarliniWagner, {"steps": 100, "restarts": 1}),
    (DeepFool, {"steps": 50, "restarts": 1, "overshoot": 0.02}),
    (Flip, {"steps": 8000, "restarts": 1, "gradient_starts": 3, "gradient_steps": 10}),
    (Square, {"steps": 5000, "restarts": 1}),
    (HopSkipJump, {"steps": 5000, "restarts": 1}),
    (Zoo, {"steps": 5000, "restarts": 1, "half_width_255": 16}),
    (ZooLinf, {"steps": 5000, "restarts": 1, "half_width_255": 16}),
    (Noise, {"steps": 1, "restarts": 1}),
    (Restarted, {"runs": 1}),
    (KeepTopK, {"k": 1}),
    (Targeted, {}),
    (Budget, {"queries": 5000}),
]
LEARNING = {"steps": 40, "restarts": 1, "queries": 2000, "epochs": 10}  # of transfer
LEARNING |= {"step_255": 25.5, "relative_step": 2.5, "held_out": None}


@pytest.mark.parametrize(("kind", "defaults"), [*DEFAULTS, (Transfer, LEARNING)])
def test_defaults_are_the_published_ones(kind: Any, defaults: dict[str, Any]) -> None:  # noqa: ANN401
    found = {one.name: one.default for one in fields(kind) if one.default is not MISSING}
    assert found == defaults
    assert is_fixed_and_set_by_name(kind)


def is_fixed_and_set_by_name(kind: Any) -> bool:  # noqa: ANN401
    return kind.__dataclass_params__.frozen and all(one.kw_only for one in fields(kind))


@pytest.mark.parametrize(
    ("kind", "missing"),
    [
        (Attack, {"_search"}),
        (AutoPgd, {"_losses"}),
        (Goal, {"check", "references", "sides"}),
        (Loss, {"__call__"}),
    ],
)
def test_what_a_kind_leaves_to_others_cannot_be_left_out(kind: Any, missing: set[str]) -> None:  # noqa: ANN401
    assert kind.__abstractmethods__ == missing


@pytest.mark.parametrize("kind", [CrossEntropy, RivalCrossEntropy, TargetedLogitsRatio, _Places])
def test_losses_and_places_are_fixed(kind: Any) -> None:  # noqa: ANN401
    assert kind.__dataclass_params__.frozen


BATCHES = {"square": 2048, "hop_skip_jump": 32, "transfer": 1_000_000}
BLACK = {"square", "zoo", "zoo_linf", "hop_skip_jump", "transfer", "noise"}
ONE_GOAL = {"apgd_dlr", "apgd_dlr_targeted", "flip"}


@pytest.mark.parametrize("name", ATTACKS)
def test_every_kind_of_attack_is_what_it_says(name: str) -> None:
    one = build_attack(name, steps=3, restarts=2)
    assert is_fixed_and_set_by_name(one)
    assert one.batch == BATCHES.get(name, 256)
    assert one.white_box == (name not in BLACK)
    assert one.by_gradient == (name != "flip")
    assert one.any_goal == (name not in ONE_GOAL)
    assert one.together == (name == "transfer")
    assert one.norm == ("l2" if name in {"cw", "deepfool", "zoo"} else "linf")


def test_queries_are_5000_when_not_given() -> None:
    assert build_attack("square", steps=1, restarts=1).steps == 5000


@pytest.mark.parametrize("repeats", [0, -1])
def test_no_repeats_are_refused(repeats: int) -> None:
    message = rf"attack\.repeats {repeats} is not at least 1; change it"
    with pytest.raises(FlowError, match=message):
        build_attack("pgd", steps=1, restarts=1, repeats=repeats)


def test_a_single_run_is_the_attack_itself() -> None:
    found = build_attack("pgd", steps=1, restarts=3, repeats=1)
    assert type(found) is Pgd
    assert Restarted(attack=found, runs=1).restarts == 3


def test_goals_are_built_by_name() -> None:
    assert build_goal("untargeted") == Untargeted()
    assert build_goal("targeted", target=0) == Targeted(target=0)
    assert build_goal("keep_top_k") == KeepTopK(k=1)
    assert build_goal("keep_top_k", top_k=3) == KeepTopK(k=3)


def test_goals_take_the_classes_that_there_are_and_no_others() -> None:
    for good in (Targeted(target=0), Targeted(target=3), KeepTopK(k=1), KeepTopK(k=3)):
        good.check(4)
    for bad in (*(Targeted(target=t) for t in (-1, 4, 5)), *(KeepTopK(k=k) for k in (0, 4, 5))):
        with pytest.raises(FlowError, match=r"is not within [01]\.\.3, the network"):
            bad.check(4)


def test_references_are_the_target_or_no_goal() -> None:
    labels = np.array([0, 2, 1])
    assert Targeted(target=2).references(labels).tolist() == [2, -1, 2]
    assert KeepTopK(k=2).references(labels).tolist() == [0, 2, 1]


def test_as_many_classes_as_a_loss_compares_are_enough() -> None:
    need_classes("apgd_dlr", 3, 3)

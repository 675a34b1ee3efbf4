# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Attacks by the names that configurations and reports use."""

from collections.abc import Callable
from dataclasses import dataclass

from flow.attacks.apgd import ApgdCe, ApgdDlr, ApgdTargetedDlr
from flow.attacks.base import Attack
from flow.attacks.bim import Bim
from flow.attacks.carlini_wagner import CarliniWagner
from flow.attacks.deepfool import DeepFool
from flow.attacks.fab import FabTargeted
from flow.attacks.fgsm import Fgsm
from flow.attacks.flip import Flip
from flow.attacks.goals import Goal, Untargeted
from flow.attacks.hop_skip_jump import HopSkipJump
from flow.attacks.mi_fgsm import MiFgsm
from flow.attacks.noise import Noise
from flow.attacks.pgd import Pgd
from flow.attacks.pgdpp import PgdPlusPlus
from flow.attacks.pursuit import Pursuit
from flow.attacks.r_fgsm import RandomFgsm
from flow.attacks.restarted import Restarted
from flow.attacks.square import Square
from flow.attacks.transfer import Transfer
from flow.attacks.zoo import Zoo, ZooLinf
from flow.errors import FlowError
from steelflow_names import hint

__all__ = ["ATTACKS", "Budget", "build_attack"]


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What an attack may spend; each takes what applies to it.

    Attributes:
        steps: gradient steps of one restart.
        restarts: random starts.
        queries: of a black box for one image in one restart; of transfer in all.
    """

    steps: int
    restarts: int
    queries: int = 5000


# FGSM, BIM, C&W and DeepFool start at the image itself, and ZOO does: one start by definition
ATTACKS: dict[str, Callable[[Budget], Attack]] = {
    "fgsm": lambda _: Fgsm(),
    "pgd": lambda budget: Pgd(steps=budget.steps, restarts=budget.restarts),
    "r_fgsm": lambda budget: RandomFgsm(restarts=budget.restarts),
    "bim": lambda budget: Bim(steps=budget.steps),
    "mi_fgsm": lambda budget: MiFgsm(steps=budget.steps),
    "pgdpp": lambda budget: PgdPlusPlus(steps=budget.steps, restarts=budget.restarts),
    "apgd_ce": lambda budget: ApgdCe(steps=budget.steps, restarts=budget.restarts),
    "apgd_dlr": lambda budget: ApgdDlr(steps=budget.steps, restarts=budget.restarts),
    "apgd_dlr_targeted": lambda budget: ApgdTargetedDlr(
        steps=budget.steps, restarts=budget.restarts
    ),
    "fab_t": lambda budget: FabTargeted(steps=budget.steps, restarts=budget.restarts),
    "square": lambda budget: Square(steps=budget.queries),
    "flip": lambda budget: Flip(steps=budget.queries, restarts=budget.restarts),
    "cw": lambda budget: CarliniWagner(steps=budget.steps),
    "deepfool": lambda budget: DeepFool(steps=budget.steps),
    "zoo": lambda budget: Zoo(steps=budget.queries),
    "zoo_linf": lambda budget: ZooLinf(steps=budget.queries),
    "hop_skip_jump": lambda budget: HopSkipJump(steps=budget.queries),
    "transfer": lambda budget: Transfer(
        steps=budget.steps, restarts=budget.restarts, queries=budget.queries
    ),
    "noise": lambda budget: Noise(restarts=budget.restarts),
}


def build_attack(
    name: str,
    *,
    steps: int,
    restarts: int,
    queries: int = 5000,
    goal: Goal | None = None,
    repeats: int = 1,
) -> Attack:
    """Return the attack of that name with its budget, run `repeats` times, for a goal.

    Raises:
        FlowError: the name is not registered, the message lists those that are; or the attack
            cannot pursue the goal.
    """
    if name not in ATTACKS:
        raise FlowError(f"attack: {name!r} is unknown{hint(name, ATTACKS)}")
    found = ATTACKS[name](Budget(steps=steps, restarts=restarts, queries=queries))
    if goal is not None and not isinstance(goal, Untargeted):
        found = Pursuit(attack=found, goal=goal)
    return found if repeats == 1 else Restarted(attack=found, runs=repeats)

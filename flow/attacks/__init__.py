# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Attacks on integer networks, white box and black box; a new one is a file and a registry line."""

from flow.attacks.base import Attack
from flow.attacks.device import OnDevice
from flow.attacks.goals import Goal, KeepTopK, Targeted, Untargeted, build_goal
from flow.attacks.pursuit import Pursuit
from flow.attacks.registry import ATTACKS, Budget, build_attack
from flow.attacks.restarted import Restarted

__all__ = [
    "ATTACKS",
    "Attack",
    "Budget",
    "Goal",
    "KeepTopK",
    "OnDevice",
    "Pursuit",
    "Restarted",
    "Targeted",
    "Untargeted",
    "build_attack",
    "build_goal",
]

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Attacks on integer networks, white box and black box; a new one is a file and a registry line."""

from flow.attacks.base import Attack
from flow.attacks.device import OnDevice
from flow.attacks.registry import ATTACKS, Budget, build_attack

__all__ = ["ATTACKS", "Attack", "Budget", "OnDevice", "build_attack"]

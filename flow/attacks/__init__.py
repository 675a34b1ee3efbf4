# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""White-box attacks on integer networks; a new one is a file and a line in the registry."""

from flow.attacks.base import Attack, Differentiable
from flow.attacks.registry import ATTACKS, build_attack

__all__ = ["ATTACKS", "Attack", "Differentiable", "build_attack"]

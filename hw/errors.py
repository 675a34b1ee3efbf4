# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Errors of this package that a user can mend."""

__all__ = ["HardwareError"]


class HardwareError(RuntimeError):
    """RTL, a tool or an accelerator folder that cannot be used; one line: what, where, remedy."""

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The check that all settings of objectives share."""

from flow.errors import FlowError

__all__ = ["require"]


def require(key: str, value: object, holds: bool, rule: str) -> None:
    """Refuse a setting.

    Raises:
        FlowError: `holds` is false; the message has key, value and rule.
    """
    if not holds:
        raise FlowError(f"objective: {key} {value} is not {rule}; change it")

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Why a node cannot be lowered."""

from dataclasses import dataclass

__all__ = ["Problem", "Refusal"]


class Refusal(Exception):  # noqa: N818 - it ends as a FlowError
    """A node has no integer form.

    Attributes:
        reason: the rule that is broken, with the offending value.
        remedy: what to change in the model.
        structural: whether the node itself is at fault, whatever its input may be.
    """

    def __init__(self, reason: str, remedy: str, *, structural: bool = False) -> None:
        super().__init__(f"{reason}; {remedy}")
        self.reason, self.remedy, self.structural = reason, remedy, structural


@dataclass(frozen=True)
class Problem:
    """A refused node, in a line."""

    node: str
    op_type: str
    refusal: Refusal

    def __str__(self) -> str:
        """Return name, operation, reason and remedy."""
        return f"{self.node} ({self.op_type}): {self.refusal.reason}; {self.refusal.remedy}"

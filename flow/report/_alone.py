# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A report of one network: on the page it goes by the model's name, for there is no other."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from flow.report.examples import Example
from flow.report.schema import Report

__all__ = ["alone"]

_NETWORK = "robust"
Value = TypeVar("Value")


def alone(report: Report, examples: Sequence[Example]) -> tuple[Report, tuple[Example, ...]]:
    """Return both with the name of the network under test replaced."""
    name = report.model.name

    def named(points: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(point.model_copy(update={"network": name}) for point in points)

    signs = tuple(
        sign.replace(f"{_NETWORK}:", f"{name}:", 1) for sign in report.masked_gradient_signs
    )
    changes: dict[str, Any] = {
        "robust_accuracy": named(report.robust_accuracy),
        "certified": named(report.certified),
        "noise_accuracy": named(report.noise_accuracy),
        "boards": named(report.boards),
        "amplification": named(report.amplification),
        "masked_gradient_signs": signs,
        "training": _renamed(report.training, name),
    }
    pictures = (replace(one, attacked=_renamed(one.attacked, name)) for one in examples)
    return report.model_copy(update=changes), tuple(pictures)


def _renamed(by_network: Mapping[str, Value], name: str) -> dict[str, Value]:
    return {name if key == _NETWORK else key: value for key, value in by_network.items()}

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A report of one network: on the page it goes by the model's name, for there is no other."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from flow.report.examples import Example
from flow.report.schema import Report

__all__ = ["alone"]

Value = TypeVar("Value")


def alone(report: Report, examples: Sequence[Example]) -> tuple[Report, tuple[Example, ...]]:
    """Return both with the name of the network under test replaced."""
    name = report.model.name

    def named(points: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(point.model_copy(update={"network": name}) for point in points)

    signs = tuple(
        sign.replace(f"{report.deployed}:", f"{name}:", 1) for sign in report.masked_gradient_signs
    )
    changes: dict[str, Any] = {
        "deployed": name,
        "robust_accuracy": named(report.robust_accuracy),
        "certified": named(report.certified),
        "noise_accuracy": named(report.noise_accuracy),
        "boards": named(report.boards),
        "amplification": named(report.amplification),
        "masked_gradient_signs": signs,
        "training": _renamed(report.training, report.deployed, name),
    }
    old = report.deployed
    pictures = (replace(one, attacked=_renamed(one.attacked, old, name)) for one in examples)
    return report.model_copy(update=changes), tuple(pictures)


def _renamed(by_network: Mapping[str, Value], old: str, new: str) -> dict[str, Value]:
    return {new if key == old else key: value for key, value in by_network.items()}

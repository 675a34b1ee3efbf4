# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What must hold, and what was found."""

import math
from dataclasses import dataclass
from typing import Literal, NamedTuple

from flow.errors import FlowError, SettingError

__all__ = ["Figure", "Limits"]

Name = Literal["accuracy", "robust", "fps", "lut"]


class _Kind(NamedTuple):
    at_most: bool
    unit: str  # behind a value
    form: str  # of a value


_KINDS: dict[Name, _Kind] = {
    "accuracy": _Kind(False, "of the images", ".4f"),
    "robust": _Kind(False, "of the attacked images", ".4f"),
    "fps": _Kind(False, "frames/s", ",.1f"),
    "lut": _Kind(True, "LUT", ",.0f"),
}


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What must hold; None is not asked for.

    Attributes:
        max_lut: LUT of the accelerator, counted by Yosys.
        min_fps: frames a second of its RTL, as simulated, at the clock that it is built for.
        min_accuracy: share of the test images classified right, 0..1.
        min_robust: the same of the worst case of attacks within epsilon_255, 0..1.
        epsilon_255: radius of the ball in uint8 units.
    """

    max_lut: int | None = None
    min_fps: float | None = None
    min_accuracy: float | None = None
    min_robust: float | None = None
    epsilon_255: int | None = None

    def __post_init__(self) -> None:
        if not self.wanted:
            raise SettingError(
                "check: no limit is given; give one at least",
                *("max_lut", "min_fps", "min_accuracy", "min_robust"),
            )
        for name in ("min_accuracy", "min_robust"):
            share = getattr(self, name)
            if share is not None and not 0 <= share <= 1:
                raise SettingError(f"{name} {share}: is no share; give 0 to 1 (95% is 0.95)", name)
        for name in ("max_lut", "min_fps"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < math.inf:
                raise SettingError(f"{name} {value}: give a number of at least 0", name)
        if (self.epsilon_255 is None) != (self.min_robust is None):
            raise SettingError(
                "check: min_robust and epsilon_255 say nothing without one another; give both",
                *("min_robust", "epsilon_255"),
            )
        if self.epsilon_255 is not None and not 0 <= self.epsilon_255 <= 255:
            raise SettingError(
                f"epsilon_255 {self.epsilon_255}: give 0 to 255, in uint8 units", "epsilon_255"
            )

    @property
    def wanted(self) -> dict[Name, float]:
        """Name of each figure that is asked for to its limit."""
        limits: dict[Name, float | None] = {
            "accuracy": self.min_accuracy,
            "robust": self.min_robust,
            "fps": self.min_fps,
            "lut": self.max_lut,
        }
        return {name: limit for name, limit in limits.items() if limit is not None}

    def judge(self, found: "dict[Name, Found]") -> "list[Figure]":
        """Return every figure that is asked for beside its limit.

        Raises:
            FlowError: a figure is asked for and was not measured: a bug of the caller.
        """
        missing = self.wanted.keys() - found.keys()
        if missing:
            raise FlowError(f"check: {', '.join(sorted(missing))} was not measured")
        return [Figure(name, found[name], limit) for name, limit in self.wanted.items()]


class Found(NamedTuple):
    """A measured value, and in words how it was measured."""

    value: float
    how: str


class Figure(NamedTuple):
    """A measured value beside its limit."""

    name: Name
    found: Found
    limit: float

    @property
    def shortfall(self) -> float:
        """How much is missing, or too much; 0 where the limit holds."""
        over = self.found.value - self.limit
        return max(0.0, over if _KINDS[self.name].at_most else -over)

    @property
    def holds(self) -> bool:
        """Whether the limit does; a limit that is met exactly holds."""
        return self.shortfall == 0

    def __str__(self) -> str:
        kind = _KINDS[self.name]
        rule = f"{'at most' if kind.at_most else 'at least'} {self.limit:{kind.form}}"
        text = f"{self.name} {self.found.value:{kind.form}} {kind.unit}, {rule} asked for"
        if not self.holds:
            by = f"{self.shortfall:{kind.form}}"
            text += f": {by} too {'much' if kind.at_most else 'little'}"
        return f"{text} ({self.found.how})"

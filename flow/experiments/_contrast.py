# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Differences between groups of trainings, with the noise of seeds and of images."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, variance
from typing import TypeVar

from scipy.stats import t as student

from flow.experiments.base import Outcome

__all__ = ["Contrast", "contrast", "spread"]

Cell = TypeVar("Cell", bound=Hashable)


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """A weighted sum of means and its interval, of 95% unless another level was asked for."""

    estimate: float
    low: float
    high: float

    @property
    def is_positive(self) -> Outcome:
        """What becomes of the claim that it is above 0."""
        if self.low > 0:
            return "reproduced"
        return "refuted" if self.high < 0 else "undecided"

    def points(self) -> str:
        """Return it in percentage points, with its sign."""
        estimate, low, high = (100 * one for one in (self.estimate, self.low, self.high))
        return f"{estimate:+.2f} points [{low:+.2f}, {high:+.2f}]"


def contrast(
    cells: Mapping[Cell, Sequence[float]],
    weights: Mapping[Cell, float],
    *,
    images: int | None,
    level: float = 0.95,
) -> Contrast:
    """Return sum of weight * mean over cells, as in a one-way analysis of variance.

    The variance is pooled within the cells, one value a seed, and for accuracies is at least the
    binomial one of a sample of images: so a single seed is enough, and seeds that happen to agree
    do not make a difference certain. Cells of weight 0 or none still tell how much seeds matter.

    Args:
        cells: the values of each group, one or more; accuracies, or losses within -1..1.
        weights: of the groups that are compared.
        images: behind each accuracy; None where the values are no accuracies, which takes two
            seeds: with one the interval has no ends.
        level: of the interval; nearer to 1 where several contrasts are looked at for one verdict.
    """
    per_value, freedom = spread(cells, images)
    estimate = sum(weight * fmean(cells[cell]) for cell, weight in weights.items())
    shares = sum(weight**2 / len(cells[cell]) for cell, weight in weights.items())
    half = _quantile(freedom, level) * (per_value * shares) ** 0.5
    return Contrast(estimate=estimate, low=estimate - half, high=estimate + half)


def spread(cells: Mapping[Cell, Sequence[float]], images: int | None) -> tuple[float, int]:
    """Return the variance of one value and its degrees of freedom, 0 if it is the binomial one."""
    several = [values for values in cells.values() if len(values) > 1]
    freedom = sum(len(values) - 1 for values in several)
    within = sum((len(values) - 1) * variance(values) for values in several)
    pooled = within / freedom if freedom else 0.0
    if images is None:
        return (pooled, freedom) if freedom else (float("inf"), 0)
    means = [fmean(values) for values in cells.values()]
    binomial = fmean(abs(mean) * (1 - abs(mean)) for mean in means) / images
    return (pooled, freedom) if pooled > binomial else (binomial, 0)


def _quantile(freedom: int, level: float) -> float:
    """Return the quantile of Student's t for both ends; of the normal distribution for 0."""
    share = (1 + level) / 2
    return float(student.ppf(share, freedom)) if freedom else NormalDist().inv_cdf(share)

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Differences between groups of trainings, with the noise of seeds and of images."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean
from typing import TypeVar

from scipy.stats import t as student

from flow.experiments.base import Outcome

__all__ = ["Contrast", "contrast", "spread", "unpooled"]

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
    block: Callable[[Cell], Hashable] | None = None,
) -> Contrast:
    """Return sum of weight * mean over cells, as in an analysis of variance.

    The variance is pooled within the cells, one value a seed, and for accuracies is at least the
    binomial one of a sample of images: so a single seed is enough, and seeds that happen to agree
    do not make a difference certain. Cells of weight 0 or none still tell how much seeds matter.

    Args:
        cells: the values of each group, one or more; accuracies, or losses within -1..1.
        weights: of the groups that are compared.
        images: behind each accuracy; None where the values are no accuracies, which takes two
            seeds: with one the interval has no ends.
        level: of the interval; nearer to 1 where several contrasts are looked at for one verdict.
        block: names the cells whose values of one seed come from one network, so that its own
            level cancels out: a randomised block design. The weights of a block must add up to 0;
            blocks without a weight are left out.
    """
    estimate = sum(weight * fmean(cells[cell]) for cell, weight in weights.items())
    shares = sum(weight**2 / len(cells[cell]) for cell, weight in weights.items())
    if block is None:
        per_value, freedom = spread(cells, images)
    else:
        names = {block(cell) for cell in weights}
        groups = [{c: v for c, v in cells.items() if block(c) == name} for name in names]
        compared = [cells[cell] for cell in weights]
        per_value, freedom = _floored(*_within_blocks(groups), compared, images)
    half = _quantile(freedom, level) * (per_value * shares) ** 0.5
    return Contrast(estimate=estimate, low=estimate - half, high=estimate + half)


def unpooled(
    cells: Mapping[Cell, Sequence[float]], weights: Mapping[Cell, float], *, images: int | None
) -> Contrast:
    """Return the same where seeds matter much more in one cell than in another (Welch 1947).

    Each cell has its own variance, and the degrees of freedom are Satterthwaite's. A cell whose
    variance is the binomial one, as that of a single seed is, counts as known.
    """
    estimate = sum(weight * fmean(cells[cell]) for cell, weight in weights.items())
    parts = []
    for cell, weight in weights.items():
        variance, freedom = spread({cell: cells[cell]}, images)
        parts.append((weight**2 * variance / len(cells[cell]), freedom))
    total = sum(part for part, _ in parts)
    uncertain = sum(part**2 / freedom for part, freedom in parts if freedom)
    half = _quantile(total**2 / uncertain if uncertain else 0, 0.95) * total**0.5
    return Contrast(estimate=estimate, low=estimate - half, high=estimate + half)


def spread(cells: Mapping[Cell, Sequence[float]], images: int | None) -> tuple[float, int]:
    """Return the variance of one value and its degrees of freedom, 0 if it is the binomial one."""
    freedom = sum(len(values) - 1 for values in cells.values())
    squares = sum((one - fmean(values)) ** 2 for values in cells.values() for one in values)
    return _floored(squares, freedom, cells.values(), images)


def _within_blocks(groups: Sequence[Mapping[Cell, Sequence[float]]]) -> tuple[float, int]:
    """Return squares and degrees of freedom that cells and seeds, added up, do not explain."""
    squares, freedom = 0.0, 0
    for cells in groups:
        seeds = [fmean(values) for values in zip(*cells.values(), strict=True)]
        middle = fmean(seeds)
        for values in cells.values():
            own = fmean(values)
            pairs = zip(values, seeds, strict=True)
            squares += sum((one - own - seed + middle) ** 2 for one, seed in pairs)
        freedom += (len(seeds) - 1) * (len(cells) - 1)
    return squares, freedom


def _floored(
    squares: float, freedom: int, cells: Iterable[Sequence[float]], images: int | None
) -> tuple[float, int]:
    """Return the variance and its freedom; those of samples of images if it is less."""
    pooled = squares / freedom if freedom else 0.0
    if images is None:
        return (pooled, freedom) if freedom else (float("inf"), 0)
    means = [abs(fmean(values)) for values in cells]
    binomial = fmean(mean * (1 - mean) for mean in means) / images
    return (pooled, freedom) if pooled > binomial else (binomial, 0)


def _quantile(freedom: float, level: float) -> float:
    """Return the quantile of Student's t for both ends; of the normal distribution for 0."""
    share = (1 + level) / 2
    return float(student.ppf(share, freedom)) if freedom else NormalDist().inv_cdf(share)

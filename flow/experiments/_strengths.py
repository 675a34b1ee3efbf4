# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Networks under attacks of several strengths."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from flow.experiments._contrast import contrast
from flow.experiments.base import Curve, Panel, Row, Verdict
from flow.experiments.study import Study
from flow.experiments.trained import Trained

__all__ = [
    "Cells",
    "Measured",
    "against_strength",
    "at",
    "clean",
    "gains",
    "grouped",
    "judged_epsilon",
    "measured",
    "over",
]

_STEPS = 20  # of PGD

Cells = dict[str, list[float]]  # method -> a value for each seed


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One network.

    Attributes:
        method: how it was made.
        seed: of its training.
        clean: accuracy on the whole test set.
        robust: attack -> epsilon in uint8 units -> accuracy on the first test images.
        extra: further figures by name.
    """

    method: str
    seed: int
    clean: float
    robust: Mapping[str, Mapping[int, float]]
    extra: Mapping[str, float] = field(default_factory=dict)

    def row(self) -> Row:
        """Return it flat."""
        attacked = {
            f"{attack}_{epsilon}": value
            for attack, values in self.robust.items()
            for epsilon, value in values.items()
        }
        named: Row = {"network": self.method, "seed": self.seed, "clean": self.clean}
        return {**named, **attacked, **self.extra}


def measured(
    study: Study,
    trained: Trained,
    attacks: Mapping[str, Sequence[int]],
    *,
    method: str,
    seed: int,
    extra: Mapping[str, float] | None = None,
) -> Measured:
    """Attack one network with each attack at its epsilons, PGD with 20 steps."""
    return Measured(
        method=method,
        seed=seed,
        clean=study.clean(trained),
        robust={
            attack: {
                epsilon: study.attack(trained, attack, epsilon, steps=_STEPS).row.accuracy
                for epsilon in epsilons
            }
            for attack, epsilons in attacks.items()
        },
        extra=extra or {},
    )


def grouped(samples: Sequence[Measured], value: Callable[[Measured], float]) -> Cells:
    """Return a value of each network, by method."""
    cells: Cells = {}
    for sample in samples:
        cells.setdefault(sample.method, []).append(value(sample))
    return cells


def clean(sample: Measured) -> float:
    """Return the accuracy without an attack."""
    return sample.clean


def at(attack: str, epsilon_255: int) -> Callable[[Measured], float]:
    """Return what reads the accuracy under that attack, for grouped."""
    return lambda sample: sample.robust[attack][epsilon_255]


def over(attack: str) -> Callable[[Measured], float]:
    """Return what reads the mean accuracy over all strengths of an attack, for grouped.

    The binomial variance of one accuracy is more than that of such a mean: contrasts of means are
    judged with care.
    """
    return lambda sample: fmean(sample.robust[attack].values())


def judged_epsilon(samples: Sequence[Measured], attack: str, baseline: str) -> int:
    """Return the strength at which the baseline is nearest to half right.

    There a gain or a loss shows most, and what is compared with the baseline has no say.
    """

    def distance(epsilon: int) -> float:
        return abs(fmean(grouped(samples, at(attack, epsilon))[baseline]) - 0.5)

    return min(samples[0].robust[attack], key=distance)


def gains(claim: str, cells: Cells, ours: str, rival: str, images: int) -> Verdict:
    """Judge whether one method is above another; every value is of so many images."""
    gain = contrast(cells, {ours: 1.0, rival: -1.0}, images=images)
    evidence = f"{gain.points()}, {ours} against {rival}"
    return Verdict(claim=claim, outcome=gain.is_positive, evidence=evidence)


def against_strength(
    samples: Sequence[Measured], attack: str, title: str, images: int, methods: Sequence[str]
) -> Panel:
    """Return accuracy against epsilon, a curve for each method, with 95% bands."""
    epsilons = tuple(samples[0].robust[attack])
    cells = [grouped(samples, clean), *(grouped(samples, at(attack, one)) for one in epsilons)]
    return Panel(
        title=title,
        x_label="epsilon, 1/255",
        y_label="accuracy",
        curves=tuple(_curve(method, (0, *epsilons), cells, images) for method in methods),
    )


def _curve(method: str, epsilons: tuple[int, ...], cells: Sequence[Cells], images: int) -> Curve:
    means = [contrast(one, {method: 1.0}, images=images) for one in cells]
    return Curve(
        label=method,
        x=tuple(float(epsilon) for epsilon in epsilons),
        y=tuple(one.estimate for one in means),
        low=tuple(max(0.0, one.low) for one in means),
        high=tuple(min(1.0, one.high) for one in means),
    )

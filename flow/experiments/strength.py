# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Does quantization help or hurt, by attack strength (Gorsline, Smith and Merkel, GLSVLSI 2021).

The paper says of simple gradient-based attacks that quantization can improve or degrade robustness
depending on their strength; its networks and figures were not at hand. Here weights and activations
have the same bits, trained without an attack; 8 bits stand for float; 1 bit is the sign, another
activation function.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from flow.experiments._contrast import Contrast, contrast
from flow.experiments._strengths import (
    Cells,
    Measured,
    against_strength,
    at,
    grouped,
    measured,
)
from flow.experiments.base import Curve, Experiment, Findings, Outcome, Panel, Verdict
from flow.experiments.scale import Scale
from flow.experiments.study import Study
from flow.experiments.trained import Training

__all__ = ["STRENGTH", "crossing_point", "judge"]

_FLOAT = "8 bits"
_EPSILONS = (4, 8, 13, 19, 26, 38, 51, 76, 102)  # 8 bits fall to guessing
_ATTACKS = {"fgsm": _EPSILONS, "pgd": _EPSILONS}


@dataclass(frozen=True)
class Strength(Experiment):
    """Trains networks of several widths and attacks each at several strengths.

    Attributes:
        bits: of weights and activations; the last is 8.
        seeds: how many of each.
    """

    bits: tuple[int, ...] = (1, 2, 4, 8)
    seeds: int = 4

    name: ClassVar[str] = "strength"
    title: ClassVar[str] = "Quantization helps or hurts, by the strength of the attack"
    source: ClassVar[str] = "Gorsline, Smith and Merkel, GLSVLSI 2021"
    scale: ClassVar[Scale] = Scale(train_images=3000, epochs=5, images=300)

    def run(self, study: Study) -> Findings:
        """Return a row for each network."""
        samples = [
            self._sample(study, bits, study.scale.seed + seed)
            for bits in self.bits
            for seed in range(self.seeds)
        ]
        images = study.scale.images
        return Findings(
            rows=tuple(sample.row() for sample in samples),
            panels=(
                *(
                    against_strength(samples, attack, attack.upper(), images, _names(samples))
                    for attack in _ATTACKS
                ),
                *(_gain_panel(samples, attack, images) for attack in _ATTACKS),
            ),
            verdicts=tuple(
                judge(samples, attack, images, 1 / study.dataset.classes) for attack in _ATTACKS
            ),
        )

    def _sample(self, study: Study, bits: int, seed: int) -> Measured:
        name = "1 bit" if bits == 1 else f"{bits} bits"
        label = f"{name} seed {seed}"
        trained = study.train(label, study.settings(bits, bits), Training(seed=seed))
        return measured(study, trained, _ATTACKS, method=name, seed=seed)


def judge(samples: Sequence[Measured], attack: str, images: int, guessing: float = 0.1) -> Verdict:
    """Judge whether some width is better than 8 bits at one strength and worse at another.

    Every width is looked at at every strength, so each interval is of the level that makes one
    false difference among all of them as rare as 5% (Bonferroni). Refuted: there are clear
    differences, and no width that has them changes sides. Strengths at which neither of the two is
    clearly above `guessing` do not count: there is no robustness left to compare.
    """
    widths = _fewer(samples)
    level = 1 - 0.05 / (len(widths) * len(samples[0].robust[attack]))
    found = {
        name: {
            epsilon: gain
            for epsilon, gain in _gains(samples, attack, name, images, level).items()
            if _above(guessing, grouped(samples, at(attack, epsilon)), name, images)
        }
        for name in widths
    }
    return Verdict(
        claim=f"{attack.upper()}: fewer bits help or hurt depending on the attack's strength",
        outcome=_outcome(list(found.values())),
        evidence="against 8 bits, " + "; ".join(_part(name, one) for name, one in found.items()),
    )


def _gains(
    samples: Sequence[Measured], attack: str, name: str, images: int, level: float
) -> dict[int, Contrast]:
    """Return, by epsilon, a width's mean accuracy less that of 8 bits."""
    weights = {name: 1.0, _FLOAT: -1.0}
    return {
        epsilon: contrast(
            grouped(samples, at(attack, epsilon)), weights, images=images, level=level
        )
        for epsilon in samples[0].robust[attack]
    }


def _above(guessing: float, cells: Cells, name: str, images: int) -> bool:
    return any(contrast(cells, {one: 1.0}, images=images).low > guessing for one in (name, _FLOAT))


def _outcome(gains: Sequence[dict[int, Contrast]]) -> Outcome:
    clear = [width for width in gains if any(_is_clear(one) for one in width.values())]
    if any(crossing_point(width) is not None for width in clear):
        return "reproduced"
    one_sided = all(len({one.estimate >= 0 for one in width.values()}) == 1 for width in clear)
    return "refuted" if clear and one_sided else "undecided"


def _is_clear(gain: Contrast) -> bool:
    return gain.is_positive != "undecided"


def crossing_point(gains: dict[int, Contrast]) -> float | None:
    """Return the epsilon at which a width changes sides, between a clear gain and a clear loss.

    By straight lines between the measured strengths; None where there are no two such.
    """
    known: int | None = None  # the last strength with a clear difference
    for epsilon, gain in gains.items():
        if not _is_clear(gain):
            continue
        if known is not None and gains[known].estimate * gain.estimate < 0:
            between = [one for one in gains if known <= one <= epsilon]
            return _root(between, [gains[one].estimate for one in between])
        known = epsilon
    return None


def _root(places: Sequence[int], values: Sequence[float]) -> float:
    """Return where a polygon that ends on different sides of 0 first meets it."""
    pairs = pairwise(zip(places, values, strict=True))
    (left, before), (right, after) = next(pair for pair in pairs if pair[0][1] * pair[1][1] <= 0)
    return left + (right - left) * before / (before - after)


def _part(name: str, gains: dict[int, Contrast]) -> str:
    """Return the clearest gain and loss of a width, and where it changes sides."""
    if not gains:
        return f"{name}: never above guessing"
    extremes = (
        max(gains, key=lambda epsilon: gains[epsilon].low),
        min(gains, key=lambda epsilon: gains[epsilon].high),
    )
    shown = ", ".join(
        f"{100 * gains[one].estimate:+.1f} points at {one}"
        f"{'' if _is_clear(gains[one]) else ' (within noise)'}"
        for one in extremes
    )
    crossing = crossing_point(gains)
    where = "no clear crossing" if crossing is None else f"crossing at {crossing:.0f}/255"
    return f"{name}: {shown}, {where}"


def _gain_panel(samples: Sequence[Measured], attack: str, images: int) -> Panel:
    curves = []
    for name in _fewer(samples):
        gains = _gains(samples, attack, name, images, 0.95)
        points = tuple(100 * gain.estimate for gain in gains.values())
        curves.append(Curve(label=name, x=tuple(map(float, gains)), y=points))
    return Panel(
        title=f"{attack.upper()}: gain over 8 bits",
        x_label="epsilon, 1/255",
        y_label="accuracy less that of 8 bits, points",
        curves=tuple(curves),
        percent=False,
    )


def _names(samples: Sequence[Measured]) -> list[str]:
    return list(dict.fromkeys(sample.method for sample in samples))


def _fewer(samples: Sequence[Measured]) -> list[str]:
    """Return the names of the widths that are compared with 8 bits."""
    return [name for name in _names(samples) if name != _FLOAT]


STRENGTH = Strength()

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What the rows of the experiment on DQA say, in words and in a picture."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import hypot
from statistics import fmean

from flow.evaluation.accuracy import wilson_interval
from flow.experiments.base import Curve, Outcome, Panel, Row, Verdict

__all__ = ["Difference", "judged", "panel", "pick"]

_FEW_LEVELS = (1, 2)  # bits: two and three levels
_CURVES = {
    ("pgd", "exact"): "PGD, exact derivative",
    ("pgd", "as trained"): "PGD, training's gradients",
    ("pgd", "straight-through"): "PGD, straight-through, temperature",
    ("zoo", "narrow"): "ZOO, differences of 1 unit",
    ("zoo", "wide"): "ZOO, of 16 units",
    ("square", "logits"): "Square",
    ("substitute", "labels"): "substitute",
    ("worst", "all"): "worst case",
}


@dataclass(frozen=True)
class Difference:
    """Of two shares of images: Newcombe's 95% interval from the two Wilson intervals (1998).

    Attributes:
        larger: (images that held, images), the one that a claim says is larger.
        smaller: the other.
    """

    larger: tuple[int, int]
    smaller: tuple[int, int]
    interval: tuple[float, float] = field(init=False)

    def __post_init__(self) -> None:
        """Compute the interval (Newcombe 1998, method 10)."""
        first, second = (held / images for held, images in (self.larger, self.smaller))
        (a, b), (c, d) = wilson_interval(*self.larger), wilson_interval(*self.smaller)
        low = first - second - hypot(first - a, d - second)
        high = first - second + hypot(b - first, second - c)
        object.__setattr__(self, "interval", (low, high))

    @property
    def outcome(self) -> Outcome:
        """What becomes of the claim that the first is larger."""
        if self.interval[0] > 0:
            return "reproduced"
        return "refuted" if self.interval[1] < 0 else "undecided"

    def __str__(self) -> str:
        """Return the shares and the interval in percentage points."""
        first, second = (held / images for held, images in (self.larger, self.smaller))
        low, high = self.interval
        return (
            f"{first:.1%} against {second:.1%}, difference {100 * (first - second):+.1f} points "
            f"[{100 * low:+.1f}, {100 * high:+.1f}]"
        )


def pick(rows: Sequence[Row], **values: object) -> tuple[int, int]:
    """Return (images that held, images) in the mean over the rows with these values.

    Several networks on the same images are no more images than one. A tuple is any of its values.
    """
    allowed = {key: one if isinstance(one, tuple) else (one,) for key, one in values.items()}
    found = [row for row in rows if all(row[key] in any_of for key, any_of in allowed.items())]
    images = int(found[0]["images"] or 0)
    return round(fmean(float(row["robust"] or 0) for row in found) * images), images


def judged(rows: Sequence[Row]) -> tuple[Verdict, ...]:
    """Return the paper's claims as its attackers see them, then as better ones do."""
    few = tuple(bits for bits in _FEW_LEVELS if any(row["bits"] == bits for row in rows))
    verdicts = [*_paper(rows, few), *_left(rows, few)]
    return tuple(
        Verdict(claim=claim, outcome=found.outcome, evidence=str(found))
        for claim, found in verdicts
    )


def _paper(rows: Sequence[Row], few: tuple[int, ...]) -> Iterator[tuple[str, Difference]]:
    """Yield what the paper says, measured with its attacks."""
    for training in _trainings(rows):
        for attack, knowledge, name in (
            ("fgsm", "as trained", "FGSM with training's gradients"),
            ("pgd", "as trained", "PGD with training's gradients"),
            ("cw", "as trained", "C&W with training's gradients"),
            ("zoo", "narrow", "ZOO with the smallest differences"),
            ("substitute", "labels", "a substitute's examples"),
        ):
            seen = {"training": training, "attack": attack, "knowledge": knowledge}
            yield (
                f"{training} training: two or three levels resist {name} better than 8-bit ReLU",
                Difference(
                    pick(rows, bits=few, activations=("fixed", "learned"), **seen),
                    pick(rows, activations="relu", **seen),
                ),
            )
        yield _learned(rows, training, "pgd", "as trained", "PGD with training's gradients")


def _left(rows: Sequence[Row], few: tuple[int, ...]) -> Iterator[tuple[str, Difference]]:
    """Yield what better attackers leave of it."""
    dqa = {"activations": ("fixed", "learned"), "bits": few}
    for training in _trainings(rows):
        of = {"training": training}
        worst = {"attack": "worst", **of}
        yield (
            f"{training} training: two or three levels still beat 8-bit ReLU in the worst case",
            Difference(pick(rows, **dqa, **worst), pick(rows, activations="relu", **worst)),
        )
        yield _learned(rows, training, "worst", "all", "the worst case")
        for attack, plain, better, name in (
            ("pgd", "exact", "as trained", "any straight-through gradient against PGD"),
            ("pgd", "as trained", "straight-through", "a temperature and the twin's slopes, PGD"),
            ("zoo", "narrow", "wide", "wide differences against ZOO"),
        ):
            yield (
                f"{training} training, two or three levels: robustness falls with {name}",
                Difference(
                    pick(rows, attack=attack, knowledge=plain, **dqa, **of),
                    pick(rows, attack=attack, knowledge=better, **dqa, **of),
                ),
            )


def _trainings(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(str(row["training"]) for row in rows))


def _learned(
    rows: Sequence[Row], training: str, attack: str, knowledge: str, name: str
) -> tuple[str, Difference]:
    seen = {"training": training, "attack": attack, "knowledge": knowledge}
    return (
        f"{training} training: learned thresholds resist {name} better than fixed ones",
        Difference(
            pick(rows, activations="learned", **seen), pick(rows, activations="fixed", **seen)
        ),
    )


def panel(rows: Sequence[Row], training: str, kind: str) -> Panel:
    """Return robust accuracy against bits of one kind of activation; the baseline is last."""
    own = [row for row in rows if row["training"] == training]
    bits = sorted({int(row["bits"] or 0) for row in own if row["activations"] == kind})
    places = [*((kind, one) for one in bits), ("relu", 8)]
    epsilon = next((row["epsilon_255"] for row in own if row["norm"] == "linf"), None)
    curves = []
    for (attack, knowledge), label in _CURVES.items():
        line = [
            next(row for row in own
                 if (row["activations"], row["bits"]) == place
                 and (row["attack"], row["knowledge"]) == (attack, knowledge))
            for place in places
        ]  # fmt: skip
        curves.append(
            Curve(
                label=label,
                x=tuple(float(place) for place in range(len(places))),
                y=tuple(float(row["robust"] or 0) for row in line),
            )
        )
    return Panel(
        title=f"{training} training, {kind} thresholds, linf {epsilon}/255",
        x_label="bits of activations",
        y_label="robust accuracy",
        curves=tuple(curves),
        ticks=(*(str(one) for one in bits), "ReLU 8"),
    )

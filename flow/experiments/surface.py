# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Loss surfaces around images: does the gradient say where the loss rises?

Where gradients are masked, the loss along them is flat or jagged and a random direction does as
well. Each panel is one network: the mean loss along the gradient's sign, in slices beside it.
"""

from dataclasses import dataclass
from math import inf, sqrt
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from flow.experiments._planes import Plane, loss_plane
from flow.experiments.base import Curve, Experiment, Findings, Outcome, Panel, Row, Verdict
from flow.experiments.dqa import dqa_network
from flow.experiments.scale import Scale
from flow.experiments.study import Study

__all__ = ["SURFACE", "Surface", "rises"]

_Z95 = 1.959963984540054


@dataclass(frozen=True)
class Surface(Experiment):
    """Measures the loss around the test images, on networks of the experiment `dqa`.

    Attributes:
        networks: way of training, kind of activation, bits.
        reach_255: how far the plane goes, and epsilon of adversarial training.
        steps: points from the image to the reach.
    """

    name: ClassVar[str] = "surface"
    title: ClassVar[str] = "Loss surfaces: along the gradient and beside it"
    source: ClassVar[str] = "after Athalye, Carlini and Wagner, ICML 2018"
    scale: ClassVar[Scale] = Scale(train_images=4000, epochs=4, images=200)

    networks: tuple[tuple[str, str, int], ...] = (
        ("standard", "relu", 8),
        ("standard", "learned", 1),
        ("adversarial", "relu", 8),
        ("adversarial", "learned", 1),
    )
    reach_255: int = 51
    steps: int = 8

    def run(self, study: Study) -> Findings:
        """Return a row for each network and point of its plane."""
        ends = np.linspace(-self.reach_255, self.reach_255, 2 * self.steps + 1)
        along = tuple(int(step) for step in np.rint(ends))
        across = (0, self.reach_255 // 2, self.reach_255)
        images, labels = study.shown()
        planes: dict[str, Plane] = {}
        for training, kind, bits in self.networks:
            trained = dqa_network(study, training, kind, bits, self.reach_255)
            planes[trained.label] = loss_plane(
                *(trained, images, labels, along, across), seed=study.scale.seed
            )
        return Findings(
            rows=tuple(row for name, plane in planes.items() for row in _rows(name, plane)),
            panels=tuple(_panel(name, plane) for name, plane in planes.items()),
            verdicts=tuple(_verdict(name, plane) for name, plane in planes.items()),
        )


def _rows(name: str, plane: Plane) -> list[Row]:
    return [
        {
            "network": name,
            "along_gradient": a,
            "across": b,
            "loss": float(plane.at(a, b).mean()),
            "misclassified": float((plane.at(a, b) > 0).mean()),
        }
        for a in plane.along
        for b in plane.across
    ]


def _panel(name: str, plane: Plane) -> Panel:
    curves = [
        Curve(
            label=f"random direction {b:+d}",
            x=tuple(float(a) for a in plane.along),
            y=tuple(float(plane.at(a, b).mean()) for a in plane.along),
        )
        for b in plane.across
    ]
    return Panel(
        title=name,
        x_label="uint8 units along the sign of the gradient",
        y_label="loss: other logit - label's",
        curves=tuple(curves),
        percent=False,
    )


def _verdict(name: str, plane: Plane) -> Verdict:
    far = plane.along[-1]
    outcome, evidence = rises(plane.at(far, 0), plane.at(0, far))
    return Verdict(
        claim=f"{name}: the loss rises further along the gradient than along a random sign",
        outcome=outcome,
        evidence=f"{evidence}, {far} units each",
    )


def rises(along: ArrayLike, across: ArrayLike) -> tuple[Outcome, str]:
    """Judge whether one loss is above the other, image by image.

    Args:
        along: loss of each image at the end of the gradient's sign.
        across: of the same images at the end of the random sign.

    Returns:
        The outcome by the 95% interval of the mean difference, and that interval in words.
    """
    differences = np.asarray(along, np.float64) - np.asarray(across, np.float64)
    mean = float(differences.mean())
    few = len(differences) < 2  # one image tells nothing of the others
    half = inf if few else _Z95 * float(differences.std(ddof=1)) / sqrt(len(differences))
    outcome: Outcome = "undecided"
    if abs(mean) > half:
        outcome = "reproduced" if mean > 0 else "refuted"
    return outcome, f"{mean:+.2f} [{mean - half:+.2f}, {mean + half:+.2f}] higher"


SURFACE = Surface()

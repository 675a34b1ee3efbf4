# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Pictures of the experiments on Defensive Quantization."""

from collections.abc import Callable, Sequence
from statistics import fmean

from flow.experiments._defensive import CONTROLS, PLAIN, Series
from flow.experiments._defensive_sample import Cells, Sample, grouped, robust_at
from flow.experiments.base import Curve, Panel

__all__ = ["against_depth", "against_epsilon", "by_bits"]

NAMES = {PLAIN: "plain", "dq": "DQ"}


def by_bits(cells: Cells) -> tuple[Curve, ...]:
    """Return the mean against bits, a curve for each control; bands are all that the seeds gave."""
    curves = []
    for control in CONTROLS:
        bits = sorted(width for other, width in cells if other == control)
        values = [cells[control, width] for width in bits]
        curves.append(
            Curve(
                label=NAMES[control],
                x=tuple(float(width) for width in bits),
                y=tuple(map(fmean, values)),
                low=tuple(map(min, values)),
                high=tuple(map(max, values)),
            )
        )
    return tuple(curves)


def against_epsilon(series: Series, samples: Sequence[Sample]) -> Panel:
    """Return robust accuracy against epsilon at the fewest and at the most bits."""
    curves = [
        Curve(
            label=f"{NAMES[control]}, {bits} bits",
            x=tuple(float(epsilon) for epsilon in epsilons),
            y=tuple(
                fmean(grouped(samples, series.name, robust_at(epsilon))[control, bits])
                for epsilon in epsilons
            ),
        )
        for epsilons in [tuple(samples[0].robust)]
        for control in CONTROLS
        for bits in (series.bits[0], series.bits[-1])
    ]
    return Panel(
        title=f"{series.name} training: PGD strength",
        x_label="epsilon, 1/255",
        y_label="robust accuracy",
        curves=tuple(curves),
    )


def against_depth(series: Series, samples: Sequence[Sample], epsilon_255: int) -> Panel:
    """Return the relative error behind each activation, over that of the image."""
    layers = len(samples[0].depth)
    curves = []
    for control in CONTROLS:
        for bits in (series.bits[0], series.bits[-1]):
            values = [
                fmean(grouped(samples, series.name, _growth(layer))[control, bits])
                for layer in range(layers)
            ]
            curves.append(
                Curve(
                    label=f"{NAMES[control]}, {bits} bits",
                    x=tuple(float(layer) for layer in range(layers)),
                    y=tuple(values),
                )
            )
    return Panel(
        title=f"{series.name} training: error of PGD at {epsilon_255}/255 by depth",
        x_label="layer",
        y_label="relative error over the image's",
        curves=tuple(curves),
        ticks=("image", *(f"act {layer}" for layer in range(1, layers - 1)), "logits"),
        percent=False,
    )


def _growth(layer: int) -> Callable[[Sample], float]:
    return lambda sample: sample.depth[layer] / max(sample.depth[0], 1e-12)

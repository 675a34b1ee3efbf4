# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Depth against width, and the size of the last stage, in the same area of one part.

Huang et al. (NeurIPS 2021) saw adversarially trained Wide ResNets gain where their last stage had
less capacity; here it is tried on small networks.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from flow.experiments._lut_budget import Sized, against_area, at_area, epsilon_of, trained_and_sized
from flow.experiments._strengths import Cells, gains
from flow.experiments.base import Experiment, Findings, Verdict
from flow.experiments.scale import Scale
from flow.experiments.study import Study

__all__ = ["LUT_SHAPES", "LutShapes"]

_RISING, _EVEN, _FALLING, _DEEP = "8-16-32", "16-16-16", "24-16-8", "8-8-16-16"
_BITS = 4
_STRIDES = (2, 2, 2, 1)


@dataclass(frozen=True)
class LutShapes(Experiment):
    """Trains shapes in several widths, attacks, and predicts LUTs.

    Attributes:
        shapes: channels of 3x3 convolutions, the first three of stride 2, by name.
        widths: factors of these.
        budget: area at which shapes are compared, in LUTs.
        seeds: how many of each training.
    """

    shapes: Mapping[str, tuple[int, ...]] = field(
        default_factory=lambda: {
            name: tuple(map(int, name.split("-"))) for name in (_RISING, _EVEN, _FALLING, _DEEP)
        }
    )
    widths: tuple[float, ...] = (0.5, 1.0, 1.5)
    budget: float = 3500.0
    seeds: int = 2

    name: ClassVar[str] = "lut-shapes"
    title: ClassVar[str] = "Depth, width and the last stage in the same area"
    source: ClassVar[str] = "Huang et al., arXiv:2110.03825"
    scale: ClassVar[Scale] = Scale(train_images=6000, epochs=6, images=500)

    def run(self, study: Study) -> Findings:
        """Return a row for each network."""
        samples = [
            self._sample(study, name, width, study.scale.seed + seed)
            for name in self.shapes
            for width in self.widths
            for seed in range(self.seeds)
        ]
        cells = at_area(samples, self.budget)
        claims = {
            "a small last stage helps": _FALLING,
            "an even one helps": _EVEN,
            "depth beats width": _DEEP,
        }
        return Findings(
            rows=tuple(one.row() for one in samples),
            panels=(against_area(samples, f"worst case at {epsilon_of(study)}/255"),),
            verdicts=tuple(
                self._judged(claim, cells, shape, study.scale.images)
                for claim, shape in claims.items()
            ),
        )

    def _judged(self, claim: str, cells: Cells, shape: str, images: int) -> Verdict:
        """Judge a shape beside the one whose stages double."""
        whole = f"in an area of {self.budget:,.0f} LUTs, {claim}"
        if {shape, _RISING} <= set(cells):
            return gains(whole, cells, shape, _RISING, images)
        return Verdict(claim=whole, outcome="undecided", evidence="no networks of that size")

    def _sample(self, study: Study, name: str, width: float, seed: int) -> Sized:
        channels = self.shapes[name]
        settings = study.settings(
            *(_BITS, _BITS),
            architecture="convnet",
            convolutions=tuple(zip(channels, _STRIDES[: len(channels)], strict=True)),
            width=width,
        )
        return trained_and_sized(study, settings, series=name, width=width, seed=seed)


LUT_SHAPES = LutShapes()

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The experiments, in the order of the help."""

from flow.errors import FlowError
from flow.experiments.base import Experiment
from flow.experiments.boundary import BOUNDARY
from flow.experiments.defensive_bits import DEFENSIVE_BITS, DEFENSIVE_FOLDED_BITS
from flow.experiments.defensive_clean import DEFENSIVE_CLEAN
from flow.experiments.dqa import DQA
from flow.experiments.feedback import FEEDBACK
from flow.experiments.layerwise import LAYERWISE_BITS
from flow.experiments.layerwise_luts import LAYERWISE_LUTS
from flow.experiments.lut_bits import LUT_BITS
from flow.experiments.lut_shapes import LUT_SHAPES
from flow.experiments.mat import MAT
from flow.experiments.single_step import SINGLE_STEP
from flow.experiments.strength import STRENGTH
from flow.experiments.surface import SURFACE
from steelflow_names import hint

__all__ = ["EXPERIMENTS", "find"]

EXPERIMENTS: tuple[Experiment, ...] = (
    DEFENSIVE_BITS,
    DEFENSIVE_FOLDED_BITS,
    DEFENSIVE_CLEAN,
    LAYERWISE_BITS,
    MAT,
    DQA,
    STRENGTH,
    FEEDBACK,
    BOUNDARY,
    SINGLE_STEP,
    SURFACE,
    LUT_BITS,
    LUT_SHAPES,
    LAYERWISE_LUTS,
)


def find(name: str) -> Experiment:
    """Return the experiment of that name.

    Raises:
        FlowError: there is none; the message has the nearest.
    """
    known = {experiment.name: experiment for experiment in EXPERIMENTS}
    if name not in known:
        raise FlowError(f"experiment: there is no {name!r}{hint(name, known)}")
    return known[name]

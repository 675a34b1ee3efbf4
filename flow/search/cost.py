# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What a candidate takes, and by how much that is too much."""

from dataclasses import dataclass

from flow.compile.prediction import Prediction
from flow.config import CompileConfig
from flow.search.settings import Constraints
from hw.parts import find_part

__all__ = ["Cost", "cost_of", "excess"]


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Resources, and frames a second."""

    lut: float
    bram36: float
    dsp: int
    fps: float


def cost_of(predicted: Prediction, config: CompileConfig) -> Cost:
    """Return the cost of a prediction at the configuration's clock."""
    return Cost(
        lut=round(predicted.lut),
        bram36=predicted.bram36,
        dsp=predicted.dsp,
        fps=config.clock_mhz * 1e6 / predicted.cycles,
    )


def excess(
    cost: Cost, constraints: Constraints, part_name: str, *, latency_us: float | None = None
) -> str:
    """Say in words by how much a candidate breaks which limits; "" if it keeps them all."""
    part, told = find_part(part_name), list[str]()
    for key, unit in (("lut", "LUT"), ("bram36", "block RAMs"), ("dsp", "DSP slices")):
        given, found = getattr(constraints, key), getattr(cost, key)
        limit = getattr(part, key) if given is None else given
        if found > limit:
            told.append(f"{found:,.10g} {unit}, {found - limit:,.10g} more than {limit:,}")
    if constraints.fps is not None and cost.fps < constraints.fps:
        lack = constraints.fps - cost.fps
        told.append(f"{cost.fps:,.0f} frames/s, {lack:,.0f} less than {constraints.fps:,.0f}")
    if latency_us is not None and latency_us > (constraints.latency_us or float("inf")):
        told.append(f"latency {latency_us:.1f} us, more than {constraints.latency_us:g}")
    return "; ".join(told)

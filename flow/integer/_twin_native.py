# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A twin's logits and gradients by the native engine: the same logits, the same rule backward."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from flow.integer._twin_plan import Plan
from flow.integer.bounds import Interval
from flow.integer.graph import IntegerGraph
from flow.integer.native.traced import (
    Slopes,
    TracedNetwork,
    TracedPlan,
    Window,
    Windows,
    plan_traced,
)
from flow.integer.operations import Threshold
from flow.integer.twin_functions import Staircase
from flow.threads import kernel_threads

__all__ = ["Traced", "plan_traced_twin", "window_of"]


def plan_traced_twin(
    network: IntegerGraph, plan: Plan, stairs: dict[str, Staircase], *, isa: str | None = None
) -> TracedPlan | None:
    """Return the engine's plan of a twin; None where there is none, or sums need float64.

    Args:
        network: the twin's.
        plan: in which order it computes.
        stairs: of each Threshold, by its name.
        isa: as of plan_traced.
    """
    if plan.dtype != torch.float32:
        return None
    operations = tuple(replace(step.operation, inputs=step.sources) for step in plan.steps)
    if not operations or operations[-1].name != plan.output:
        return None
    windows: Windows = {}
    slopes: Slopes = {}
    for step in plan.steps:
        if isinstance(step.operation, Threshold):
            own = stairs[step.operation.name]
            windows[step.operation.name] = window_of(own, step.values)
            pull = own.pull.numpy().reshape(-1)
            slopes[step.operation.name] = pull * np.float32(step.operation.step)
    whole = IntegerGraph(operations, network.input_shape)
    return plan_traced(whole, windows, slopes, isa=isa)


def window_of(stairs: Staircase, values: Interval) -> Window:
    """Return between which integers the line lies within half a step of the thresholds.

    The line is computed in float32 as Count computes it, product and sum rounded one by one; both
    keep order, so that bisection finds the ends.
    """
    slope, start = (t.numpy().reshape(-1) for t in (stairs.slope, stairs.start))

    def level(whole: NDArray[np.int64]) -> NDArray[np.float32]:
        found: NDArray[np.float32] = whole.astype(np.float32) * slope + start
        return found

    first = _first(lambda whole: level(whole) > np.float32(0.5), values, len(slope))
    end = _first(lambda whole: level(whole) >= np.float32(stairs.levels + 0.5), values, len(slope))
    return Window(first.astype(np.int32), (end - 1).astype(np.int32))


def _first(
    reached: Callable[[NDArray[np.int64]], NDArray[np.bool_]], values: Interval, channels: int
) -> NDArray[np.int64]:
    """Return the least value of each channel that has reached it, one beyond the last if none."""
    low, high = np.full(channels, values.lo), np.full(channels, values.hi + 1)
    while (low < high).any():
        middle = (low + high) // 2
        there = reached(middle)
        low, high = (
            np.where(there, low, np.minimum(middle + 1, high)),
            np.where(there, middle, high),
        )
    return low


class Traced(torch.autograd.Function):
    """The logits float32[N, K] of whole images, differentiated with respect to these."""

    @staticmethod
    def forward(ctx: Any, images: Tensor, engine: TracedNetwork) -> Tensor:  # noqa: ANN401
        """Return the logits of float[N, H, W, C]."""
        pixels = images.detach().to(torch.uint8).numpy()
        ctx.engine, ctx.threads = engine, kernel_threads()
        logits, ctx.trace = engine.logits(pixels, ctx.threads)
        return torch.from_numpy(logits).to(torch.float32)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401
        """Return the gradient of the images."""
        given = gradients[0].detach().numpy()
        found = ctx.engine.pull(ctx.trace, given, ctx.threads)
        return torch.from_numpy(found), None

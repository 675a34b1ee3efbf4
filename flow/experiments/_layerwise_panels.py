# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Pictures of the experiment on layer-wise bits."""

from collections.abc import Sequence
from statistics import fmean

from flow.experiments._layerwise_sample import LAYERWISE, UNIFORM, Cell, Cells, Plan, Sample
from flow.experiments.base import Curve, Panel

__all__ = ["choices", "losses", "widths"]

_TUNED = (False, True)


def losses(plan: Plan, title: str, cells: Cells) -> Panel:
    """Return accuracy against uniform widths, of plainly and adversarially trained networks."""
    names = plan.plain.name, plan.adversarial.name
    curves = [
        _curve(plan, name, cells, (name, UNIFORM, tuned)) for name in names for tuned in _TUNED
    ]
    return Panel(
        title=title, x_label="bits a weight", y_label="accuracy (band: seeds)", curves=tuple(curves)
    )


def choices(plan: Plan, title: str, cells: Cells) -> Panel:
    """Return robust accuracy of adversarially trained networks against the budget."""
    curves = [
        _curve(plan, choice, cells, (plan.adversarial.name, choice, tuned))
        for choice in (UNIFORM, LAYERWISE)
        for tuned in _TUNED
    ]
    return Panel(
        title=title,
        x_label="bits a weight",
        y_label="robust accuracy (band: seeds)",
        curves=tuple(curves),
    )


def widths(plan: Plan, found: Sequence[Sample]) -> Panel:
    """Return the layer-wise choice for each budget, mean over seeds."""
    chosen = [one for one in found if one.choice == LAYERWISE and not one.tuned]
    layers = tuple(chosen[0].widths)
    curves = [
        Curve(
            label=f"budget {bits} bits a weight",
            x=tuple(float(place) for place in range(len(layers))),
            y=tuple(
                fmean(one.widths[layer] for one in chosen if one.budget == bits) for layer in layers
            ),
        )
        for bits in plan.budgets
    ]
    return Panel(
        title="layer-wise choice",
        x_label="layer",
        y_label="bits of its weights",
        curves=tuple(curves),
        ticks=layers,
        percent=False,
    )


def _curve(plan: Plan, label: str, cells: Cells, rule: tuple[str, str, bool]) -> Curve:
    """Return accuracy against bits a weight, up to the network that nothing was taken from.

    Bands are all that the seeds gave.
    """
    name, choice, tuned = rule
    places: list[Cell] = [(name, choice, bits, tuned) for bits in plan.budgets]
    places.append((name, UNIFORM, plan.full, False))
    values = [cells[place] for place in places]
    return Curve(
        label=f"{label}, tuned" if tuned else label,
        x=tuple(float(bits) for bits in (*plan.budgets, plan.full)),
        y=tuple(map(fmean, values)),
        low=tuple(map(min, values)),
        high=tuple(map(max, values)),
    )

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Choosing every layer's bits within a budget."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

from torch import nn

from brevitas_models.bits import BitTable
from brevitas_models.errors import ModelError
from brevitas_models.lipschitz import named_layers
from brevitas_models.selection.knapsack import cheapest, solve
from brevitas_models.selection.score import Option

__all__ = ["Cost", "Selection", "select_bits", "weight_bits_cost"]

Cost = Callable[[str, int, int], float]  # layer, weight bits, activation bits behind it -> cost


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The best choice within a budget.

    Attributes:
        table: for brevitas_models.architectures.build; it names every layer.
        options: the chosen one of every layer.
        score: the sum of theirs, the least that the budget allows.
        cost: the sum of theirs.
    """

    table: BitTable
    options: tuple[Option, ...]
    score: float
    cost: float


def weight_bits_cost(model: nn.Module) -> Cost:
    """Return the cost that counts the bits of all weights."""
    sizes = {name: layer.weight.numel() for name, layer in named_layers(model).items()}

    def cost(layer: str, weight_bits: int, activation_bits: int) -> float:  # noqa: ARG001
        return float(sizes[layer] * weight_bits)

    return cost


def select_bits(options: Sequence[Option], cost: Cost, budget: float) -> Selection:
    """Return the options, one a layer, with the least summed score within a budget; exact.

    Layers that share a quantizer get the same activation bits.

    Args:
        options: of all layers, as score_layers returns them.
        cost: of one layer; a layer's cost does not depend on other layers' bits. Where the
            hardware's does (the bits that it reads), let all candidates have one activation width.
        budget: of the summed cost, in the cost's unit.

    Raises:
        ModelError: even the cheapest choice costs more; or there are no options.
    """
    groups = _grouped(options)
    costs = [[sum(map(_costed(cost), choice)) for choice in group] for group in groups]
    scores = [[sum(option.score for option in choice) for choice in group] for group in groups]
    least = cheapest(costs)
    if least > budget:
        raise ModelError(
            f"bit selection: the cheapest choice costs {least:g}, more than the budget {budget:g}; "
            "raise the budget or add candidates with fewer bits"
        )
    places = solve(costs, scores, budget)
    chosen = [group[place] for group, place in zip(groups, places, strict=True)]
    order = list(dict.fromkeys(option.layer for option in options))
    found = {option.layer: option for choice in chosen for option in choice}
    return _selection([found[layer] for layer in order], cost)


def _costed(cost: Cost) -> Callable[[Option], float]:
    def of(option: Option) -> float:
        bits = option.precision
        return cost(option.layer, bits.weight_bits, bits.activation_bits)

    return of


def _grouped(options: Sequence[Option]) -> list[list[tuple[Option, ...]]]:
    """Return, for each quantizer, the joint choices of the layers that share it."""
    by_layer: dict[str, list[Option]] = {}
    for option in options:
        by_layer.setdefault(option.layer, []).append(option)
    sharing: dict[str, list[str]] = {}
    for layer, own in by_layer.items():
        sharing.setdefault(own[0].quantizer or f"none behind {layer}", []).append(layer)
    if not sharing:
        raise ModelError("bit selection: there are no options; give score_layers candidates")
    return [
        [
            choice
            for choice in product(*(by_layer[layer] for layer in layers))
            if len({option.precision.activation_bits for option in choice}) == 1
        ]
        for layers in sharing.values()
    ]


def _selection(chosen: list[Option], cost: Cost) -> Selection:
    precisions = {option.layer: option.precision for option in chosen}
    ((default, _),) = Counter(precisions.values()).most_common(1)
    return Selection(
        table=BitTable(default=default, layers=precisions),
        options=tuple(chosen),
        score=sum(option.score for option in chosen),
        cost=sum(map(_costed(cost), chosen)),
    )

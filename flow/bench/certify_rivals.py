# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The same question put to a constraint solver: CP-SAT of OR-Tools, on perceptrons."""

import time
from typing import Any

import numpy as np

from flow.certify.verdict import Answer
from flow.classifier import Images
from flow.errors import FlowError
from flow.integer import Bias, Dense, Flatten, IntegerNetwork, Threshold
from flow.integer.incremental import cell_numbers, cells_of, needed_margins

__all__ = ["POSED", "solve_exactly"]

POSED = (Threshold, Dense, Bias, Flatten)


def solve_exactly(
    network: IntegerNetwork, image: Images, label: int, epsilon_255: int, limit_s: float
) -> tuple[Answer, float]:
    """Return the answer of CP-SAT on one thread, and its seconds; unknown after limit_s.

    Each activation is a sum of Booleans, one for each threshold that is reached; pixels are their
    cells, as in our own search.

    Raises:
        FlowError: the network has other operations than thresholds, dense layers and biases.
    """
    from ortools.sat.python import cp_model  # noqa: PLC0415 - only this benchmark needs it

    started = time.monotonic()
    model = cp_model.CpModel()
    _pose(model, network, image, label, epsilon_255)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.max_time_in_seconds = limit_s
    status = solver.solve(model)
    answers: dict[Any, Answer] = {cp_model.INFEASIBLE: Answer.ROBUST}
    answers |= dict.fromkeys((cp_model.FEASIBLE, cp_model.OPTIMAL), Answer.ADVERSARIAL)
    return answers.get(status, Answer.UNKNOWN), time.monotonic() - started


def _pose(model: Any, network: IntegerNetwork, image: Images, label: int, epsilon_255: int) -> None:  # noqa: ANN401
    """Ask for an image of the ball that another class wins."""
    values: list[Any] = _pixels(model, network, image, epsilon_255)
    for operation in network.operations[1:]:
        values = _through(model, operation, values)
    need = needed_margins(label, network.classes)
    wins = []
    for rival in range(network.classes):
        if rival != label:
            won = model.new_bool_var("")
            model.add(values[label] - values[rival] <= int(need[rival]) - 1).only_enforce_if(won)
            wins.append(won)
    model.add_bool_or(wins)


def _pixels(model: Any, network: IntegerNetwork, image: Images, epsilon_255: int) -> list[Any]:  # noqa: ANN401
    """Return what the first thresholds make of each pixel: a number, or a variable."""
    first = network.operations[0]
    if not isinstance(first, Threshold):
        raise FlowError(f"{first.name}: does not squeeze the image; CP-SAT is posed only behind it")
    clean = first.apply(image[None].astype(np.int64)).reshape(-1)
    values: list[Any] = clean.tolist()
    cells = cells_of(cell_numbers(network), image, epsilon_255)
    for place, pixel in enumerate(cells.pixel.tolist()):
        ends = cells.start[place], cells.start[place + 1] - 1
        tried = np.repeat(image[None], 2, axis=0).reshape(2, -1)
        tried[:, pixel] = cells.low[ends[0]], cells.high[ends[1]]
        seen = first.apply(tried.reshape(2, *image.shape).astype(np.int64)).reshape(2, -1)[:, pixel]
        values[pixel] = model.new_int_var(int(seen[0]), int(seen[1]), "")
    return values


def _through(model: Any, operation: Any, values: list[Any]) -> list[Any]:  # noqa: ANN401
    match operation:
        case Flatten():
            return values
        case Dense(weights=weights):
            return [_sum(values, column) for column in weights.T.tolist()]
        case Bias(values=biases):
            return [value + int(bias) for value, bias in zip(values, biases, strict=True)]
        case Threshold(thresholds=levels, offset=offset, step=step):
            rows = np.broadcast_to(levels, (len(values), levels.shape[1])).tolist()
            pairs = zip(values, rows, strict=True)
            return [offset + step * _count(model, value, row) for value, row in pairs]
        case _:
            raise FlowError(f"{operation.name}: is not posed to CP-SAT; take a perceptron")


def _sum(values: list[Any], weights: list[int]) -> Any:  # noqa: ANN401
    return sum(w * value for w, value in zip(weights, values, strict=True) if w)


def _count(model: Any, value: Any, row: list[int]) -> Any:  # noqa: ANN401
    """Return how many thresholds a value reaches, by a Boolean for each."""
    if isinstance(value, int):
        return sum(value >= level for level in row)
    reached = []
    for level in row:
        above = model.new_bool_var("")
        model.add(value >= level).only_enforce_if(above)
        model.add(value <= level - 1).only_enforce_if(~above)
        reached.append(above)
    return sum(reached)

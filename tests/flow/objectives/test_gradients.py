# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The gradients of each loss, against numeric ones of its formula with respect to the logits.

A loss can have the right value and train the wrong thing, by a gradient that is cut off.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from brevitas_models.classifier import QuantClassifier
from flow.objectives import Batch, Model, build_objective

Values = NDArray[np.float64]
Formula = Callable[[Sequence[Values], NDArray[np.int64]], Values]
STEP = 1e-5


def _softmax(logits: Values) -> Values:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _own(probabilities: Values, labels: NDArray[np.int64]) -> Values:
    return np.asarray(probabilities[np.arange(len(labels)), labels])


def _cross_entropy(logits: Sequence[Values], labels: NDArray[np.int64]) -> Values:
    return -np.log(_own(_softmax(logits[0]), labels))


def _divergence(clean: Values, attacked: Values) -> Values:
    return np.asarray((clean * np.log(clean / attacked)).sum(axis=1))


def _trades(logits: Sequence[Values], labels: NDArray[np.int64]) -> Values:
    clean, attacked = map(_softmax, logits)
    return -np.log(_own(clean, labels)) + 6 * _divergence(clean, attacked)


def _mart(logits: Sequence[Values], labels: NDArray[np.int64]) -> Formula:
    """Return the formula with the strongest wrong classes of these logits: one of near-equal ones.

    Numeric steps from one of them to another would mix the two gradients.
    """
    rivals = logits[1].copy()
    rivals[np.arange(len(labels)), labels] = -np.inf
    rival = rivals.argmax(axis=1)

    def formula(logits: Sequence[Values], labels: NDArray[np.int64]) -> Values:
        clean, attacked = map(_softmax, logits)
        boosted = -np.log(_own(attacked, labels)) - np.log(1.0001 - _own(attacked, rival))
        return boosted + 5 * _divergence(clean, attacked) * (1 - _own(clean, labels))

    return formula


def _four_branches(logits: Sequence[Values], labels: NDArray[np.int64]) -> Values:
    return np.sum([_cross_entropy([one], labels) for one in logits], axis=0)


def _numeric(formula: Formula, logits: list[Values], labels: NDArray[np.int64]) -> list[Values]:
    """Return the gradients of the mean of a formula, by central differences."""
    gradients = [np.zeros_like(one) for one in logits]
    for values, gradient in zip(logits, gradients, strict=True):
        for column in range(values.shape[1]):
            kept = values[:, column].copy()
            values[:, column] = kept + STEP
            above = formula(logits, labels)
            values[:, column] = kept - STEP
            gradient[:, column] = (above - formula(logits, labels)) / (2 * STEP * len(labels))
            values[:, column] = kept
    return gradients


def _of_parameters(loss: torch.Tensor, network: QuantClassifier) -> list[torch.Tensor]:
    parameters = [one for one in network.parameters() if one.requires_grad]
    return [
        torch.zeros_like(parameter) if gradient is None else gradient
        for parameter, gradient in zip(
            parameters, torch.autograd.grad(loss, parameters, allow_unused=True), strict=True
        )
    ]


@pytest.mark.parametrize(
    ("name", "formula", "passes"),
    [
        ("standard", _cross_entropy, "attacked"),
        ("fgsm", _cross_entropy, "attacked"),
        ("pgd", _cross_entropy, "attacked"),
        ("mat_mixed", _cross_entropy, "attacked"),
        ("mat_parallel", _four_branches, "attacked"),
        ("trades", _trades, "clean, attacked"),
        ("mart", None, "clean, attacked"),
    ],
)
def test_gradients_reach_the_weights_by_every_pass(
    name: str, formula: Formula | None, passes: str, network: QuantClassifier, batch: Batch
) -> None:
    model = Model(network)
    outcome = build_objective(name).loss(model, batch)
    found = _of_parameters(outcome.loss, network)
    images = [*outcome.attacked.split(len(batch.images))]
    inputs = [batch.images, *images] if passes.startswith("clean") else images
    logits = [model(one) for one in inputs]
    values, labels = [one.detach().double().numpy() for one in logits], batch.labels.numpy()
    numeric = _numeric(formula or _mart(values, labels), values, labels)
    along = sum(
        (one * torch.from_numpy(gradient).float()).sum()
        for one, gradient in zip(logits, numeric, strict=True)
    )
    assert isinstance(along, torch.Tensor)
    expected = _of_parameters(along, network)
    largest = max(float(one.abs().max()) for one in expected)
    assert largest > 1e-3
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4 * largest)

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What attacks climb, against the formulas of the papers in numpy, and how they step."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from quantized_digits import digits, digits_network
from scipy.special import log_softmax, softmax
from torch import Tensor, nn

from flow.attacks import build_attack, pgdpp
from flow.attacks._search import Search, margins
from flow.attacks._victim import Victim
from flow.attacks.apgd import ApgdTargetedDlr, checkpoints
from flow.attacks.losses import (
    DifferenceOfLogitsRatio,
    Loss,
    RivalCrossEntropy,
    TargetedLogitsRatio,
    label_margins,
)
from flow.attacks.pgdpp import hessian_temperatures
from flow.attacks.square import square_side
from flow.errors import FlowError
from flow.integer import Dense, Flatten, IntegerNetwork

Case = tuple[np.ndarray, np.ndarray]  # logits [3, 5], labels [3]
CASES = st.integers(0, 2**32 - 1).map(
    lambda seed: (
        np.random.default_rng(seed).integers(-9, 10, (3, 5)).astype(np.float32),
        np.random.default_rng(seed).integers(0, 5, 3),
    )
)
ROWS = torch.arange(3)


def value(loss: Loss, logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return loss(torch.from_numpy(logits), torch.from_numpy(labels), ROWS).numpy()


def gradient(loss: Loss, logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    at = torch.from_numpy(logits).double().requires_grad_()
    (found,) = torch.autograd.grad(loss(at, torch.from_numpy(labels), ROWS).sum(), at)
    return found.numpy()


@given(CASES)
@settings(max_examples=30)
def test_the_rivals_loss_is_the_cross_entropy_s_with_its_direction(case: Case) -> None:
    logits, labels = case
    betas = np.array([0.1, 0.5, 1.0])
    loss = RivalCrossEntropy(torch.from_numpy(betas))
    scaled = logits * betas[:, None]
    own = np.take_along_axis(log_softmax(scaled, axis=1), labels[:, None], 1)[:, 0]
    np.testing.assert_allclose(np.logaddexp(0, value(loss, logits, labels)), -own, rtol=1e-9)
    probability = softmax(scaled, axis=1)
    cross_entropy = betas[:, None] * (probability - np.eye(5)[labels])
    error = 1 - np.take_along_axis(probability, labels[:, None], 1)
    found = gradient(loss, logits, labels) * error
    np.testing.assert_allclose(found, cross_entropy, rtol=1e-6, atol=1e-12)


def test_the_rivals_loss_has_gradients_where_the_cross_entropy_has_none() -> None:
    logits, labels = np.array([[2000.0, 1000.0, 0.0]] * 3, np.float32), np.zeros(3, np.int64)
    at = torch.from_numpy(logits).requires_grad_()
    nn.functional.cross_entropy(at, torch.from_numpy(labels)).backward()
    assert at.grad is not None
    assert not at.grad.any()
    loss = RivalCrossEntropy(torch.ones(1, dtype=torch.float64))
    np.testing.assert_array_equal(gradient(loss, logits, labels), [[-1, 1, 0]] * 3)


@given(CASES)
@settings(max_examples=30)
def test_ratios_equal_their_formulas(case: Case) -> None:
    logits, labels = case
    targets = (labels + 2) % 5
    down = -np.sort(-logits, axis=1)
    own, at = logits[np.arange(3), labels], logits[np.arange(3), targets]
    rival = np.where(np.arange(5) == labels[:, None], -np.inf, logits).max(1)
    plain = -(own - rival) / np.maximum(down[:, 0] - down[:, 2], 1)
    aimed = -(own - at) / np.maximum(down[:, 0] - (down[:, 2] + down[:, 3]) / 2, 1)
    found = value(DifferenceOfLogitsRatio(), logits, labels)
    np.testing.assert_allclose(found, plain, rtol=1e-6)
    found = value(TargetedLogitsRatio(torch.from_numpy(targets)), logits, labels)
    np.testing.assert_allclose(found, aimed, rtol=1e-6)


@given(CASES)
def test_a_margin_is_negative_exactly_if_the_label_is_not_the_argmax(case: Case) -> None:
    logits, labels = case
    found = margins(logits, labels)
    np.testing.assert_array_equal(found < 0, logits.argmax(1) != labels)
    differentiable = label_margins(torch.from_numpy(logits), torch.from_numpy(labels)).numpy()
    assert (np.abs(found - differentiable) <= 0.5).all()


@pytest.mark.parametrize(
    ("steps", "expected"),
    [(100, (22, 41, 57, 70, 80, 87, 93, 99)), (10, (3, 5, 6, 7, 8, 9, 10)), (1, (1,))],
)
def test_checkpoints_are_the_paper_s(steps: int, expected: tuple[int, ...]) -> None:
    assert checkpoints(steps) == expected


def test_squares_shrink_as_in_autoattack() -> None:
    """p = 0.8 halves after 10, 50, 200, ... of 10,000 queries."""
    sides = [square_side(query, 5000, (32, 32)) for query in (0, 5, 6, 26, 101, 251, 4001, 4999)]
    assert sides == [29, 29, 20, 14, 10, 7, 1, 1]
    assert square_side(0, 5000, (4, 40)) == 4
    assert [square_side(query, 5000, (10, 40)) for query in (101, 4001)] == [6, 1]


class Linear(nn.Module):
    """Logits that are a matrix times the pixels."""

    def __init__(self, matrix: np.ndarray) -> None:
        super().__init__()
        self.matrix = torch.from_numpy(matrix).float()

    def forward(self, images: Tensor) -> Tensor:
        return images.flatten(1) @ self.matrix


def test_the_temperature_maximises_the_curvature() -> None:
    rng = np.random.default_rng(0)
    matrix = rng.integers(-5, 6, (4, 3))
    points = torch.from_numpy(rng.integers(0, 255, (6, 2, 2, 1))).float()
    logits = points.flatten(1).numpy() @ matrix
    labels = torch.from_numpy(logits.argmax(1))
    labels[5] = (labels[5] + 1) % 3
    found = hessian_temperatures(Linear(matrix), points, labels, 0.125).numpy()
    assert found[5] == 0.125  # misclassified: the network's own

    def curvature(row: int, beta: float) -> float:
        p = softmax(beta * logits[row])
        hessian = matrix @ (beta**2 * (np.diag(p) - np.outer(p, p))) @ matrix.T
        return float(np.linalg.norm(hessian))

    for row in range(5):
        gap = float(np.diff(np.sort(logits[row]))[-1])
        others = np.geomspace(0.2, 100, 400) / gap
        best = max(curvature(row, beta) for beta in others)
        assert found[row] == 0.125 or curvature(row, found[row]) > 0.97 * best
    assert (found[:5] != 0.125).any()


def test_temperatures_are_tried_between_a_guess_and_certainty() -> None:
    scores = torch.tensor([[1.0, 9.0, 5.0], [2.0, 2.0, 0.0]]).double()  # gaps of 4, and of a tie
    grid = pgdpp._grid(scores).numpy()
    low = np.log(
        2 * (1 / 3 + 0.01) / (2 / 3 - 0.01)
    )  # rivals alike: p / (1 - p) = e^(beta gap) / 2
    high = np.log(2) + 72 * np.log(10)  # 1 - 1e-72 to 1e-72
    for column, gap in enumerate((4, 0.5)):
        np.testing.assert_allclose(grid[:, column], np.geomspace(low, high, 100) / gap, rtol=1e-9)


def test_a_temperature_at_an_end_of_the_grid_is_the_network_s_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    chosen = torch.tensor([0, 1, 50, 98, 99])
    norms = iter(torch.nn.functional.one_hot(chosen, 100).T.double())
    monkeypatch.setattr(pgdpp, "_squared_norms", lambda *_: next(norms))
    points, matrix = torch.full((5, 1, 2, 1), 3.0), np.array([[2, 0], [0, 1]])
    found = hessian_temperatures(Linear(matrix), points, torch.zeros(5, dtype=torch.int64), 0.125)
    grid = pgdpp._grid(torch.tensor([[6.0, 3.0]]).double())[:, 0]
    assert found.tolist() == [0.125, *grid[chosen[1:4]].tolist(), 0.125]


def test_the_curvature_is_the_norm_of_the_hessian() -> None:
    rng = np.random.default_rng(0)
    scores, jacobian = rng.normal(size=(2, 3)), rng.normal(size=(2, 3, 4))
    betas, gram = np.array([0.5, 3.0]), jacobian @ jacobian.transpose(0, 2, 1)
    found = pgdpp._squared_norms(*map(torch.from_numpy, (scores, gram, betas)))
    for row in range(2):
        p = softmax(betas[row] * scores[row])
        inner = betas[row] ** 2 * (np.diag(p) - np.outer(p, p))
        expected = np.linalg.norm(jacobian[row].T @ inner @ jacobian[row]) ** 2
        assert float(found[row]) == pytest.approx(expected, rel=1e-9)


def test_targets_are_the_nearest_classes() -> None:
    network = digits_network()
    images, labels = digits().test_images[:4], digits().test_labels[:4]
    search = Search(images, labels, np.arange(4), 8, 0)
    attack = ApgdTargetedDlr(steps=1, targets=3)
    losses: list[Any] = attack._losses(Victim(network), search, 0)
    found = [loss.targets.tolist() for loss in losses]
    ranked = np.argsort(-network.logits(images), axis=1, kind="stable")
    expected = [[c for c in row if c != y][:3] for row, y in zip(ranked, labels, strict=True)]
    np.testing.assert_array_equal(np.transpose(found), expected)


@pytest.mark.parametrize(("name", "least"), [("apgd_dlr", 3), ("apgd_dlr_targeted", 4)])
def test_too_few_classes_are_refused(name: str, least: int) -> None:
    weights = np.ones((4, least - 1), np.int64)
    network = IntegerNetwork((Flatten(name="f"), Dense(name="d", weights=weights)), (2, 2, 1), 1.0)
    attack = build_attack(name, steps=1, restarts=1)
    message = f"attack {name}: its loss compares {least} logits and the network has {least - 1}"
    with pytest.raises(FlowError, match=message):
        attack.run(network, np.ones((1, 2, 2, 1), np.uint8), np.zeros(1, np.int64), 1, 0)

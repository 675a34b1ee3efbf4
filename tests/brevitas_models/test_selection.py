# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
from dataclasses import replace
from itertools import product

import numpy as np
import pytest
import torch
from scipy.optimize import Bounds, LinearConstraint, milp
from torch import Tensor, nn
from zoo_networks import images

from brevitas_models.architectures import build, layer_names
from brevitas_models.bits import BitTable, Precision
from brevitas_models.classifier import QuantClassifier
from brevitas_models.errors import ModelError
from brevitas_models.lipschitz import elasticities, network_bound
from brevitas_models.lipschitz.trace import trace
from brevitas_models.quantizers import Quantizers
from brevitas_models.selection import (
    Option,
    Selection,
    score_layers,
    select_bits,
    weight_bits_cost,
)
from brevitas_models.selection.knapsack import cheapest, solve
from brevitas_models.settings import ArchitectureSettings


def bits(weight: int, activation: int = 4) -> Precision:
    return Precision(weight_bits=weight, activation_bits=activation)


@pytest.mark.parametrize("seed", range(40))
def test_the_choice_is_that_of_brute_force(seed: int) -> None:
    rng = np.random.default_rng(seed)
    whole = seed % 2 == 0  # many equal sums, or none
    draw = (lambda n: rng.integers(0, 8, n).astype(float)) if whole else rng.random
    sizes = rng.integers(1, 5, rng.integers(1, 6))
    costs, scores = [draw(n).tolist() for n in sizes], [draw(n).tolist() for n in sizes]
    dearest = sum(map(max, costs))
    budget = cheapest(costs) + (dearest - cheapest(costs)) * float(rng.random())
    best = min(
        sum(row[i] for row, i in zip(scores, places, strict=True))
        for places in product(*map(range, sizes))
        if sum(row[i] for row, i in zip(costs, places, strict=True)) <= budget
    )
    found = solve(costs, scores, budget)
    assert sum(row[i] for row, i in zip(costs, found, strict=True)) <= budget
    assert sum(row[i] for row, i in zip(scores, found, strict=True)) == pytest.approx(best)


def best_score(costs: list[list[float]], scores: list[list[float]], budget: float) -> float:
    """Return what SciPy's integer program finds, whose budget has a tolerance of 1e-6."""
    layer = np.repeat(np.arange(len(costs)), [len(row) for row in costs])
    one_a_layer = (layer == np.arange(len(costs))[:, None]).astype(float)
    rows = np.vstack([one_a_layer, np.concatenate(costs) / budget])
    low = np.append(np.ones(len(costs)), -np.inf)
    found = milp(
        np.concatenate(scores),
        constraints=LinearConstraint(rows, low, np.ones(len(rows))),
        integrality=np.ones(len(layer)),
        bounds=Bounds(0, 1),
        options={"mip_rel_gap": 0},
    )
    return float(found.fun)


def test_many_layers_are_solved_as_an_integer_program_is() -> None:
    rng = np.random.default_rng(0)
    sizes = rng.integers(10_000, 2_000_000, 60)
    costs = [(size * np.arange(1.0, 9)).tolist() for size in sizes]
    scores = [(rng.random() * 0.5 ** np.arange(8)).tolist() for _ in sizes]
    budget = float(3 * sizes.sum())
    found = solve(costs, scores, budget)
    assert sum(row[i] for row, i in zip(costs, found, strict=True)) <= budget
    reached = sum(row[i] for row, i in zip(scores, found, strict=True))
    assert reached == pytest.approx(best_score(costs, scores, budget), rel=1e-6)


def test_a_budget_is_not_overdrawn_by_a_tolerance() -> None:
    costs = [[1.0, 2.0, 3.0], *[[1e6, 2e6, 4e6]] * 4]
    scores = [[1.0, 0.5, 0.0], *[[1.0, 0.5, 0.25]] * 4]
    found = solve(costs, scores, 8e6 + 1)
    assert sum(row[i] for row, i in zip(costs, found, strict=True)) <= 8e6 + 1


def test_the_budget_may_be_met_exactly() -> None:
    costs = [[0.1, 0.2], [0.2, 0.4], [0.3, 0.6]]
    assert solve(costs, [[1.0, 0.0]] * 3, 0.1 + 0.2 + 0.3) == [0, 0, 0]


RESNET8 = ArchitectureSettings(
    architecture="resnet8",
    bits=BitTable.uniform(8, 8),
    input_shape=(6, 6, 2),
    width=0.15,
    quantizers=Quantizers(weights="learned"),  # type: ignore[arg-type]
)


@pytest.fixture(scope="module")
def network() -> QuantClassifier:
    built = build(RESNET8, seed=1)
    for seed in range(3):
        built(images(built, 32, seed))
    return built.eval()


CANDIDATES = [bits(w, a) for w in (2, 4, 8) for a in (3, 6)]


@pytest.fixture(scope="module")
def options(network: QuantClassifier) -> list[Option]:
    return score_layers(network, images(network, 8), CANDIDATES)


def test_every_layer_has_an_option_for_every_candidate(options: list[Option]) -> None:
    assert [(one.layer, one.precision) for one in options] == [
        (layer, candidate) for layer in layer_names(RESNET8) for candidate in CANDIDATES
    ]


def test_more_bits_lose_less(options: list[Option]) -> None:
    by_bits = {(one.layer, one.precision): one for one in options}
    for layer in layer_names(RESNET8):
        weights = [by_bits[layer, bits(w, 6)].weight_error for w in (2, 4, 8)]
        assert weights == sorted(weights, reverse=True)
        assert weights[-1] < 0.05
        coarse, fine = (by_bits[layer, bits(8, a)].activation_error for a in (3, 6))
        assert coarse > fine or coarse == fine == 0


def test_the_classifier_has_no_activation_error(options: list[Option]) -> None:
    found = {one.activation_error for one in options if one.layer == "classifier"}
    assert found == {0.0}


def test_scores_are_made_of_their_parts(network: QuantClassifier) -> None:
    for one in score_layers(network, images(network, 2), [bits(2, 3)], attack_weight=5.0):
        growth = 5.0 * max(0.0, one.growth - 1)
        parts = one.weight_error + growth + one.activation_error
        assert one.score == pytest.approx(one.elasticity * parts)


def chain(weight: Tensor) -> nn.Sequential:
    model = nn.Sequential(
        nn.Linear(3, 3, bias=False), nn.BatchNorm1d(3), nn.Linear(3, 2, bias=False)
    )
    with torch.no_grad():
        model[0].weight.copy_(weight)
        model[1].weight.copy_(torch.tensor([1.0, -2.0, 0.5]))
    return model.eval()


def test_weight_errors_are_those_of_the_folded_quantized_matrix() -> None:
    weight = torch.randn(3, 3, generator=torch.Generator().manual_seed(3)).double().float()
    first = score_layers(chain(weight), torch.rand(2, 3), [bits(3)])[0]
    gain = np.diag([1.0, -2.0, 0.5]) / (1 + 1e-5) ** 0.5
    exact, scale = weight.double().numpy(), first.weight_range * float(weight.abs().max()) / 3
    quantized = np.clip(np.rint(exact / scale), -3, 3) * scale
    norm = np.linalg.norm(gain @ exact, 2)
    assert first.weight_error == pytest.approx(np.linalg.norm(gain @ (quantized - exact), 2) / norm)
    assert first.growth == pytest.approx(np.linalg.norm(gain @ quantized, 2) / norm)
    others = [share * float(weight.abs().max()) / 3 for share in (1.0, 0.8, 0.6)]
    squares = [np.square(np.clip(np.rint(exact / s), -3, 3) * s - exact).sum() for s in others]
    assert np.square(quantized - exact).sum() <= min(squares) + 1e-12


def test_one_bit_is_the_sign_times_the_mean() -> None:
    weight = torch.tensor([[1.0, -3.0, 2.0], [2.0, 2.0, -2.0], [-1.0, 1.0, 4.0]])
    first = score_layers(chain(weight), torch.rand(2, 3), [bits(1)])[0]
    exact = weight.double().numpy()
    gain, quantized = np.diag([1.0, -2.0, 0.5]), np.sign(exact) * 2
    expected = np.linalg.norm(gain @ (quantized - exact), 2) / np.linalg.norm(gain @ exact, 2)
    assert first.weight_error == pytest.approx(expected)


def test_a_chain_depends_on_every_layer_alike_and_branches_share() -> None:
    model = chain(torch.eye(3))
    assert elasticities(trace(model, (3,))) == pytest.approx({"0": 1.0, "2": 1.0})
    residual = _Residual()
    found = elasticities(trace(residual, (2,)))
    assert found["body"] == pytest.approx(3 / 4)
    assert found["last"] == pytest.approx(1)
    assert network_bound(residual, (2,)).slope == pytest.approx(4 * 5)


class _Residual(nn.Module):
    """5 (x + 3 x)."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.last = nn.Linear(2, 2), nn.Linear(2, 2)
        with torch.no_grad():
            self.body.weight.copy_(3 * torch.eye(2))
            self.last.weight.copy_(5 * torch.eye(2))

    def forward(self, values: Tensor) -> Tensor:
        found: Tensor = self.last(values + self.body(values))
        return found


def chosen(network: QuantClassifier, options: list[Option], share: float) -> Selection:
    cost = weight_bits_cost(network)
    total = sum(cost(layer, 8, 8) for layer in layer_names(RESNET8))
    return select_bits(options, cost, share * total)


def test_the_table_builds_a_network_within_the_budget(
    network: QuantClassifier, options: list[Option]
) -> None:
    found = chosen(network, options, 0.45)
    again = build(replace(network.settings, bits=found.table))
    held = sum(
        layer.weight.numel() * int(layer.weight_quant.bit_width())
        for layer in again.layers().values()
    )
    assert (
        held
        == found.cost
        <= 0.45 * 8 * sum(layer.weight.numel() for layer in network.layers().values())
    )
    assert len({precision.weight_bits for precision in found.table.layers.values()}) > 1
    assert found.table.of("stem") == found.options[0].precision
    assert found.score == pytest.approx(sum(one.score for one in found.options))


def test_no_uniform_width_within_the_budget_is_better(
    network: QuantClassifier, options: list[Option]
) -> None:
    found = chosen(network, options, 0.5)
    uniform = sum(one.score for one in options if one.precision == bits(4, 6))
    assert found.score <= uniform
    assert chosen(network, options, 1.0).score <= found.score


def test_layers_that_share_a_quantizer_get_the_same_activation_bits(options: list[Option]) -> None:
    def cost(layer: str, weight_bits: int, activation_bits: int) -> float:
        dear = layer == "block2.shortcut"
        return weight_bits + (100.0 if dear and activation_bits > 3 else 0.0)

    found = select_bits(options, cost, 99.0).table
    assert found.of("block2.shortcut").activation_bits == 3
    assert found.of("block2.second").activation_bits == 3
    assert found.of("block3.second").activation_bits == 6


def test_the_choice_is_the_best_of_all(network: QuantClassifier) -> None:
    layers = ("stem", "block2.second", "block2.shortcut", "classifier")
    scored = score_layers(network, images(network, 4), [bits(2, 3), bits(3, 5), bits(5, 4)])
    few = [one for one in scored if one.layer in layers]
    cost = weight_bits_cost(network)
    budget = 1.3 * sum(cost(layer, 2, 4) for layer in layers)
    rows = [[one for one in few if one.layer == layer] for layer in layers]
    feasible = [
        choice
        for choice in product(*rows)
        if sum(cost(o.layer, o.precision.weight_bits, 0) for o in choice) <= budget
        and choice[1].precision.activation_bits == choice[2].precision.activation_bits
    ]
    best = min(feasible, key=lambda choice: sum(one.score for one in choice))
    assert select_bits(few, cost, budget).score == pytest.approx(sum(o.score for o in best))


def test_a_budget_that_nothing_meets_is_refused(
    network: QuantClassifier, options: list[Option]
) -> None:
    with pytest.raises(ModelError, match=r"the cheapest choice costs \d+.*, more than the budget"):
        select_bits(options, weight_bits_cost(network), 10.0)


def test_nothing_to_choose_from_is_refused() -> None:
    with pytest.raises(ModelError, match="there are no options; give score_layers candidates"):
        select_bits([], lambda *_: 0.0, 1.0)


def test_activations_need_images(network: QuantClassifier) -> None:
    with pytest.raises(ModelError, match="there are no images to measure activations on; give som"):
        score_layers(network, images(network, 0), CANDIDATES)

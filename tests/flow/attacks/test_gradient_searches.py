# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Whole searches by gradients, query by query, against their papers in NumPy."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from linear_victim import SIZE, Floats, Linear, attacked, case, same, worst

from flow.attacks.apgd import ApgdCe, ApgdDlr, ApgdTargetedDlr, checkpoints
from flow.attacks.bim import Bim
from flow.attacks.carlini_wagner import CarliniWagner
from flow.attacks.deepfool import DeepFool
from flow.attacks.fab import FabTargeted, projection
from flow.attacks.losses import (
    CrossEntropy,
    DifferenceOfLogitsRatio,
    Loss,
    RivalCrossEntropy,
    TargetedLogitsRatio,
)
from flow.attacks.mi_fgsm import MiFgsm
from flow.attacks.pgd import Pgd
from flow.attacks.r_fgsm import RandomFgsm

SEEDS = range(6)
SEED = 5  # of the attacks


def ball(points: Floats, clean: Floats, epsilon: int) -> Floats:
    low, high = np.maximum(clean - epsilon, 0), np.minimum(clean + epsilon, 255)
    return np.minimum(np.maximum(points, low), high).astype(np.float32)


def draws(restart: int) -> np.random.Generator:
    return np.random.default_rng((SEED, restart, 0))


def noise(restart: int, epsilon: int) -> Floats:
    return draws(restart).uniform(-epsilon, epsilon, SIZE).astype(np.float32)


def ranked(network: Linear, clean: Floats, label: int) -> list[int]:
    """The other classes, the one with the largest logit first."""
    order = np.argsort(-network.value(clean)[0], kind="stable").tolist()
    return [k for k in order if k != label]


# --- Projected gradients


def plain(_: Floats, gradient: Floats) -> Floats:
    return gradient


def ascent(  # noqa: PLR0917 - the settings of Madry et al. 2018
    network: Linear,
    clean: Floats,
    label: int,
    epsilon: int,
    starts: list[Floats],
    step: float,
    steps: int,
    velocity: Callable[[Floats, Floats], Floats] = plain,
) -> list[Floats]:
    """The queries of sign-gradient ascent, each start at the next temperature."""
    asked = [clean]
    for start, temperature in zip(starts, (1, 2, 4, 1), strict=False):
        loss, points = CrossEntropy(network.scale * temperature), ball(start, clean, epsilon)
        moving = np.zeros_like(clean)
        for index in range(steps + 1):
            asked.append(np.rint(points))
            if network.label(asked[-1]) != label:
                return asked
            if index < steps:
                moving = velocity(moving, network.climb(asked[-1], label, loss)[1])
                points = ball(points + np.float32(step) * np.sign(moving), clean, epsilon)
    return asked


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("epsilon", [3, 40])
def test_pgd_asks_what_the_paper_s_would(seed: int, epsilon: int) -> None:
    network, clean, label = case(seed, away=127)
    starts = [clean + noise(restart, epsilon) for restart in range(4)]
    expected = ascent(network, clean, label, epsilon, starts, 2.5 * epsilon / 7, 7)
    found = attacked(Pgd(steps=7, restarts=4), network, clean, label, epsilon, SEED)
    same(network.asked, expected)
    np.testing.assert_array_equal(found, worst(network, clean, label, expected[1:]))


@pytest.mark.parametrize("seed", SEEDS)
def test_attacks_that_start_at_the_image_do_not_offer_it(seed: int) -> None:
    network, clean, label = case(seed)
    expected = ascent(network, clean, label, 20, [clean], 2.5 * 20 / 5, 5)
    found = attacked(Bim(steps=5), network, clean, label, 20, SEED)
    same(network.asked, expected)
    np.testing.assert_array_equal(found, worst(network, clean, label, expected[2:]))


@pytest.mark.parametrize("seed", SEEDS)
def test_mi_fgsm_asks_what_the_paper_s_would(seed: int) -> None:
    network, clean, label = case(seed)

    def velocity(before: Floats, gradient: Floats) -> Floats:
        return 0.5 * before + gradient / np.abs(gradient).sum()

    expected = ascent(network, clean, label, 20, [clean], 20 / 6, 6, velocity)
    attacked(MiFgsm(steps=6, decay=0.5), network, clean, label, 20, SEED)
    same(network.asked, expected)


@pytest.mark.parametrize("seed", SEEDS)
def test_r_fgsm_goes_half_at_random_and_half_along_the_gradient(seed: int) -> None:
    network, clean, label = case(seed)
    starts = [clean + 10 * np.sign(draws(n).standard_normal(SIZE)) for n in range(2)]
    expected = ascent(network, clean, label, 20, starts, 10, 1)
    attacked(RandomFgsm(restarts=2), network, clean, label, 20, SEED)
    same(network.asked, expected)


# --- Auto-PGD


def auto_pgd(  # noqa: PLR0917
    network: Linear, clean: Floats, label: int, epsilon: int, restarts: list[list[Loss]], steps: int
) -> list[Floats]:
    """The queries of Croce and Hein's algorithm 1; a targeted restart ranks the classes first."""
    asked, number = [clean], 0
    for losses in restarts:
        asked += [clean] * isinstance(losses[0], TargetedLogitsRatio)
        broken = network.label(asked[-1]) != label
        for loss in losses:
            drawn = noise(number, epsilon)
            start = clean + np.float32(epsilon) * drawn / np.abs(drawn).max()
            if not broken:
                asked += climbed(network, clean, label, epsilon, start, loss, steps)
                broken = network.label(asked[-1]) != label
            number += 1
        if broken:
            break
    return asked


def climbed(  # noqa: PLR0917
    network: Linear,
    clean: Floats,
    label: int,
    epsilon: int,
    start: Floats,
    loss: Loss,
    steps: int,
) -> list[Floats]:
    at = before = best = ball(start, clean, epsilon)
    asked, step, halved = [np.rint(at)], 2.0 * epsilon, True
    value, slope = network.climb(asked[0], label, loss)
    top, top_slope, checked, since, last = value, slope, value, 0, 0
    for index in range(1, steps + 1):
        if network.label(asked[-1]) != label:
            return asked
        share = 1.0 if index == 1 else 0.75
        target = ball(at + np.float32(step) * np.sign(slope), clean, epsilon)
        ahead = np.float32(share) * (target - at) + np.float32(1 - share) * (at - before)
        at, before = ball(at + ahead, clean, epsilon), at
        asked.append(np.rint(at))
        old, (value, slope) = value, network.climb(asked[-1], label, loss)
        since += value > old
        if value > top:
            best, top, top_slope = at, value, slope
        if index in checkpoints(steps):
            halved = since < 0.75 * (index - last) or (not halved and top == checked)
            if halved:
                step, at, slope = step / 2, best, top_slope
            since, last, checked = 0, index, top
    return asked


def rival(network: Linear, temperature: float) -> Loss:
    return RivalCrossEntropy(torch.tensor([network.scale * temperature], dtype=torch.float64))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("epsilon", [4, 40])
def test_apgd_asks_what_the_paper_s_would(seed: int, epsilon: int) -> None:
    network, clean, label = case(seed, classes=4)
    losses: list[list[Loss]] = [[rival(network, temperature)] for temperature in (1, 2, 4, 1)]
    expected = auto_pgd(network, clean, label, epsilon, losses, 20)
    found = attacked(ApgdCe(steps=20, restarts=4), network, clean, label, epsilon, SEED)
    same(network.asked, expected)
    np.testing.assert_array_equal(found, worst(network, clean, label, expected[1:]))


@pytest.mark.parametrize("seed", SEEDS)
def test_apgd_on_ratios_asks_what_the_paper_s_would(seed: int) -> None:
    network, clean, label = case(seed, classes=5)
    expected = auto_pgd(network, clean, label, 4, [[DifferenceOfLogitsRatio()]] * 2, 20)
    attacked(ApgdDlr(steps=20, restarts=2), network, clean, label, 4, SEED)
    same(network.asked, expected)
    order = ranked(network, clean, label)
    for count in (2, 9):
        aims: list[Loss] = [TargetedLogitsRatio(torch.tensor([k])) for k in order[:count]]
        expected = auto_pgd(network, clean, label, 2, [aims] * 2, 20)
        attack = ApgdTargetedDlr(steps=20, restarts=2, targets=count)
        attacked(attack, network, clean, label, 2, SEED)
        same(network.asked, expected)


# --- FAB-T


def fab(  # noqa: PLR0917
    network: Linear,
    clean: Floats,
    label: int,
    epsilon: int,
    restarts: int,
    targets: int,
    steps: int,
) -> list[Floats]:
    """The queries of Croce and Hein's algorithm 1; the second ranks the classes."""
    order = ranked(network, clean, label)[:targets]
    asked = [clean, clean]
    for run, target in enumerate(order * restarts):
        weights = (network.weights[:, target] - network.weights[:, label]).astype(np.float32)
        at = clean if run < len(order) else ball(clean + noise(run, epsilon) / 2, clean, epsilon)
        for step in range(steps + 1):
            rounded = np.rint(at)
            inside = ball(rounded, clean, epsilon)
            asked += [rounded] if (rounded == inside).all() else [rounded, inside]
            if network.label(inside) != label:
                return asked
            if step == steps:
                break
            values = network.value(rounded)[0]
            at = nearer(clean, at, weights, values[target] - values[label])
    return asked


def nearer(clean: Floats, at: Floats, weights: Floats, gap: float) -> Floats:
    """Equation 9 of the paper with alpha_max 0.1, eta 1.05, and its way back with beta 0.9."""
    if gap > 0:
        return np.clip(clean + np.float32(0.9) * (at - clean), 0, 255)
    plane = torch.from_numpy(weights)[None]
    offset = torch.tensor([gap]).float() - (plane * torch.from_numpy(at)).sum(1)
    own, other = (projection(torch.from_numpy(one)[None], plane, offset)[0] for one in (at, clean))
    lengths = [max(float(way.abs().max()), 1e-6) for way in (own, other)]
    share = np.float32(min(lengths[0] / (lengths[0] + lengths[1]), 0.1))
    ahead = (1 - share) * (at + np.float32(1.05) * own.numpy())
    return np.clip(ahead + share * (clean + np.float32(1.05) * other.numpy()), 0, 255)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("epsilon", [2, 8, 40])
def test_fab_asks_what_the_paper_s_would(seed: int, epsilon: int) -> None:
    network, clean, label = case(seed, classes=4)
    for targets in (2, 9):
        expected = fab(network, clean, label, epsilon, 2, targets, 6)
        attack = FabTargeted(steps=6, restarts=2, targets=targets)
        attacked(attack, network, clean, label, epsilon, SEED)
        same(network.asked, expected, within=1)


# --- The nearest in l2


def deep_fool(network: Linear, clean: Floats, label: int, steps: int) -> list[Floats]:
    """The queries of Moosavi-Dezfooli's algorithm 2 with eta 0.02."""
    asked, offset = [clean], np.zeros(SIZE)
    others = [k for k in range(network.classes) if k != label]
    for step in range(steps + 1):
        asked.append(np.rint((clean + 1.02 * offset).clip(0, 255)))
        values = network.value(asked[-1])[0]
        if values.argmax() != label or step == steps:
            break
        ways = []
        for k in others:
            slope = network.weights[:, k] - network.weights[:, label]
            ways.append(max(abs(values[k] - values[label]), 0.5) * slope / (slope @ slope))
        offset += min(ways, key=lambda way: float(way @ way))
    return asked


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("steps", [1, 20])
def test_deepfool_asks_what_the_paper_s_would(seed: int, steps: int) -> None:
    network, clean, label = case(seed, away=127)
    expected = deep_fool(network, clean, label, steps)
    found = attacked(DeepFool(steps=steps), network, clean, label, 60, SEED)
    same(network.asked, expected, within=1)
    _is_nearest(network, clean, label, found, expected[1:], 60)


def _is_nearest(  # noqa: PLR0917
    network: Linear, clean: Floats, label: int, found: Floats, asked: list[Floats], radius: int
) -> None:
    """Expect the nearest misclassified query, where it lies in the ball."""
    wrong = [one for one in asked if network.label(one) != label]
    best = min(wrong, key=lambda one: float(np.linalg.norm(one - clean)), default=clean)
    inside = np.linalg.norm(best - clean) <= radius
    np.testing.assert_allclose(found, best if inside else clean, atol=1)


def carlini_wagner(network: Linear, clean: Floats, label: int, steps: int) -> list[Floats]:
    """The queries of Carlini and Wagner's l2 attack, whose weight is bisected nine times."""
    asked, low, high, weight = [clean], 0.0, np.inf, 0.01
    for _ in range(9):
        found = minimised(network, clean, label, weight, steps)
        broken = any(network.label(one) != label for one in found)
        low, high = (low, weight) if broken else (weight, high)
        weight = (low + high) / 2 if high < np.inf else 10 * weight
        asked += found
    return asked


def minimised(
    network: Linear, clean: Floats, label: int, weight: float, steps: int
) -> list[Floats]:
    x = torch.from_numpy(clean).double() / 255
    w = torch.atanh((2 * x - 1) * 0.999999).requires_grad_()
    adam, found = torch.optim.Adam([w], lr=0.05), []
    for _ in range(steps):
        points = (torch.tanh(w) + 1) / 2
        found.append(np.rint(255 * points.detach().numpy()))
        values = network.value(found[-1])[0]
        rival = max((k for k in range(network.classes) if k != label), key=lambda k: values[k])
        margin = network.scale * (values[label] - values[rival])
        slope = network.scale * (network.weights[:, label] - network.weights[:, rival])
        pull = torch.from_numpy(slope * (255 * weight if margin >= 0 else 0))
        adam.zero_grad()
        ((points - x).square().sum() + (pull * points).sum()).backward()
        adam.step()
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_carlini_wagner_asks_what_the_paper_s_would(seed: int) -> None:
    network, clean, label = case(seed)
    network.scale = 0.02
    expected = carlini_wagner(network, clean, label, 12)
    found = attacked(CarliniWagner(steps=12), network, clean, label, 60, SEED)
    same(network.asked, expected, within=1)
    _is_nearest(network, clean, label, found, expected[1:], 60)

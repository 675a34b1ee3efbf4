# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Whole searches by queries alone, one by one, against their papers in NumPy."""

import numpy as np
import pytest
import torch
from linear_victim import SHAPE, SIZE, Floats, Linear, attacked, case, same, worst

from flow.attacks._search import Search
from flow.attacks._victim import Victim
from flow.attacks.hop_skip_jump import HopSkipJump
from flow.attacks.noise import Noise
from flow.attacks.square import Square, square_side
from flow.attacks.zoo import Zoo, ZooLinf

SEEDS = range(6)
SEED = 5  # of the attacks


def draws(restart: int) -> np.random.Generator:
    return np.random.default_rng((SEED, restart, 0))


# --- Noise


@pytest.mark.parametrize("seed", SEEDS)
def test_noise_is_drawn_evenly_from_the_ball(seed: int) -> None:
    network, clean, label = case(seed, away=127)
    expected = [clean]
    for restart in range(3):
        change = draws(restart).integers(-30, 30, SHAPE, endpoint=True).reshape(SIZE)
        expected.append((clean + change).clip(0, 255))
        if network.label(expected[-1]) != label:
            break
    found = attacked(Noise(restarts=3), network, clean, label, 30, SEED)
    same(network.asked, expected)
    np.testing.assert_array_equal(found, worst(network, clean, label, expected[1:]))


# --- Square


def square(network: Linear, clean: Floats, label: int, epsilon: int, steps: int) -> list[Floats]:
    """The queries of Andriushchenko's algorithm 1 in two restarts."""
    height, width, channels = SHAPE
    ends = (clean - epsilon).clip(0), (clean + epsilon).clip(max=255)
    low, high = (end.reshape(SHAPE) for end in ends)
    asked = [clean]
    for restart in range(2):
        draw, best, least = draws(restart), clean.reshape(SHAPE), np.inf
        for query in range(steps):
            new = best.copy()
            if query == 0:
                up = draw.random((1, width, channels), np.float32) < 0.5
                new = np.where(up, high, low)
            else:
                if (query - 1) % 64 == 0:
                    block = draw.random((64, 2 + channels), np.float32)
                drawn, side = block[(query - 1) % 64], square_side(query, steps, (height, width))
                top, left = (
                    min(int(share * np.float32(size - side + 1)), size - side)
                    for share, size in zip(drawn, (height, width), strict=False)
                )
                window = slice(top, top + side), slice(left, left + side)
                new[window] = np.where(drawn[2:] < 0.5, high[window], low[window])
            asked.append(new.reshape(SIZE))
            margin = network.margin(asked[-1], label)
            if margin < 0:
                return asked
            if margin < least:
                best, least = new, margin
    return asked


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("epsilon", [3, 50])
def test_square_asks_what_the_paper_s_would(seed: int, epsilon: int) -> None:
    network, clean, label = case(seed, away=127)
    expected = square(network, clean, label, epsilon, 150)
    found = attacked(Square(steps=150, restarts=2), network, clean, label, epsilon, SEED)
    same(network.asked, expected)
    np.testing.assert_array_equal(found, worst(network, clean, label, expected[1:]))


# --- HopSkipJump


class Jumps:
    """Chen, Jordan and Wainwright's algorithm 2 in linf for one image: `asked` and `found`."""

    def __init__(self, network: Linear, clean: Floats, label: int, epsilon: int) -> None:
        self.network, self.clean, self.label, self.epsilon = network, clean, label, epsilon
        self.asked, self.found, self.at = [clean], clean, clean
        self.shares: list[float] = []  # that are done, after each jump and each restart

    def run(self, steps: int, restarts: int) -> None:
        for restart in range(restarts):
            draw = draws(restart)
            spent = self._start(draw, min(100, max(1, steps - 8)))
            for number in range(1, steps) if spent else ():
                left = steps - spent - 16
                if left <= 0 or self._inside():
                    break
                probes = min(round(100 * number**0.5), left)
                self._jump(draw, number, probes)
                spent += probes + 16
                left = not self._inside() and steps - spent > 16
                self.shares.append((restart + (spent / steps if left else 1)) / restarts)
            self.shares.append((restart + 1) / restarts)
            if self._inside():
                self.found = self.at
                return

    def _inside(self) -> bool:
        return 0 < self._distance() <= self.epsilon

    def _distance(self) -> float:
        return float(np.abs(self.at - self.clean).max())

    def _ask(self, image: Floats) -> bool:
        self.asked.append(image)
        return self.network.label(image) != self.label

    def _start(self, draw: np.random.Generator, most: int) -> int:
        for spent in range(1, most + 1):
            self.at = draw.integers(0, 256, SHAPE, np.uint8).reshape(SIZE).astype(np.float32)
            if self._ask(self.at):
                self._bisect()
                return spent + 8
        self.at = self.clean
        return 0

    def _bisect(self) -> None:
        low, high, target = 0, int(self._distance()), self.at
        while high - low > 1:
            middle = (low + high) // 2
            point = np.clip(target, self.clean - middle, self.clean + middle)
            if self._ask(point):
                high, self.at = middle, point
            else:
                low = middle

    def _jump(self, draw: np.random.Generator, number: int, probes: int) -> None:
        width = 25.5 if number == 1 else max(self._distance() / SIZE**0.5, 4.0)
        noise = draw.uniform(-1, 1, (probes, *SHAPE)).reshape(probes, SIZE) * (width * 3**0.5)
        points = np.rint((self.at + noise).clip(0, 255))
        self.asked += [*points]
        phi = np.where(self.network.value(points).argmax(1) == self.label, -1.0, 1.0)
        phi -= phi.mean() if len({*phi}) > 1 else 0
        normal, step = np.sign(phi @ (points - self.at)), self._distance() / number**0.5
        start, landed = self.at, False
        for halving in range(8):
            point = np.rint((start + step / 2**halving * normal).clip(0, 255))
            broken = self._ask(point)
            if broken and not landed:
                start, landed = point, True
        self.at = start
        self._bisect()


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("epsilon", "steps"), [(1, 700), (30, 700), (40, 5), (40, 25), (40, 60)])
def test_hop_skip_jump_asks_what_the_paper_s_would(seed: int, epsilon: int, steps: int) -> None:
    network, clean, label = case(seed)
    expected = Jumps(network, clean, label, epsilon)
    expected.run(steps, 2)
    found = attacked(HopSkipJump(steps=steps, restarts=2), network, clean, label, epsilon, SEED)
    same([row[None] for one in network.asked for row in one], expected.asked)
    np.testing.assert_array_equal(found, expected.found)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_share_that_is_done_is_that_of_the_queries(seed: int) -> None:
    network, clean, label = case(seed)
    expected = Jumps(network, clean, label, 1)
    expected.run(700, 2)
    images = clean.reshape(1, *SHAPE).astype(np.uint8)
    search = Search(images, np.array([label]), np.arange(1), 1, SEED)
    search.begin(network.logits(images))
    shares = [*HopSkipJump(steps=700, restarts=2)._search(Victim(network), search)]  # type: ignore[arg-type]
    assert shares == pytest.approx(expected.shares)
    assert len(shares) > 4


# --- ZOO


class Estimate:
    """Chen et al.'s ZOO-Adam for one image: all coordinates in each step, h of 16 grey levels."""

    def __init__(self, network: Linear, clean: Floats, label: int, rate: float) -> None:
        self.network, self.clean, self.label = network, clean, label
        self.at = torch.from_numpy(clean.copy()).requires_grad_()
        self.adam = torch.optim.Adam([self.at], lr=rate)
        self.first = max(network.margin(clean, label), 0.5)
        self.asked = [clean]

    def step(self, weight: float, pull: float, low: Floats, high: Floats) -> Floats:
        """Move down the distance and the weighted margin; return the new image, rounded."""
        here = np.rint(self.at.detach().numpy())
        slopes = weight * self._slopes(here) / self.first
        distance = 2 * (self.at.detach().numpy() - self.clean) / 255**2
        self.at.grad = torch.from_numpy((pull * distance + slopes).astype(np.float32))
        self.adam.step()
        with torch.no_grad():
            self.at.clamp_(torch.from_numpy(low), torch.from_numpy(high))
        self.asked.append(np.rint(self.at.detach().numpy()))
        return self.asked[-1]

    def _slopes(self, here: Floats) -> Floats:
        found = np.zeros(SIZE)
        for index in range(SIZE):
            up, down = here.copy(), here.copy()
            up[index], down[index] = min(here[index] + 16, 255), max(here[index] - 16, 0)
            change = self.network.margin(up, self.label) - self.network.margin(down, self.label)
            found[index] = change / (up[index] - down[index])
        return found


def alone(asked: list[Floats]) -> list[Floats]:
    """The queries of single images; the others ask for the slopes of one."""
    assert {len(one) for one in asked} == {1, 2 * SIZE}
    return [one for one in asked if len(one) == 1]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("epsilon", "steps"), [(2, 130), (30, 130), (60, 39)])
def test_zoo_of_linf_goes_where_the_paper_s_would(seed: int, epsilon: int, steps: int) -> None:
    network, clean, label = case(seed, away=127)
    low, high = (clean - epsilon).clip(0), (clean + epsilon).clip(max=255)
    rate, expected = max(2.55, 2.5 * epsilon / (steps // 13)), [clean]
    for _ in range(2):
        walk = Estimate(network, clean, label, rate)
        for _ in range(steps // 13):
            if network.label(walk.step(1, 0, low, high)) != label:
                break
        expected += walk.asked
        if network.label(expected[-1]) != label:
            break
    found = attacked(ZooLinf(steps=steps, restarts=2), network, clean, label, epsilon, SEED)
    same(alone(network.asked), expected, within=1)
    np.testing.assert_allclose(found, worst(network, clean, label, expected), atol=1)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("steps", [39 * 40, 39 * 4 + 7])
def test_zoo_goes_where_the_paper_s_would(seed: int, steps: int) -> None:
    network, clean, _ = case(seed)
    clean[:2] = 0, 255  # which it may not pass
    label, low, high, weight, expected = network.label(clean), 0.0, np.inf, 1.0, [clean]
    nearest, edge = clean, (np.zeros(SIZE, np.float32), np.full(SIZE, 255, np.float32))
    for _ in range(3):
        walk, broken = Estimate(network, clean, label, 255 * max(0.01, 0.25 / (steps // 39))), False
        for _ in range(steps // 39):
            resists = network.margin(walk.asked[-1], label) >= 0
            new = walk.step(weight * resists, 1, *edge)
            if network.label(new) != label:
                distance = np.linalg.norm(new - clean)
                broken, least = True, np.linalg.norm(nearest - clean) or np.inf
                nearest = new if distance < least else nearest
        expected += walk.asked
        low, high = (low, weight) if broken else (weight, high)
        weight = float(np.sqrt(max(low, high / 100) * high)) if high < np.inf else 10 * weight
    inside = np.linalg.norm(nearest - clean) <= 60
    found = attacked(Zoo(steps=steps), network, clean, label, 60, SEED)
    same(alone(network.asked), expected, within=1)
    np.testing.assert_allclose(found, nearest if inside else clean, atol=1)

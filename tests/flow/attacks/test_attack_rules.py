# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The rules inside attacks, each against its formula: strength alone forgives a wrong one."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
import torch

from flow.attacks._nearest import Nearest
from flow.attacks._search import Indices, Search
from flow.attacks._victim import Victim
from flow.attacks.apgd import _moved, _State, checkpoints
from flow.attacks.hop_skip_jump import _Walk

STEPS = 30


# --- Auto-PGD


@dataclass
class Expected:
    """Algorithm 1 of Croce and Hein 2020, for one image, in plain Python."""

    losses: list[float]
    size: float = 8.0
    position: int = 0  # of the iterate, by the step that found it

    def run(self) -> list[tuple[float, int]]:
        """Return the step size and the iterate after each checkpoint."""
        ends, best_at, found = checkpoints(STEPS), 0, []
        last_end, last_best, halved = 0, self.losses[0], True
        for index in range(1, STEPS + 1):
            self.position = index
            if self.losses[index] > self.losses[best_at]:
                best_at = index
            if index not in ends:
                continue
            window = range(last_end, index)
            rises = sum(self.losses[i + 1] > self.losses[i] for i in window)
            first = rises < 0.75 * (index - last_end)
            second = not halved and self.losses[best_at] == last_best
            halved = first or second
            if halved:
                self.size, self.position = self.size / 2, best_at
            last_end, last_best = index, self.losses[best_at]
            found.append((self.size, self.position))
        return found


def _simulated(losses: np.ndarray) -> list[list[tuple[float, int]]]:
    """Return the same of the attack's state, for losses float[images, steps + 1]."""
    values, ends, last = torch.from_numpy(losses), checkpoints(STEPS), 0

    def at(step: int) -> torch.Tensor:
        return torch.full((len(losses), 1, 1, 1), float(step))

    state = _State.start(at(0), values[:, 0], at(0), 8.0)
    found: list[list[tuple[float, int]]] = [[] for _ in losses]
    for index in range(1, STEPS + 1):
        state.arrive(at(index), values[:, index], at(index))
        if index in ends:
            state.adapt(index - last)
            last = index
            assert torch.equal(state.points, state.gradient)
            for one, size, place in zip(found, state.step, state.points, strict=True):
                one.append((float(size), int(place)))
    return found


@pytest.mark.parametrize("kind", ["noise", "mostly rising", "stuck"])
def test_apgd_halves_and_returns_as_in_the_paper(kind: str) -> None:
    rng = np.random.default_rng(0)
    losses = rng.integers(0, 9, (200, STEPS + 1)).astype(np.float64)
    if kind == "mostly rising":
        losses = np.cumsum(rng.choice([1.0, 1.0, 1.0, 1.0, -2.0], losses.shape), axis=1)
    elif kind == "stuck":  # rising often, but seldom above the best
        losses = np.tile([0.0, 1.0, 2.0, 3.0, 4.0], 7)[None, : STEPS + 1] + rng.integers(
            0, 2, (200, 1)
        )
    expected = [Expected(one.tolist()).run() for one in losses]
    assert _simulated(losses) == expected
    assert len({size for one in expected for size, _ in one}) > 2


def test_apgd_moves_three_quarters_ahead_and_one_quarter_on() -> None:
    clean = np.full((1, 1, 1, 3), 100, np.uint8)
    search = Search(clean, np.zeros(1, np.int64), np.zeros(1, np.intp), 16, 0)
    state = _State.start(
        torch.tensor([[[[100.0, 110.0, 92.0]]]]), torch.zeros(1), torch.zeros(1, 1, 1, 3), 8.0
    )
    state.before = torch.tensor([[[[96.0, 106.0, 96.0]]]])
    state.gradient = torch.tensor([[[[2.0, 0.1, -3.0]]]])
    rows = np.zeros(1, np.intp)
    # Steps of 8 end at 108, at the ball's 116 and at its 84; the last movement was 4, 4, -4.
    assert _moved(state, search, rows, 0.75).flatten().tolist() == [107.0, 115.5, 85.0]
    assert _moved(state, search, rows, 1.0).flatten().tolist() == [108.0, 116.0, 84.0]


# --- HopSkipJump


class Halfspace:
    """Labels 1 where weights @ image > bias; counts nothing."""

    def __init__(self, weights: np.ndarray, bias: float) -> None:
        self.weights, self.bias = weights, bias

    def logits(self, images: np.ndarray) -> np.ndarray:
        sums = images.reshape(len(images), -1).astype(np.float64) @ self.weights
        return np.stack([np.zeros(len(images)), sums - self.bias], axis=1)


def _walk(bias: float, seed: int = 3) -> _Walk:
    """A walk at an image of 128s, whose clean image is of 100s with label 0."""
    weights = np.random.default_rng(1).normal(size=12)
    clean = np.full((1, 2, 2, 3), 100, np.uint8)
    search = Search(clean, np.zeros(1, np.int64), np.zeros(1, np.intp), 8, seed)
    victim = SimpleNamespace(engine=Halfspace(weights, bias + 128 * float(weights.sum())))
    walk = _Walk(cast(Victim, victim), search, 0, 1000)
    walk.images = np.full((1, 2, 2, 3), 128, np.uint8)
    return walk


def _estimate(walk: _Walk, number: int, probes: int) -> np.ndarray:
    """Equation 16: the mean of probes by phi, of which the mean phi is taken off."""
    width = max(28 / 12**0.5, 4.0) if number > 1 else 25.5
    draws = np.random.default_rng((walk.search.seed, 0, 0)).uniform(-1, 1, (probes, 2, 2, 3))
    candidates = np.rint((128 + draws * (width * 3**0.5)).clip(0, 255))
    engine = cast(Any, walk.victim.engine)
    phi = np.where(engine.logits(candidates).argmax(axis=1) == 1, 1.0, -1.0)
    centred = phi - phi.mean() if len(set(phi)) > 1 else phi
    return np.asarray((centred[:, None, None, None] * (candidates - 128)).sum(axis=0))


@pytest.mark.parametrize("number", [1, 2, 9])
@pytest.mark.parametrize("bias", [0.0, 20.0, -30.0, 1e6, -1e6])
def test_the_normal_is_the_mean_of_probes_about_their_baseline(bias: float, number: int) -> None:
    found = _walk(bias)._normals(number, np.array([40]))[0]
    np.testing.assert_allclose(found, _estimate(_walk(bias), number, 40), rtol=1e-9, atol=1e-6)


def test_the_baseline_takes_most_of_the_noise_of_uneven_probes_away() -> None:
    """Where nine probes of ten are wrong, their mean is noise that the baseline removes."""
    walk = _walk(-40.0)
    normal, found = (
        cast(Any, walk.victim.engine).weights,
        walk._normals(2, np.array([300]))[0].ravel(),
    )
    cosine = normal @ found / np.linalg.norm(normal) / np.linalg.norm(found)
    assert cosine > 0.9


def test_a_jump_s_length_is_the_distance_over_the_root_of_its_number() -> None:
    walk, seen = _walk(0.0), []
    broken = walk._broken

    def watched(candidates: np.ndarray, entries: Any = None) -> Any:  # noqa: ANN401
        if entries is None and len(candidates) == 1:
            seen.append(candidates.copy())
        return broken(candidates, entries)

    walk._broken = watched  # type: ignore[method-assign]
    walk.jump(4, 40)
    lengths = [int(np.abs(one.astype(int) - 128).max()) for one in seen[:3]]
    assert lengths[0] == 14  # a distance of 28, over 2


# --- The nearest in l2


def _offer(
    nearest: Nearest, changes: list[list[int]], wrong: list[int], *entries: Indices
) -> list[bool]:
    """Offer images that differ so from clean ones; the label is 0, and `wrong` are of label 1."""
    chosen = entries[0] if entries else slice(None)
    candidates = nearest.clean[chosen] + torch.tensor(changes).float().reshape(-1, 1, 1, 2)
    logits = torch.tensor([[0.0, 1.0] if one else [1.0, 0.0] for one in wrong])
    found: list[bool] = nearest.offer(candidates, logits, *entries).tolist()
    return found


def test_the_nearest_misclassified_candidate_counts_within_the_ball() -> None:
    clean = np.full((4, 1, 1, 2), 100, np.uint8)
    search = Search(clean, np.zeros(4, np.int64), np.arange(4), 5, 0)
    search.margins[3] = -np.inf  # wrong before: no entry
    nearest = Nearest(search)
    first = [[6, 8], [0, 6], [3, 0]]
    assert _offer(nearest, first, [1, 1, 0]) == [True, True, False]
    assert nearest.distances.tolist() == [10, 6, np.inf]
    assert _offer(nearest, [[3, -4], [0, 7]], [1, 1], np.array([0, 1])) == [True, True]
    assert _offer(nearest, [[4, 4], [0, 0]], [1, 0], np.array([0, 2])) == [True, False]
    assert nearest.distances.tolist() == [5, 6, np.inf]
    nearest.write()
    assert search.best[:, 0, 0].tolist() == [[103, 96], [100, 100], [100, 100], [100, 100]]

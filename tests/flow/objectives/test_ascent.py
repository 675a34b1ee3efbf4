# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Where attacks in training begin, and how they climb, against NumPy."""

import numpy as np
import pytest
import torch

from flow.objectives.ascent import AttackSettings, ascend, gaussian_start, uniform_start

CLEAN = torch.tensor(np.random.default_rng(0).integers(0, 256, (6, 1, 4, 4))).float()
EACH = torch.tensor([0.0, 1.0, 3.0, 8.0, 20.0, 255.0])[:, None, None, None]


def cut(points: np.ndarray, epsilon: np.ndarray) -> np.ndarray:
    clean = CLEAN.numpy()
    return points.clip((clean - epsilon).clip(0), (clean + epsilon).clip(max=255))


@pytest.mark.parametrize("epsilon", [12.0, EACH], ids=["one", "each"])
def test_starts_are_spread_over_the_ball(epsilon: float | torch.Tensor) -> None:
    size, generator = np.asarray(epsilon), torch.Generator()
    drawn = torch.rand(CLEAN.shape, generator=generator.manual_seed(3)).numpy()
    found = uniform_start(CLEAN, epsilon, generator.manual_seed(3))
    expected = cut(CLEAN.numpy() + size * (2 * drawn - 1), size)
    np.testing.assert_allclose(found, expected, atol=1e-4)
    drawn = torch.randn(CLEAN.shape, generator=generator.manual_seed(3)).numpy()
    found = gaussian_start(CLEAN, epsilon, generator.manual_seed(3), 5.0)
    np.testing.assert_allclose(found, cut(CLEAN.numpy() + 5 * drawn, size), atol=1e-4)


@pytest.mark.parametrize("epsilon", [12.0, EACH], ids=["one", "each"])
@pytest.mark.parametrize("steps", [1, 3, 9])
def test_a_climb_takes_signed_steps_inside_the_ball(
    epsilon: float | torch.Tensor, steps: int
) -> None:
    """The slopes turn around at 128."""
    size = np.asarray(epsilon)
    points = expected = cut(CLEAN.numpy() + 2, size)
    for _ in range(steps):
        expected = cut(expected + 0.3 * size * np.sign(128.5 - expected), size)
    settings = AttackSettings(steps=steps, relative_step=0.3)
    found = ascend(
        *(lambda images: -(images - 128.5).square().sum(), torch.from_numpy(points).float()),
        *(CLEAN, epsilon, settings),
    )
    np.testing.assert_allclose(found, expected, atol=1e-3)

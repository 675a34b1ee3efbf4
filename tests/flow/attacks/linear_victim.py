# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A linear network that notes what an attack asks: every step can be followed in NumPy."""

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from flow.attacks import Attack
from flow.attacks.losses import Loss
from flow.classifier import Images, Labels

SHAPE = (3, 2, 1)
SIZE = 6
Floats = np.ndarray  # [SIZE], of one image


@dataclass
class Linear:
    """Logits pixels @ weights + bias about grey images; labels are those of the clean images."""

    seed: int
    classes: int = 3
    scale: float = 0.002
    input_shape: tuple[int, int, int] = SHAPE
    asked: list[Floats] = field(default_factory=list)  # of each query, [n, SIZE]

    def __post_init__(self) -> None:
        draw = np.random.default_rng(self.seed)
        rows = [draw.permutation(19)[: self.classes] - 9 for _ in range(SIZE)]
        self.weights = np.stack(rows)  # no two equal for a pixel: no slope is 0
        self.bias = -128 * self.weights.sum(0)

    def value(self, points: np.ndarray) -> np.ndarray:
        return points.reshape(-1, SIZE).astype(np.int64) @ self.weights + self.bias

    def label(self, point: np.ndarray) -> int:
        return int(self.value(point).argmax())

    def margin(self, point: np.ndarray, label: int) -> float:
        """The label's logit less the largest other; one before the label wins a tie."""
        found = self.value(point)[0].astype(float)
        others = found + 0.5 * (np.arange(self.classes) < label)
        return float(found[label] - np.delete(others, label).max())

    def logits(self, images: Images) -> np.ndarray:
        self.asked.append(images.reshape(-1, SIZE).astype(np.float32))
        return self.value(images).astype(np.int32)

    def twin(self) -> nn.Module:
        return _Twin(self)

    def climb(self, point: Floats, label: int, loss: Loss) -> tuple[float, Floats]:
        """The loss at a point, and its gradient."""
        at = torch.from_numpy(self.value(point)).float().requires_grad_()
        found = loss(at, torch.tensor([label]), torch.tensor([0]))
        (slope,) = torch.autograd.grad(found.sum(), at)
        return float(found.detach()), (self.weights @ slope.numpy()[0]).astype(np.float32)


class _Twin(nn.Module):
    def __init__(self, network: Linear) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        self.network.asked.append(images.detach().flatten(1).numpy().copy())
        weights, bias = (torch.from_numpy(one).float() for one in self._values())
        return images.flatten(1) @ weights + bias

    def _values(self) -> tuple[np.ndarray, np.ndarray]:
        return self.network.weights, self.network.bias


def case(seed: int, classes: int = 3, away: int = 60) -> tuple[Linear, Floats, int]:
    """A network, an image about grey and its label, which is not on the boundary."""
    network, draw = Linear(seed, classes), np.random.default_rng(seed + 1000)
    while True:
        image = draw.integers(128 - away, 129 + away, SIZE).astype(np.float32)
        label = network.label(image)
        if network.margin(image, label) > 100:
            return network, image, label


def attacked(attack: Attack, network: Linear, image: Floats, label: int, *rest: int) -> Floats:
    """What the attack returns for one image; network.asked has the queries."""
    network.asked.clear()
    images: Images = image.reshape(1, *SHAPE).astype(np.uint8)
    labels: Labels = np.array([label])
    return attack.run(network, images, labels, *rest).reshape(SIZE)  # type: ignore[arg-type]


def worst(network: Linear, clean: Floats, label: int, offered: list[Floats]) -> Floats:
    """The first of the candidates with the least margin; the image itself where there is none."""
    return min(offered, key=lambda point: network.margin(point, label), default=clean)


def same(asked: list[Floats], expected: list[Floats], within: float = 0) -> None:
    """Compare queries of one image each with the expected ones."""
    found = [one[0] for one in asked]
    assert len(found) == len(expected)
    np.testing.assert_allclose(found, expected, rtol=0, atol=within)

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Small networks whose balls hold few distinct images, and the truth about them by trying all."""

from itertools import product

import numpy as np

from flow.classifier import Images
from flow.integer import Bias, Convolution, Dense, Flatten, IntegerNetwork, MaxPool, Threshold
from flow.integer.incremental import cell_numbers, cells_of

__all__ = ["all_images", "ball", "squeezed_network", "truly_robust"]


def squeezed_network(
    seed: int, *, levels: int = 1, shape: tuple[int, int, int] = (3, 3, 1), saturating: bool = False
) -> IntegerNetwork:
    """Return thresholds on the image, a convolution, and dense layers of small weights.

    Few, small weights make ties common. Saturating logits end in thresholds of two levels.
    """
    rng = np.random.default_rng(seed)
    height, width, channels = shape
    squeeze = np.sort(rng.integers(90, 170, (channels, levels)), axis=1)
    features = (height - 1) * (width - 1) * 3
    operations = [
        Threshold(name="squeeze", thresholds=squeeze, offset=0),
        Convolution(name="conv", weights=rng.integers(-1, 2, (2, 2, channels, 3))),
        Threshold(name="act", thresholds=np.sort(rng.integers(-1, 3, (3, 2)), axis=1), offset=-1),
        MaxPool(name="pool", kernel=(1, 1), stride=(1, 1)),
        Flatten(name="flat"),
        Dense(name="hidden", weights=rng.integers(-1, 2, (features, 5))),
        Threshold(name="act2", thresholds=np.sort(rng.integers(-2, 3, (5, 2)), axis=1), offset=0),
        Dense(name="last", weights=rng.integers(-2, 3, (5, 4))),
        Bias(name="bias", values=rng.integers(-1, 2, 4)),
    ]
    if saturating:
        operations.append(Threshold(name="clip", thresholds=np.array([[0, 2]]), offset=0))
    return IntegerNetwork(tuple(operations), shape, 1.0)


def ball(image: Images, epsilon_255: int) -> tuple[Images, Images]:
    """Return the lowest and the highest image within epsilon."""
    low, high = (image.astype(int) - epsilon_255, image.astype(int) + epsilon_255)
    return low.clip(0, 255).astype(np.uint8), high.clip(0, 255).astype(np.uint8)


def all_images(network: IntegerNetwork, image: Images, epsilon_255: int) -> Images:
    """Return every distinct image uint8[N, H, W, C] of a ball, one of each kind."""
    cells = cells_of(cell_numbers(network), image, epsilon_255)
    ranges = [range(a, b) for a, b in zip(cells.start[:-1], cells.start[1:], strict=True)]
    chosen = [np.array(one, np.int32) for one in product(*ranges)]
    return np.stack([cells.image(image, one) for one in chosen])


def truly_robust(network: IntegerNetwork, image: Images, label: int, epsilon_255: int) -> bool:
    """Return whether every image of the ball has the label."""
    found = network.logits(all_images(network, image, epsilon_255)).argmax(axis=1)
    return bool((found == label).all())

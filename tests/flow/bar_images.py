# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Images of MNIST's size that a small network learns in seconds."""

import gzip
import struct
from pathlib import Path

import numpy as np
import torch

from brevitas_models.classifier import QuantClassifier
from flow.data.datasets import Dataset

__all__ = ["bars_dataset", "same", "write_mnist"]


def bars_dataset(*, noise: int, light: int) -> Dataset:
    """600 training and 100 test images; `light` is added to noise of 0 to `noise` - 1."""
    return Dataset("mnist", *_bars(600, 0, noise, light), *_bars(100, 1, noise, light), classes=10)


def _bars(count: int, seed: int, noise: int, light: int) -> tuple[np.ndarray, np.ndarray]:
    """Noisy 28x28 images of which class k has a bright bar in rows 2k to 2k + 3."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 10
    images = rng.integers(0, noise, (count, 28, 28, 1))
    for image, label in zip(images, labels, strict=True):
        image[2 * label : 2 * label + 4] += light
    return images.astype(np.uint8), labels.astype(np.int64)


def write_mnist(dataset: Dataset, folder: Path) -> None:
    """Write the images as MNIST's four files."""
    for prefix, images, labels in (
        ("train", dataset.train_images, dataset.train_labels),
        ("t10k", dataset.test_images, dataset.test_labels),
    ):
        _write_idx(folder / f"{prefix}-images-idx3-ubyte.gz", images[..., 0])
        _write_idx(folder / f"{prefix}-labels-idx1-ubyte.gz", labels)


def _write_idx(path: Path, values: np.ndarray) -> None:
    header = struct.pack(f">I{values.ndim}I", 0x0800 + values.ndim, *values.shape)
    path.write_bytes(gzip.compress(header + values.astype(np.uint8).tobytes()))


def same(first: QuantClassifier, second: QuantClassifier) -> bool:
    """Say whether two networks have the same bits."""
    pairs = zip(first.state_dict().values(), second.state_dict().values(), strict=True)
    return all(torch.equal(one, other) for one, other in pairs)

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Image sets as uint8 arrays; a new source is a file and a line in the registry."""

from dataclasses import dataclass
from pathlib import Path

from flow.classifier import Images, Labels
from flow.config import DataConfig
from flow.data.cifar10 import Cifar10
from flow.data.digits import DIGITS_TEST_IMAGES, Digits
from flow.data.fashion_mnist import FashionMnist
from flow.data.images import ImageFolder
from flow.data.mnist import Mnist
from flow.data.source import ImageSource
from flow.data.svhn import Svhn
from flow.errors import FlowError, SettingError
from steelflow_names import hint

__all__ = [
    "DIGITS_TEST_IMAGES",
    "SOURCES",
    "Dataset",
    "data_files",
    "first_test_images",
    "load_dataset",
]

SOURCES: dict[str, ImageSource] = {
    source.name: source
    for source in (Digits(), Mnist(), FashionMnist(), Cifar10(), Svhn(), ImageFolder())
}


@dataclass(frozen=True)
class Dataset:
    """A classification data set; images are uint8[N, H, W, C] in 0..255, labels 0..classes-1."""

    name: str
    train_images: Images
    train_labels: Labels
    test_images: Images
    test_labels: Labels
    classes: int

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """The shape (H, W, C) of one image."""
        height, width, channels = self.train_images.shape[1:]
        return height, width, channels


def first_test_images(dataset: Dataset, count: int | None, key: str) -> tuple[Images, Labels]:
    """Return the first `count` test images and labels, all when it is None.

    Raises:
        FlowError: there are fewer; the message names the configuration's `key`.
    """
    images, labels = dataset.test_images, dataset.test_labels
    if count is not None and count > len(images):
        raise SettingError(
            f"{key}: {count} is more than the {len(images)} test images; ask for less", key
        )
    return images[:count], labels[:count]


def load_dataset(config: DataConfig, folder: Path | None) -> Dataset:
    """Load the configured images, cut to the first `train_images` and `test_images`.

    `folder` is that of the data sets; see each source for the files that it looks for there.
    digits needs none.

    Raises:
        FlowError: a file is missing, corrupt or another's, or a limit exceeds the images there are.
    """
    files = data_files(config, folder)
    full = SOURCES[config.source].read(files, config)
    name = config.source if config.path is None else Path(config.path).name
    train = _limit(name, "train_images", config.train_images, len(full.train_labels))
    test = _limit(name, "test_images", config.test_images, len(full.test_labels))
    return Dataset(
        name=name,
        train_images=full.train_images[:train],
        train_labels=full.train_labels[:train],
        test_images=full.test_images[:test],
        test_labels=full.test_labels[:test],
        classes=full.classes,
    )


def data_files(config: DataConfig, folder: Path | None) -> list[Path]:
    """Return the files that load_dataset reads; none for the embedded digits.

    Raises:
        FlowError: there is no such source, or a file is missing.
    """
    if config.source not in SOURCES:
        raise FlowError(f"data.source: {config.source!r} is unknown{hint(config.source, SOURCES)}")
    return SOURCES[config.source].files(config, folder)


def _limit(name: str, key: str, wanted: int | None, available: int) -> int:
    if wanted is not None and wanted > available:
        raise FlowError(f"data.{key}: {wanted} is more than the {available} images of {name}")
    return available if wanted is None else wanted

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Image sets as uint8 arrays: scikit-learn's digits, MNIST from IDX files, CIFAR-10 as JPEG."""

import gzip
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from flow.classifier import Images, Labels
from flow.data_cifar10 import CLASSES, find_archive, read_archive
from flow.environment import cache_folder
from flow.errors import FlowError
from flow.settings import DataConfig

__all__ = ["DIGITS_TEST_IMAGES", "Dataset", "data_files", "first_test_images", "load_dataset"]

DIGITS_TEST_IMAGES = 360
_MNIST_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
_MNIST_SHAPE = (28, 28)
_IDX_UINT8 = 8  # the type byte of an IDX header
_REMEDY = "download it again, or point STEELFLOW_DATA or --data at a sound copy"


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
        raise FlowError(f"{key}: {count} is more than the {len(images)} test images; ask for less")
    return images[:count], labels[:count]


def load_dataset(config: DataConfig, folder: Path | None) -> Dataset:
    """Load the configured images, cut to the first `train_images` and `test_images`.

    `folder` is searched for the IDX files of MNIST, then its subfolder `mnist`, and for
    cifar10-jpeg.tar.xz; digits needs none.

    Raises:
        FlowError: a file is missing, corrupt or another's, or a limit exceeds the images there are.
    """
    full = _LOADERS[config.source](data_files(config, folder))
    train = _limit(full.name, "train_images", config.train_images, len(full.train_labels))
    test = _limit(full.name, "test_images", config.test_images, len(full.test_labels))
    return Dataset(
        name=full.name,
        train_images=full.train_images[:train],
        train_labels=full.train_labels[:train],
        test_images=full.test_images[:test],
        test_labels=full.test_labels[:test],
        classes=full.classes,
    )


def data_files(config: DataConfig, folder: Path | None) -> list[Path]:
    """Return the files that load_dataset reads; none for the embedded digits.

    Raises:
        FlowError: a file is missing.
    """
    if config.source == "digits":
        return []
    if config.source == "cifar10":
        return [find_archive(folder)]
    if folder is None:
        raise FlowError("data: mnist needs a data folder; set STEELFLOW_DATA or give --data")
    return [_find(folder, name) for name in _MNIST_FILES]


def _limit(name: str, key: str, wanted: int | None, available: int) -> int:
    if wanted is not None and wanted > available:
        raise FlowError(f"data.{key}: {wanted} is more than the {available} images of {name}")
    return available if wanted is None else wanted


def _load_digits(_files: list[Path]) -> Dataset:
    """Read scikit-learn's 1797 digits, 8x8, whose levels 0..16 become round(v * 255 / 16).

    The split holds out 360 images, stratified by class and shuffled with numpy's frozen legacy
    generator: train_test_split(test_size=360, random_state=0, stratify=labels).
    """
    from sklearn.datasets import load_digits  # noqa: PLC0415 - slow to import
    from sklearn.model_selection import train_test_split  # noqa: PLC0415

    levels, labels = load_digits(return_X_y=True)
    images = np.rint(levels * 255 / 16).astype(np.uint8).reshape(-1, 8, 8, 1)
    train_images, test_images, train_labels, test_labels = train_test_split(
        images,
        labels.astype(np.int64),
        test_size=DIGITS_TEST_IMAGES,
        random_state=0,
        stratify=labels,
    )
    return Dataset("digits", train_images, train_labels, test_images, test_labels, classes=10)


def _load_mnist(files: list[Path]) -> Dataset:
    train_images, train_labels = _read_pair(*files[:2])
    test_images, test_labels = _read_pair(*files[2:])
    return Dataset("mnist", train_images, train_labels, test_images, test_labels, classes=10)


def _load_cifar10(files: list[Path]) -> Dataset:
    train, test = read_archive(files[0], cache_folder())
    labels = np.arange(max(len(train), len(test)), dtype=np.int64) % len(CLASSES)
    return Dataset("cifar10", train, labels[: len(train)], test, labels[: len(test)], len(CLASSES))


_LOADERS: dict[str, Callable[[list[Path]], Dataset]] = {
    "digits": _load_digits,
    "mnist": _load_mnist,
    "cifar10": _load_cifar10,
}


def _read_pair(image_file: Path, label_file: Path) -> tuple[Images, Labels]:
    images, labels = _read_idx(image_file, 3), _read_idx(label_file, 1)
    if images.shape[1:] != _MNIST_SHAPE:
        raise FlowError(
            f"{image_file}: images of {images.shape[1:]}, not {_MNIST_SHAPE}; {_REMEDY}"
        )
    if len(images) != len(labels):
        raise FlowError(
            f"{label_file}: {len(labels)} labels for the {len(images)} images of "
            f"{image_file.name}; {_REMEDY}"
        )
    if labels.size and labels.max() > 9:
        raise FlowError(f"{label_file}: label {labels.max()} is not a digit 0..9; {_REMEDY}")
    return images[..., np.newaxis], labels.astype(np.int64)


def _find(folder: Path, name: str) -> Path:
    places = [place / file for place in (folder, folder / "mnist") for file in (name, f"{name}.gz")]
    for path in places:
        if path.is_file():
            return path
    raise FlowError(
        f"{folder}: holds neither {name}[.gz] nor mnist/{name}[.gz]; "
        "set STEELFLOW_DATA or --data to the folder of the MNIST files"
    )


def _read_bytes(path: Path) -> bytes:
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if path.suffix == ".gz" else content
    except (OSError, EOFError, zlib.error) as error:
        raise FlowError(f"{path}: cannot be read ({error}); {_REMEDY}") from error


def _read_idx(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """Read an IDX file of unsigned bytes: 0, 0, type, rank, big-endian uint32 sizes, values."""
    content = _read_bytes(path)
    magic = bytes((0, 0, _IDX_UINT8, dimensions))
    header = 4 + 4 * dimensions
    if content[:4] != magic:
        raise FlowError(
            f"{path}: starts with 0x{content[:4].hex()}, not 0x{magic.hex()} "
            f"(IDX, uint8, {dimensions} dimensions); {_REMEDY}"
        )
    if len(content) < header:
        raise FlowError(f"{path}: {len(content)} bytes end inside the IDX header; {_REMEDY}")
    shape = tuple(int(size) for size in np.frombuffer(content, ">u4", dimensions, offset=4))
    need = header + int(np.prod(shape, dtype=np.int64))
    if len(content) != need:
        raise FlowError(
            f"{path}: {len(content)} bytes, but its header {shape} needs {need}; {_REMEDY}"
        )
    return np.frombuffer(bytearray(content), np.uint8, offset=header).reshape(shape)

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
import gzip
import hashlib
import os
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from flow.config import DataConfig
from flow.data.datasets import Dataset, load_dataset
from flow.errors import FlowError

MNIST = DataConfig(source="mnist")
TRAIN_IMAGES = "train-images-idx3-ubyte"
TRAIN_LABELS = "train-labels-idx1-ubyte"


def idx(*shape: int, magic: int = 0x0800, values: bytes | None = None) -> bytes:
    """An IDX file written from its definition; values 0, 1, ... modulo 10."""
    body = bytes(i % 10 for i in range(int(np.prod(shape)))) if values is None else values
    return struct.pack(f">{1 + len(shape)}I", magic + len(shape), *shape) + body


def write_mnist(folder: Path, **replaced: bytes) -> Path:
    """Four sound, plain IDX files with 6 training and 4 test images, but for those replaced."""
    sound = {
        "train-images-idx3-ubyte": idx(6, 28, 28),
        "train-labels-idx1-ubyte": idx(6),
        "t10k-images-idx3-ubyte": idx(4, 28, 28),
        "t10k-labels-idx1-ubyte": idx(4),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in (sound | replaced).items():
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return load_dataset(DataConfig(), None)


def test_digits_are_full_range_uint8_images(digits: Dataset) -> None:
    assert digits.train_images.shape == (1437, 8, 8, 1)
    assert digits.test_images.shape == (360, 8, 8, 1)
    assert digits.train_images.dtype == digits.test_images.dtype == np.uint8
    assert (digits.train_images.min(), digits.train_images.max()) == (0, 255)
    assert len(np.unique(digits.train_images)) == 17
    assert digits.input_shape == (8, 8, 1)


def test_digits_split_is_stratified_and_never_moves(digits: Dataset) -> None:
    assert np.bincount(digits.test_labels).tolist() == [36, 36, 35, 37, 36, 37, 36, 36, 35, 36]
    content = digits.test_images.tobytes() + digits.test_labels.tobytes()
    expected = "a2fc2790f951761efa3de96d98e5fd3fec1bfbc4ef550eb2193c8e5117cf4c96"
    assert hashlib.sha256(content).hexdigest() == expected


def test_limits_keep_the_first_images(digits: Dataset) -> None:
    cut = load_dataset(DataConfig(train_images=10, test_images=7), None)
    np.testing.assert_array_equal(cut.train_images, digits.train_images[:10])
    np.testing.assert_array_equal(cut.test_labels, digits.test_labels[:7])


def test_a_limit_above_the_images_there_are_is_refused() -> None:
    with pytest.raises(FlowError, match=r"test_images: 361 is more than the 360 images of digits"):
        load_dataset(DataConfig(test_images=361), None)


@pytest.mark.parametrize("subfolder", [".", "mnist"])
def test_idx_files_are_found_in_the_folder_or_its_mnist_subfolder(
    tmp_path: Path, subfolder: str
) -> None:
    write_mnist(tmp_path / subfolder)
    mnist = load_dataset(MNIST, tmp_path)
    assert mnist.train_images.shape == (6, 28, 28, 1)
    assert mnist.train_images[0, 0, :4, 0].tolist() == [0, 1, 2, 3]
    assert mnist.test_labels.tolist() == [0, 1, 2, 3]


def test_gzipped_files_give_the_same_images(tmp_path: Path) -> None:
    plain = load_dataset(MNIST, write_mnist(tmp_path / "plain"))
    packed = write_mnist(tmp_path / "packed")
    for path in sorted(packed.iterdir()):
        (packed / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    np.testing.assert_array_equal(load_dataset(MNIST, packed).test_images, plain.test_images)


def test_mnist_without_a_folder_names_the_remedy() -> None:
    with pytest.raises(FlowError, match=r"needs a data folder; name it in STEELFLOW_DATA"):
        load_dataset(MNIST, None)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    (write_mnist(tmp_path) / TRAIN_LABELS).unlink()
    with pytest.raises(FlowError, match=rf"holds neither {TRAIN_LABELS}.*in STEELFLOW_DATA"):
        load_dataset(MNIST, tmp_path)


@dataclass(frozen=True)
class Corrupt:
    """A file that is not MNIST, and what the error says of it."""

    name: str
    content: bytes
    message: str


CORRUPT = [
    Corrupt(TRAIN_IMAGES, b"", r"starts with 0x, not 0x00000803"),
    Corrupt(TRAIN_IMAGES, idx(6, 28, 28, magic=0x0D00), r"starts with 0x00000d03, not 0x00000803"),
    Corrupt(TRAIN_LABELS, idx(6, 28, 28), r"starts with 0x00000803, not 0x00000801"),
    Corrupt(TRAIN_IMAGES, idx(6, 28, 28)[:9], r"9 bytes end inside the IDX header"),
    Corrupt(TRAIN_IMAGES, idx(6, 28, 28)[:-1], r"4719 bytes, but its header \(6, 28, 28\) needs 4"),
    Corrupt(TRAIN_IMAGES, idx(6, 28, 28) + b"x", r"4721 bytes, but its header"),
    Corrupt(TRAIN_IMAGES, idx(6, 27, 28), r"images of \(27, 28\), not \(28, 28\)"),
    Corrupt(TRAIN_LABELS, idx(5), r"5 labels for the 6 images of train-images"),
    Corrupt(TRAIN_LABELS, idx(6, values=bytes([0, 1, 2, 3, 10, 0])), r"label 10 is not a digit"),
]


@pytest.mark.parametrize("case", CORRUPT, ids=lambda case: case.message)
def test_a_corrupt_file_is_refused(tmp_path: Path, case: Corrupt) -> None:
    write_mnist(tmp_path, **{case.name: case.content})
    with pytest.raises(FlowError, match=case.message) as caught:
        load_dataset(MNIST, tmp_path)
    assert str(tmp_path / case.name) in str(caught.value)
    assert "\n" not in str(caught.value)


DAMAGE: list[Callable[[bytes], bytes]] = [
    lambda packed: packed[:-10],  # truncated
    lambda packed: b"plain text",  # noqa: ARG005 - no gzip at all
    lambda packed: packed[:12] + bytes(20) + packed[32:],  # damaged inside
]


@pytest.mark.parametrize("damage", DAMAGE, ids=["truncated", "not gzip", "damaged"])
def test_a_corrupt_gzip_file_is_refused(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    path = write_mnist(tmp_path) / TRAIN_IMAGES
    path.with_suffix(".gz").write_bytes(damage(gzip.compress(path.read_bytes())))
    path.unlink()
    with pytest.raises(FlowError, match=r"train-images-idx3-ubyte.gz: cannot be read \(.*\); down"):
        load_dataset(MNIST, tmp_path)


@pytest.mark.skipif("STEELFLOW_DATA" not in os.environ, reason="STEELFLOW_DATA is not set")
def test_real_mnist_has_its_known_checksum() -> None:
    mnist = load_dataset(MNIST, Path(os.environ["STEELFLOW_DATA"]))
    header = struct.pack(">4I", 0x0803, 10000, 28, 28)
    digest = hashlib.md5(header + mnist.test_images.tobytes()).hexdigest()
    assert digest == "2646ac647ad5339dbf082846283269ea"


def test_fashion_mnist_has_a_folder_of_its_own(tmp_path: Path) -> None:
    write_mnist(tmp_path / "fashion_mnist")
    found = load_dataset(DataConfig(source="fashion_mnist"), tmp_path)
    assert (found.name, found.classes) == ("fashion_mnist", 10)
    assert found.train_images.shape == (6, 28, 28, 1)
    with pytest.raises(FlowError, match="holds neither train-images-idx3-ubyte"):
        load_dataset(DataConfig(source="mnist"), tmp_path)


def test_mnist_is_not_taken_for_fashion_mnist(tmp_path: Path) -> None:
    write_mnist(tmp_path)
    with pytest.raises(FlowError, match="holds no fashion_mnist/train-images-idx3"):
        load_dataset(DataConfig(source="fashion_mnist"), tmp_path)


def test_an_unknown_source_is_refused_with_the_nearest() -> None:
    with pytest.raises(FlowError, match=r"data.source: 'mnits' is unknown; did you mean 'mnist'"):
        load_dataset(DataConfig(source="mnits"), None)

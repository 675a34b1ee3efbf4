# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from flow.config import DataConfig
from flow.data.datasets import load_dataset
from flow.errors import FlowError

SVHN = DataConfig(source="svhn")
NAMES = ("train_32x32.mat", "test_32x32.mat")


def arrays(count: int) -> dict[str, np.ndarray]:
    """As MATLAB has them: X [32, 32, 3, N], y [N, 1] where 10 is the digit 0."""
    rng = np.random.default_rng(count)
    labels = (np.arange(count) % 10 + 1).astype(np.uint8)[:, None]
    return {"X": rng.integers(0, 256, (32, 32, 3, count), dtype=np.uint8), "y": labels}


def write(folder: Path, **replaced: np.ndarray) -> Path:
    folder.mkdir(exist_ok=True)
    for name, count in zip(NAMES, (20, 10), strict=True):
        savemat(folder / name, arrays(count) | replaced, do_compression=True)
    return folder


@pytest.mark.parametrize("subfolder", [".", "svhn"])
def test_digits_are_read_and_ten_is_zero(tmp_path: Path, subfolder: str) -> None:
    write(tmp_path / subfolder)
    found = load_dataset(SVHN, tmp_path)
    np.testing.assert_array_equal(found.train_images, arrays(20)["X"].transpose(3, 0, 1, 2))
    np.testing.assert_array_equal(found.test_images, arrays(10)["X"].transpose(3, 0, 1, 2))
    assert found.test_labels.tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 0]
    assert (found.classes, found.input_shape) == (10, (32, 32, 3))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    (write(tmp_path) / NAMES[1]).unlink()
    with pytest.raises(FlowError, match=rf"holds neither {NAMES[1]} nor svhn/.*in STEELFLOW_DATA"):
        load_dataset(SVHN, tmp_path)


def test_without_a_folder_the_remedy_is_named() -> None:
    with pytest.raises(FlowError, match=r"svhn: needs a data folder; name it in STEELFLOW_DATA"):
        load_dataset(SVHN, None)


WRONG: dict[str, dict[str, np.ndarray]] = {
    r"X is float64 of \(32, 32, 3, 20\), not uint8": {"X": np.zeros((32, 32, 3, 20))},
    r"X is uint8 of \(32, 32, 60\), not uint8 of": {"X": np.zeros((32, 32, 60), np.uint8)},
    r"3 labels for 20 images": {"y": np.ones((3, 1), np.uint8)},
    r"label 11 is not a digit's 1..10": {"y": np.full((20, 1), 11, np.uint8)},
    r"label 1.5 is not a digit's 1..10": {"y": np.full((20, 1), 1.5)},
}


@pytest.mark.parametrize("message", WRONG)
def test_other_arrays_are_refused(tmp_path: Path, message: str) -> None:
    write(tmp_path, **WRONG[message])
    with pytest.raises(FlowError, match=message):
        load_dataset(SVHN, tmp_path)


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "truncated": lambda content: content[: len(content) // 2],
    "empty": lambda content: b"",  # noqa: ARG005
    "text": lambda content: b"plain text " * 99,  # noqa: ARG005
    "HDF5": lambda content: content[:124] + b"\x00\x02IM" + content[128:],
    "damaged": lambda content: content[:3000] + bytes(60) + content[3060:],
    "without y": lambda content: content[: int.from_bytes(content[132:136], "little") + 136],
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_refused(tmp_path: Path, damage: str) -> None:
    path = write(tmp_path) / NAMES[0]
    path.write_bytes(DAMAGE[damage](path.read_bytes()))
    with pytest.raises(FlowError, match=rf"{NAMES[0]}: is no SVHN file \(.*\); download it") as one:
        load_dataset(SVHN, tmp_path)
    assert "\n" not in str(one.value)

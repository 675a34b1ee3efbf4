# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The official python and binary formats, written here byte by byte from their definition."""

import io
import os
import pickle
import struct
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from flow.config import DataConfig
from flow.data.datasets import load_dataset
from flow.errors import FlowError

CIFAR10 = DataConfig(source="cifar10")
COUNT = 12
TRAINING = tuple(f"data_batch_{number}" for number in range(1, 6))
FOLDERS = {"python": "cifar-10-batches-py", "binary": "cifar-10-batches-bin"}


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flow.data.cifar10_batches.BATCH_IMAGES", COUNT)


def pixels(seed: int) -> np.ndarray:
    """Planes [COUNT, 3, 32, 32]."""
    return np.random.default_rng(seed).integers(0, 256, (COUNT, 3, 32, 32), dtype=np.uint8)


def labels(seed: int) -> list[int]:
    return [(seed + index) % 10 for index in range(COUNT)]


def text(value: bytes) -> bytes:
    return b"U" + bytes([len(value)]) + value


def python2(rows: int, columns: int, content: bytes, classes: list[int]) -> bytes:
    """What Python 2's cPickle writes for a batch with protocol 2, opcode by opcode."""
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85" + text(b"b") + b"\x87R"
    )
    dtype = b"cnumpy\ndtype\n" + text(b"u1") + b"K\x00K\x01\x87R(K\x03" + text(b"|") + b"NNN"
    dtype += 2 * (b"J" + struct.pack("<i", -1)) + b"K\x00tb"
    shape = b"M" + struct.pack("<H", rows) + b"M" + struct.pack("<H", columns) + b"\x86"
    state = b"(K\x01" + shape + dtype + b"\x89T" + struct.pack("<i", len(content)) + content + b"tb"
    listed = b"](" + b"".join(b"K" + bytes([label]) for label in classes) + b"e"
    items = text(b"batch_label") + text(b"testing batch") + text(b"labels") + listed
    return b"\x80\x02}(" + items + text(b"data") + array + state + b"u."


def python_batch(seed: int) -> bytes:
    return python2(COUNT, 3072, pixels(seed).tobytes(), labels(seed))


def binary_batch(seed: int) -> bytes:
    records = zip(labels(seed), pixels(seed), strict=True)
    return b"".join(bytes([label]) + image.tobytes() for label, image in records)


BATCHES = {"python": ("", python_batch), "binary": (".bin", binary_batch)}


def sound(kind: str) -> dict[str, bytes]:
    suffix, batch = BATCHES[kind]
    names = [f"{name}{suffix}" for name in (*TRAINING, "test_batch")]
    return {name: batch(seed) for seed, name in enumerate(names)}


def write_folder(folder: Path, kind: str, files: dict[str, bytes]) -> None:
    (folder / FOLDERS[kind]).mkdir()
    for name, content in files.items():
        (folder / FOLDERS[kind] / name).write_bytes(content)


def write_tar(folder: Path, kind: str, files: dict[str, bytes], suffix: str = ".tar.gz") -> Path:
    path = folder / f"cifar-10-{kind}{suffix}"
    with tarfile.open(path, "w:gz" if suffix.endswith("gz") else "w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"{FOLDERS[kind]}/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


@pytest.mark.parametrize("place", ["folder", ".tar.gz", ".tar"])
@pytest.mark.parametrize("kind", BATCHES)
def test_each_format_gives_the_same_images(tmp_path: Path, kind: str, place: str) -> None:
    files = {"readme.html": b"x", "batches.meta": b"no pickle"} | sound(kind)
    if place == "folder":
        write_folder(tmp_path, kind, files)
    else:
        write_tar(tmp_path, kind, dict(reversed(files.items())), place)
    found = load_dataset(CIFAR10, tmp_path)
    expected = np.concatenate([pixels(seed) for seed in range(5)]).transpose(0, 2, 3, 1)
    np.testing.assert_array_equal(found.train_images, expected)
    np.testing.assert_array_equal(found.test_images, pixels(5).transpose(0, 2, 3, 1))
    assert found.train_labels.tolist() == [label for seed in range(5) for label in labels(seed)]
    assert found.test_labels.tolist() == labels(5)
    assert (found.classes, found.name, found.test_images.flags.writeable) == (10, "cifar10", True)


@pytest.mark.parametrize("key", [str, str.encode])
def test_a_batch_that_python_3_wrote_is_read(
    tmp_path: Path, key: Callable[[str], str | bytes]
) -> None:
    batch = {key("data"): pixels(0).reshape(COUNT, -1), key("labels"): labels(0)}
    write_folder(tmp_path, "python", sound("python") | {"data_batch_1": pickle.dumps(batch, 2)})
    found = load_dataset(CIFAR10, tmp_path).train_images[:COUNT]
    np.testing.assert_array_equal(found, pixels(0).transpose(0, 2, 3, 1))


class Evil:
    """Runs a command when it is unpickled by pickle.loads."""

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, ("evil",)


@dataclass(frozen=True)
class Corrupt:
    """A file that is no batch, and what the error says of it."""

    kind: str
    content: bytes
    message: str


PLANES = pixels(0).tobytes()
CORRUPT = [
    Corrupt("python", b"", r"is no CIFAR-10 batch \(Ran out of input\)"),
    Corrupt("python", python_batch(0)[:-900], r"is no CIFAR-10 batch \(pickle data was truncated"),
    Corrupt("python", b"plain text", r"is no CIFAR-10 batch \("),
    Corrupt("python", pickle.dumps([1]), r"is no CIFAR-10 batch \('list' object has no attribute"),
    Corrupt("python", pickle.dumps({"data": 1}), r"is no CIFAR-10 batch \('int' object has no at"),
    Corrupt("python", pickle.dumps({"x": 1}), r"is no CIFAR-10 batch \('data'\)"),
    Corrupt("python", pickle.dumps({"data": Evil()}, 2), r"it names posix.mkdir, which no batch n"),
    Corrupt(
        "python",
        pickle.dumps({"data": np.zeros((COUNT, 3072), np.float32), "labels": [0]}, 2),
        r"its data are of type f4, not u1",
    ),
    Corrupt(
        "python", python2(COUNT, 3000, PLANES, labels(0)), "its data are 12 x 3000 in 36864 by"
    ),
    Corrupt(
        "python", python2(9, 3072, PLANES[: 9 * 3072], labels(0)), "9 images and 12 labels, not"
    ),
    Corrupt("python", python2(COUNT, 3072, PLANES, [1] * 11), "12 images and 11 labels, not 12 of"),
    Corrupt("python", python2(COUNT, 3072, PLANES, [10] * 12), r"label 10 is not a class 0\.\.9"),
    Corrupt("binary", b"", r"0 bytes, not the 36876 of 12 images"),
    Corrupt("binary", binary_batch(0)[:-3073], r"33803 bytes, not the 36876 of 12 images"),
    Corrupt("binary", b"\x0a" + binary_batch(0)[1:], r"label 10 is not a class 0\.\.9"),
]


@pytest.mark.parametrize("case", CORRUPT, ids=lambda case: f"{case.kind}-{case.message}")
def test_a_corrupt_batch_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: Corrupt
) -> None:
    monkeypatch.chdir(tmp_path)
    first = next(iter(sound(case.kind)))
    write_folder(tmp_path, case.kind, sound(case.kind) | {first: case.content})
    with pytest.raises(FlowError, match=case.message) as caught:
        load_dataset(CIFAR10, tmp_path)
    assert f"{tmp_path / FOLDERS[case.kind]}: {first}: " in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not Path("evil").exists()


def images_or_error(folder: Path) -> np.ndarray | str:
    try:
        return load_dataset(CIFAR10, folder).train_images
    except FlowError as error:
        return str(error)


@pytest.mark.parametrize("seed", range(40))
def test_a_damaged_pickle_is_read_right_or_refused(tmp_path: Path, seed: int) -> None:
    rng, content = np.random.default_rng(seed), bytearray(python_batch(0))
    for place in rng.integers(0, len(content) - len(PLANES), 3):
        content[place] = rng.integers(0, 256)  # before the pixels: the structure
    write_folder(tmp_path, "python", sound("python") | {"data_batch_1": bytes(content)})
    found = images_or_error(tmp_path)
    assert len(found) == 5 * COUNT if isinstance(found, np.ndarray) else "\n" not in found


@pytest.mark.parametrize("kind", BATCHES)
def test_a_missing_batch_is_named(tmp_path: Path, kind: str) -> None:
    files = sound(kind)
    missing = [name for name in files if "3" in name or "test" in name]
    write_tar(tmp_path, kind, {name: files[name] for name in files if name not in missing})
    with pytest.raises(
        FlowError, match=rf"cifar-10-{kind}.tar.gz: holds no {', '.join(missing)}; "
    ):
        load_dataset(CIFAR10, tmp_path)


def test_a_missing_file_of_a_folder_is_named(tmp_path: Path) -> None:
    files = sound("binary")
    del files["data_batch_1.bin"]
    write_folder(tmp_path, "binary", files)
    with pytest.raises(FlowError, match=r"cifar-10-batches-bin: holds no data_batch_1.bin; down"):
        load_dataset(CIFAR10, tmp_path)


def test_a_batch_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    files = sound("binary")
    write_tar(tmp_path, "binary", files | {"old/test_batch.bin": files["test_batch.bin"]})
    with pytest.raises(FlowError, match=r"cifar-10-binary.tar.gz: holds test_batch.bin twice"):
        load_dataset(CIFAR10, tmp_path)

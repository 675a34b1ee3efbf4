# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from flow.config import DataConfig
from flow.data.cifar10 import ARCHIVE, CLASSES
from flow.data.datasets import Dataset, load_dataset
from flow.environment import cache_folder
from flow.errors import FlowError

CIFAR10 = DataConfig(source="cifar10")
COUNTS = {"train": 3, "test": 2}  # images of each class


def jpeg(grey: int, size: tuple[int, int] = (32, 32), mode: str = "RGB") -> bytes:
    """A JPEG of one grey, which the format keeps exactly."""
    buffer = io.BytesIO()
    Image.new(mode, size, grey if mode == "L" else (grey,) * 3).save(buffer, "JPEG")
    return buffer.getvalue()


def sound() -> dict[str, bytes]:
    """Files of an archive, by name; image i of class c is of grey 10 * c + i."""
    return {
        f"{split}/{name}/{index:04}.jpg": jpeg(10 * label + index)
        for split, count in COUNTS.items()
        for label, name in enumerate(CLASSES)
        for index in range(count)
    }


def write_archive(folder: Path, files: dict[str, bytes]) -> Path:
    path = folder / ARCHIVE
    with tarfile.open(path, "w:xz", preset=0) as archive:
        for name, content in reversed(files.items()):  # the order in the archive does not matter
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return cache_folder()


def test_the_classes_take_turns_in_the_order_of_the_file_names(tmp_path: Path) -> None:
    write_archive(tmp_path, sound())
    found = load_dataset(CIFAR10, tmp_path)
    assert (found.train_images.shape, found.test_images.shape) == ((30, 32, 32, 3), (20, 32, 32, 3))
    assert found.train_images.dtype == np.uint8
    assert found.train_labels.tolist() == [*range(10)] * 3
    expected = 10 * found.train_labels + np.arange(30) // 10
    np.testing.assert_array_equal(found.train_images.min(axis=(1, 2, 3)), expected)
    np.testing.assert_array_equal(found.train_images.max(axis=(1, 2, 3)), expected)
    assert (found.name, found.classes, found.input_shape) == ("cifar10", 10, (32, 32, 3))


def test_the_images_are_decoded_once_for_each_content(tmp_path: Path, cache: Path) -> None:
    path = write_archive(tmp_path, sound())
    first = load_dataset(CIFAR10, tmp_path)
    made = {file: file.stat().st_mtime_ns for file in cache.iterdir()}
    assert len(made) == 2
    np.testing.assert_array_equal(load_dataset(CIFAR10, tmp_path).test_images, first.test_images)
    assert {file: file.stat().st_mtime_ns for file in cache.iterdir()} == made
    path.unlink()
    write_archive(tmp_path, sound() | {"test/cat/0000.jpg": jpeg(200)})
    assert load_dataset(CIFAR10, tmp_path).test_images[3].max() == 200


def test_writing_into_the_images_does_not_reach_the_cache(tmp_path: Path) -> None:
    write_archive(tmp_path, sound())
    load_dataset(CIFAR10, tmp_path).test_images[:] = 0
    assert load_dataset(CIFAR10, tmp_path).test_images.max() == 91


def test_a_limit_keeps_the_first_images(tmp_path: Path) -> None:
    write_archive(tmp_path, sound())
    cut = load_dataset(DataConfig(source="cifar10", test_images=10), tmp_path)
    assert cut.test_labels.tolist() == [*range(10)]


def test_other_files_in_the_archive_are_skipped(tmp_path: Path) -> None:
    write_archive(tmp_path, sound() | {"README": b"text", "train/cat/x.txt": b"", "../x.jpg": b"x"})
    assert len(load_dataset(CIFAR10, tmp_path).train_images) == 30


def test_without_a_folder_the_remedy_is_named() -> None:
    with pytest.raises(FlowError, match=r"cifar10: needs a data folder; name it in STEELFLOW_DATA"):
        load_dataset(CIFAR10, None)


def test_a_missing_archive_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        FlowError, match=rf"holds no {ARCHIVE}, cifar.* or cifar-10-binary.tar; name"
    ):
        load_dataset(CIFAR10, tmp_path)


def test_of_several_formats_one_must_be_chosen(tmp_path: Path) -> None:
    write_archive(tmp_path, sound())
    (tmp_path / "cifar-10-python.tar.gz").write_bytes(b"")
    message = rf"as {ARCHIVE} and as cifar-10-python.tar.gz; set data.format to jpeg or python"
    with pytest.raises(FlowError, match=message):
        load_dataset(CIFAR10, tmp_path)
    chosen = DataConfig(source="cifar10", format="jpeg")
    assert len(load_dataset(chosen, tmp_path).train_images) == 30


def test_a_chosen_format_that_is_not_there_is_named(tmp_path: Path) -> None:
    write_archive(tmp_path, sound())
    with pytest.raises(
        FlowError, match=r"holds no cifar-10-batches-bin, .* or cifar-10-binary.tar"
    ):
        load_dataset(DataConfig(source="cifar10", format="binary"), tmp_path)


DAMAGE: list[Callable[[bytes], bytes]] = [
    lambda packed: packed[: len(packed) // 2],
    lambda packed: b"plain text",  # noqa: ARG005
    lambda packed: b"",  # noqa: ARG005
    lambda packed: packed[:600] + bytes(40) + packed[640:],
]


@pytest.mark.parametrize("damage", DAMAGE, ids=["truncated", "not xz", "empty", "damaged"])
def test_a_damaged_archive_is_refused(
    tmp_path: Path, cache: Path, damage: Callable[[bytes], bytes]
) -> None:
    path = write_archive(tmp_path, sound())
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(FlowError, match=rf"{ARCHIVE}: is damaged \(.*\); download it again") as one:
        load_dataset(CIFAR10, tmp_path)
    assert "\n" not in str(one.value)
    assert not cache.exists()


WRONG = {
    r"test/cat/0001.jpg is 16x32 RGB, not 32x32 RGB": {
        "test/cat/0001.jpg": jpeg(1, size=(16, 32)),
    },
    r"train/cat/0001.jpg is 32x32 L, not 32x32 RGB": {"train/cat/0001.jpg": jpeg(1, mode="L")},
    r"is damaged \(cannot identify image file": {"train/cat/0001.jpg": b"plain text"},
    r"is damaged \(image file is truncated": {"train/cat/0001.jpg": jpeg(9)[:-20]},
    r"classes of train are not equally large \(4 airplane, 3 auto": {
        "train/airplane/x.jpg": jpeg(9)
    },
}


@pytest.mark.parametrize("message", WRONG)
def test_images_that_are_not_cifar10_are_refused(tmp_path: Path, message: str) -> None:
    write_archive(tmp_path, sound() | WRONG[message])
    with pytest.raises(FlowError, match=message):
        load_dataset(CIFAR10, tmp_path)


def test_an_archive_without_images_is_refused(tmp_path: Path) -> None:
    write_archive(tmp_path, {"README": b"text"})
    with pytest.raises(FlowError, match=r"classes of train are not equally large \(0 airplane, 0"):
        load_dataset(CIFAR10, tmp_path)


def test_an_archive_that_cannot_be_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_archive(tmp_path, sound())

    def refuse(_path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(FlowError, match=rf"{ARCHIVE}: cannot be read \(Permission denied\); down"):
        load_dataset(CIFAR10, tmp_path)


def test_a_full_disk_is_one_line_and_leaves_nothing(
    tmp_path: Path, cache: Path, request: pytest.FixtureRequest
) -> None:
    write_archive(tmp_path, sound())
    request.getfixturevalue("no_room")
    with pytest.raises(FlowError, match=r"decoded images cannot be written \(.*\); make room, or"):
        load_dataset(CIFAR10, tmp_path)
    assert list(cache.iterdir()) == []


@pytest.fixture(scope="module")
def real() -> Dataset:
    folder = Path(os.environ.get("STEELFLOW_DATA", "/nowhere"))
    if not (folder / ARCHIVE).is_file():
        pytest.skip(f"STEELFLOW_DATA names no folder with {ARCHIVE}")
    return load_dataset(CIFAR10, folder)


@pytest.mark.slow
def test_the_real_archive_holds_every_image(real: Dataset) -> None:
    assert (real.train_images.shape, real.test_images.shape) == (
        (50000, 32, 32, 3),
        (10000, 32, 32, 3),
    )
    assert np.bincount(real.test_labels).tolist() == [1000] * 10
    means = real.train_images.mean(axis=(0, 1, 2)) / 255
    np.testing.assert_allclose(means, [0.4914, 0.4822, 0.4465], atol=5e-3)  # known of CIFAR-10

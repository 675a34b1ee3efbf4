# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Image folders and tars of the user's own."""

import io
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from flow.config import DataConfig
from flow.data.datasets import data_files, load_dataset
from flow.environment import cache_folder
from flow.errors import FlowError

OWN = DataConfig(source="folder", path="own")


def image(grey: int, mode: str = "L", size: tuple[int, int] = (6, 5), kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    colour: object = {"RGB": (grey, 0, 255), "RGBA": (grey,) * 4, "LA": (grey, 9)}.get(mode, grey)
    Image.new(mode, size, colour).save(buffer, kind)  # type: ignore[arg-type]
    return buffer.getvalue()


def sound() -> dict[str, bytes]:
    """Classes of 3, 1 and 2 training images and one test image each, told apart by their grey."""
    counts = {"train": {"bee": 3, "ant": 1, "cow": 2}, "test": {"bee": 1, "ant": 1, "cow": 1}}
    return {
        f"{split}/{name}/{index}.png": image(
            100 * (split == "test") + 10 * ord(name[0]) % 97 + index
        )
        for split, classes in counts.items()
        for name, count in classes.items()
        for index in range(count)
    }


def greys(files: dict[str, bytes], *names: str) -> list[int]:
    return [np.asarray(Image.open(io.BytesIO(files[name])))[0, 0] for name in names]


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        path = folder / "own" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return cache_folder()


def test_the_classes_take_turns(tmp_path: Path) -> None:
    files = sound()
    found = load_dataset(OWN, write(tmp_path, files))
    assert (found.name, found.classes, found.input_shape) == ("own", 3, (5, 6, 1))
    assert found.train_labels.tolist() == [0, 1, 2, 1, 2, 1]
    order = ("ant/0", "bee/0", "cow/0", "bee/1", "cow/1", "bee/2")
    expected = greys(files, *(f"train/{name}.png" for name in order))
    assert found.train_images[:, 0, 0, 0].tolist() == expected
    assert (found.train_images == found.train_images[:, :1, :1]).all()
    assert found.test_labels.tolist() == [0, 1, 2]


@pytest.mark.parametrize("top", ["", "./", "own/"])
@pytest.mark.parametrize("suffix", ["tar", "tar.gz", "tar.xz"])
def test_a_tar_gives_the_same(tmp_path: Path, suffix: str, top: str) -> None:
    plain = load_dataset(OWN, write(tmp_path, sound()))
    path = tmp_path / f"own.{suffix}"
    with tarfile.open(path, f"w:{suffix[4:]}") as archive:  # type: ignore[call-overload]
        for name, content in reversed(sound().items()):
            member = tarfile.TarInfo(top + name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    found = load_dataset(DataConfig(source="folder", path=path.name), tmp_path)
    np.testing.assert_array_equal(found.train_images, plain.train_images)
    np.testing.assert_array_equal(found.test_labels, plain.test_labels)


def test_an_absolute_path_needs_no_data_folder(tmp_path: Path) -> None:
    write(tmp_path, sound())
    config = DataConfig(source="folder", path=str(tmp_path / "own"))
    assert len(load_dataset(config, None).test_images) == 3


def test_colour_images_in_jpeg_are_read(tmp_path: Path) -> None:
    files = {name.replace("png", "JPG"): image(9, "RGB", (16, 16), "JPEG") for name in sound()}
    found = load_dataset(OWN, write(tmp_path, files))
    assert found.input_shape == (16, 16, 3)
    assert np.abs(found.train_images.astype(int) - (9, 0, 255)).max() <= 3  # JPEG is lossy


def test_images_are_resized_where_asked(tmp_path: Path) -> None:
    files = sound() | {"train/ant/0.png": image(77, size=(31, 9))}
    config = DataConfig(source="folder", path="own", image_size=(4, 8))
    found = load_dataset(config, write(tmp_path, files))
    assert found.input_shape == (4, 8, 1)
    assert (found.train_images[0] == 77).all()


def test_other_files_are_skipped(tmp_path: Path) -> None:
    other = {"README.md": b"", "train/ant/._0.png": b"x", "val/ant/0.png": b"", "train/x.txt": b""}
    assert len(load_dataset(OWN, write(tmp_path, sound() | other)).train_images) == 6


def test_images_are_decoded_once_for_each_content(tmp_path: Path, cache: Path) -> None:
    write(tmp_path, sound())
    files = data_files(OWN, tmp_path)
    made = {file: file.stat().st_mtime_ns for file in cache.iterdir()}
    assert sorted(files) == sorted(made)
    assert data_files(OWN, tmp_path) == files
    assert {file: file.stat().st_mtime_ns for file in cache.iterdir()} == made
    write(tmp_path, {"train/ant/0.png": image(1)})
    assert load_dataset(OWN, tmp_path).train_images[0].max() == 1
    load_dataset(OWN, tmp_path).train_images[:] = 0
    assert load_dataset(OWN, tmp_path).train_images[0].max() == 1
    shutil.rmtree(cache)
    assert load_dataset(OWN, tmp_path).train_images[0].max() == 1


WRONG: dict[str, Callable[[dict[str, bytes]], dict[str, bytes]]] = {
    r"0 training and 0 test images; put images in train/<class>/": lambda _: {"x.png": b""},
    r"6 training and 0 test images; put": lambda files: {
        name: content for name, content in files.items() if name.startswith("train")
    },
    r"class dog has images in train only; give": lambda files: (
        files | {"train/dog/0.png": image(1)}
    ),
    r"class dog has images in test only; give": lambda files: files | {"test/dog/0.png": image(1)},
    r"there is one class, ant; give at least two": lambda files: {
        name: content for name, content in files.items() if "ant" in name
    },
    r"0.png is 6x5 and train/cow/1.png 7x8; make them equal, or set data.image": lambda files: (
        files | {"train/cow/1.png": image(1, size=(7, 8))}
    ),
    r"test/ant/0.png has 1 channels and train/ant/0.png 3; save all as": lambda files: (
        files | {"train/ant/0.png": image(1, "RGB")}
    ),
    r"train/ant/0.png: is of mode RGBA; save it as 8-bit grey": lambda files: (
        files | {"train/ant/0.png": image(1, "RGBA")}
    ),
    r"train/ant/0.png: is of mode P; save it as": lambda files: (
        files | {"train/ant/0.png": image(1, "P")}
    ),
    r"train/ant/0.png: is of mode I;16; save it": lambda files: (
        files | {"train/ant/0.png": image(1, "I;16")}
    ),
    r"train/ant/0.png: is damaged \(cannot identify image": lambda files: (
        files | {"train/ant/0.png": b"plain text"}
    ),
    r"train/ant/0.png: is damaged \(.*\); replace or remove it": lambda files: (
        files | {"train/ant/0.png": files["train/ant/0.png"][:-30]}
    ),
    r"train/ant/old/0.png is not in a class' folder; put images in": lambda files: (
        files | {"train/ant/old/0.png": image(1)}
    ),
    r"images lie below \./ and below zcopy/; keep one data set": lambda files: (
        files | {"zcopy/train/ant/0.png": image(1)}
    ),
}


@pytest.mark.parametrize("message", WRONG)
def test_other_layouts_and_images_are_refused(tmp_path: Path, cache: Path, message: str) -> None:
    write(tmp_path, WRONG[message](sound()))
    with pytest.raises(FlowError, match=message) as one:
        load_dataset(OWN, tmp_path)
    assert str(one.value).startswith(str(tmp_path / "own"))
    assert "\n" not in str(one.value)
    assert not cache.exists()


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        FlowError, match=r"data.path: .*/own does not exist; name a folder or a tar"
    ):
        load_dataset(OWN, tmp_path)

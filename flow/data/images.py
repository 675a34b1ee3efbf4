# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Any image folder, or a tar of one: train/<class>/*.png and test/<class>/*.png, or .jpg."""

import io
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import ClassVar

import numpy as np
from PIL import Image

from flow.classifier import Images, Labels
from flow.config import DataConfig
from flow.data.cache import save_array
from flow.data.members import content_digest, read_members
from flow.data.source import ImageSource, Splits
from flow.environment import DATA_VARIABLE, cache_folder
from flow.errors import FlowError, SettingError
from flow.progress import track
from steelflow_names import one_line

__all__ = ["ImageFolder"]

_MEMBER = re.compile(
    r"(?P<top>(?:.*/)?)(?P<split>train|test)/(?P<label>[^/]+)/(?P<file>[^./][^/]*)"
)
_SUFFIXES = (".png", ".jpg", ".jpeg")
_LAYOUT = "put images in train/<class>/ and test/<class>/ as .png or .jpg"
_CHANNELS = {"L": 1, "RGB": 3}
_DAMAGE = (OSError, SyntaxError, ValueError, EOFError, zlib.error, struct.error)
_FORMAT = 1  # of the cache; part of its name
_ARRAYS = ("train-images", "train-labels", "test-images", "test-labels")


class ImageFolder(ImageSource):
    """Classes are the folders of train, in the order of their names; they take turns.

    Each class' images come in the order of their file names, image k of every class before image
    k + 1 of any, so that the first N hold every class about equally often. All images must be
    grey or all RGB, with 8 bits, and of one size, unless data.image_size has them resized (by
    Pillow's antialiased bilinear filter). Decoded images are kept in the cache, by their content.
    """

    name: ClassVar[str] = "folder"

    def files(self, config: DataConfig, folder: Path | None) -> list[Path]:
        """Return the cached arrays, decoded now if they are not there."""
        path = _path(config, folder)
        size = "" if config.image_size is None else "-{}x{}".format(*config.image_size)
        key = f"images-{_FORMAT}-{content_digest(path, _is_image)}{size}"
        files = [cache_folder() / f"{key}-{name}.npy" for name in _ARRAYS]
        if not all(file.is_file() for file in files):
            *arrays, _ = _decode(path, config.image_size)
            for file, array in zip(files, arrays, strict=True):
                save_array(file, np.asarray(array))
        return files

    def read(self, files: list[Path], config: DataConfig) -> Splits:  # noqa: ARG002
        """See ImageSource."""
        images, labels, test_images, test_labels = (np.load(f, mmap_mode="c") for f in files)
        return Splits(images, labels, test_images, test_labels, classes=int(labels.max()) + 1)


def _path(config: DataConfig, folder: Path | None) -> Path:
    assert config.path is not None  # the settings ask for it
    path = Path(config.path) if folder is None else folder / config.path
    if not path.exists():
        raise SettingError(
            f"data.path: {path} does not exist; name a folder or a tar, absolute or relative to "
            f"the data folder ({DATA_VARIABLE})",
            "data",
        )
    return path


def _is_image(name: str) -> bool:
    """Return whether it is an image somewhere below train or test; hidden files are none."""
    *folders, file = name.split("/")
    below = "train" in folders or "test" in folders
    return below and file.lower().endswith(_SUFFIXES) and not file.startswith(".")


@dataclass(frozen=True)
class _Found:
    """One image: its place in the folder, and uint8[H, W, C]."""

    name: str
    top: str
    split: str
    label: str
    pixels: Images


def _decode(path: Path, size: tuple[int, int] | None) -> Splits:
    members = track(read_members(path, _is_image), f"decoding {path.name}", unit="images")
    found = sorted(_images(path, members, size), key=lambda image: image.name)
    classes = _classes(path, found)
    return Splits(
        *_split([image for image in found if image.split == "train"], classes),
        *_split([image for image in found if image.split == "test"], classes),
        classes=len(classes),
    )


def _images(
    path: Path, members: Iterator[tuple[str, bytes]], size: tuple[int, int] | None
) -> Iterator[_Found]:
    first: _Found | None = None
    for name, content in members:
        match = _MEMBER.fullmatch(name)
        if match is None:
            raise FlowError(f"{path}: {name} is not in a class' folder; {_LAYOUT}")
        image = _Found(
            *(name, match["top"], match["split"], match["label"]),
            pixels=_pixels(f"{path}: {name}", content, size),
        )
        first = first or image
        _check_alike(path, first, image)
        yield image


def _pixels(what: str, content: bytes, size: tuple[int, int] | None) -> Images:
    try:
        with Image.open(io.BytesIO(content), formats=["PNG", "JPEG"]) as image:
            image.load()
            if image.mode in _CHANNELS and size is not None and image.size != size[::-1]:
                pixels = np.asarray(image.resize(size[::-1], Image.Resampling.BILINEAR))
            else:
                pixels = np.asarray(image)
            mode = image.mode
    except (*_DAMAGE, Image.DecompressionBombError) as error:
        raise FlowError(f"{what}: is damaged ({one_line(error)}); replace or remove it") from error
    if mode not in _CHANNELS:
        raise FlowError(f"{what}: is of mode {mode}; save it as 8-bit grey (L) or RGB")
    return pixels if pixels.ndim == 3 else pixels[..., np.newaxis]


def _check_alike(path: Path, first: _Found, image: _Found) -> None:
    if image.top != first.top:
        raise FlowError(
            f"{path}: images lie below {first.top or './'} and below {image.top or './'}; "
            f"keep one data set, and {_LAYOUT}"
        )
    if image.pixels.shape[2] != first.pixels.shape[2]:
        raise FlowError(
            f"{path}: {first.name} has {first.pixels.shape[2]} channels and {image.name} "
            f"{image.pixels.shape[2]}; save all as grey or all as RGB"
        )
    if image.pixels.shape != first.pixels.shape:
        (height, width, _), (other_height, other_width, _) = first.pixels.shape, image.pixels.shape
        raise FlowError(
            f"{path}: {first.name} is {width}x{height} and {image.name} "
            f"{other_width}x{other_height}; make them equal, or set data.image_size: "
            "[height, width]"
        )


def _classes(path: Path, found: list[_Found]) -> tuple[str, ...]:
    """Return the classes' names; both splits must have them all."""
    train, test = (
        {image.label for image in found if image.split == split} for split in ("train", "test")
    )
    if not train or not test:
        raise FlowError(
            f"{path}: {sum(i.split == 'train' for i in found)} training and "
            f"{sum(i.split == 'test' for i in found)} test images; {_LAYOUT}"
        )
    if odd := sorted(train ^ test):
        where = "train" if odd[0] in train else "test"
        raise FlowError(f"{path}: class {odd[0]} has images in {where} only; give it some in both")
    if len(train) < 2:
        raise FlowError(f"{path}: there is one class, {odd or sorted(train)[0]}; give at least two")
    return tuple(sorted(train))


def _split(found: list[_Found], classes: tuple[str, ...]) -> tuple[Images, Labels]:
    by_class = [[image for image in found if image.label == name] for name in classes]
    turns = [image for turn in zip_longest(*by_class) for image in turn if image is not None]
    labels = np.array([classes.index(image.label) for image in turns], dtype=np.int64)
    return np.stack([image.pixels for image in turns]), labels

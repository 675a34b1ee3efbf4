# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""CIFAR-10 from an archive of JPEG files, one folder a class; decoded once, then memory-mapped."""

import hashlib
import lzma
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from flow.classifier import Images
from flow.errors import FlowError
from flow.progress import track

__all__ = ["ARCHIVE", "CLASSES", "find_archive", "read_archive"]

ARCHIVE = "cifar10-jpeg.tar.xz"
CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
_SPLITS = ("train", "test")
_SIZE = (32, 32)
_FORMAT = 1  # of the cache; part of its name
_MEMBER = re.compile(rf"(?:\./)?({'|'.join(_SPLITS)})/({'|'.join(CLASSES)})/([^/]+)\.jpe?g")
_REMEDY = "download it again, or point STEELFLOW_DATA or --data at a sound copy"

_Key = tuple[str, str, str]  # split, class, file name


def find_archive(folder: Path | None) -> Path:
    """Return the archive in the data folder.

    Raises:
        FlowError: there is no folder, or no archive in it.
    """
    if folder is None:
        raise FlowError("data: cifar10 needs a data folder; set STEELFLOW_DATA or give --data")
    path = folder / ARCHIVE
    if not path.is_file():
        raise FlowError(
            f"{folder}: holds no {ARCHIVE}; set STEELFLOW_DATA or --data to the folder that does"
        )
    return path


def read_archive(path: Path, cache: Path) -> tuple[Images, Images]:
    """Return the training and the test images, uint8[N, 32, 32, 3]; image i is of class i % 10.

    The classes take turns, each in the order of its file names, so that the first N images hold
    every class equally often. The decoded images are kept in `cache`, by the archive's content.

    Raises:
        FlowError: the archive is damaged, or does not hold ten classes of equally many 32x32
            colour images; or the cache cannot be written.
    """
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    except OSError as error:
        raise FlowError(f"{path}: cannot be read ({error.strerror}); {_REMEDY}") from error
    files = {split: cache / f"cifar10-{_FORMAT}-{digest}-{split}.npy" for split in _SPLITS}
    if not all(file.is_file() for file in files.values()):
        images = _decode(path)
        for split, file in files.items():
            _save(file, _interleaved(path, split, images))
    # copy on write: torch takes writable arrays only
    train, test = (np.load(files[split], mmap_mode="c") for split in _SPLITS)
    return train, test


def _decode(path: Path) -> dict[_Key, Images]:
    try:
        members = track(_members(path), f"decoding {path.name}", unit="images")
        return {key: pixels for key, pixels in members}  # noqa: C416 - errors surface here
    except (OSError, EOFError, lzma.LZMAError, tarfile.TarError, SyntaxError) as error:
        reason = " ".join(str(error).split())
        raise FlowError(f"{path}: is damaged ({reason}); {_REMEDY}") from error


def _members(path: Path) -> Iterator[tuple[_Key, Images]]:
    """Yield the images in the archive's order; other files are skipped, nothing is extracted."""
    with tarfile.open(path, "r|xz") as archive:
        for member in archive:
            match = _MEMBER.fullmatch(member.name)
            content = archive.extractfile(member) if match and member.isfile() else None
            if match is None or content is None:
                continue
            with Image.open(content, formats=["JPEG"]) as image:
                if image.size != _SIZE or image.mode != "RGB":
                    raise FlowError(
                        f"{path}: {member.name} is {image.size[0]}x{image.size[1]} {image.mode}, "
                        f"not 32x32 RGB; {_REMEDY}"
                    )
                yield (match[1], match[2], match[3]), np.asarray(image)


def _interleaved(path: Path, split: str, images: dict[_Key, Images]) -> Images:
    keys = [sorted(key for key in images if key[:2] == (split, name)) for name in CLASSES]
    counts = [len(of_class) for of_class in keys]
    if min(counts) == 0 or len(set(counts)) != 1:
        found = ", ".join(f"{n} {name}" for n, name in zip(counts, CLASSES, strict=True))
        raise FlowError(
            f"{path}: the classes of {split} are not equally large ({found}); {_REMEDY}"
        )
    return np.stack([images[key] for turn in zip(*keys, strict=True) for key in turn])


def _save(file: Path, images: Images) -> None:
    part = file.with_name(f"{file.name}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with part.open("wb") as stream:
            np.save(stream, images)
        part.replace(file)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise FlowError(
            f"{file.parent}: decoded images cannot be written ({error.strerror}); "
            "make room, or set XDG_CACHE_HOME to another folder"
        ) from error

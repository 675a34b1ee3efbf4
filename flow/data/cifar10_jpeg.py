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
from flow.data.cache import save_array
from flow.data.source import REMEDY
from flow.errors import FlowError
from flow.progress import track
from steelflow_names import one_line

__all__ = ["ARCHIVE", "CLASSES", "read_archive"]

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

_Key = tuple[str, str, str]  # split, class, file name


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
        raise FlowError(f"{path}: cannot be read ({error.strerror}); {REMEDY}") from error
    files = {split: cache / f"cifar10-{_FORMAT}-{digest}-{split}.npy" for split in _SPLITS}
    if not all(file.is_file() for file in files.values()):
        images = _decode(path)
        for split, file in files.items():
            save_array(file, _interleaved(path, split, images))
    # copy on write: torch takes writable arrays only
    train, test = (np.load(files[split], mmap_mode="c") for split in _SPLITS)
    return train, test


def _decode(path: Path) -> dict[_Key, Images]:
    try:
        members = track(_members(path), f"decoding {path.name}", unit="images")
        return {key: pixels for key, pixels in members}  # noqa: C416 - errors surface here
    except (OSError, EOFError, lzma.LZMAError, tarfile.TarError, SyntaxError) as error:
        raise FlowError(f"{path}: is damaged ({one_line(error)}); {REMEDY}") from error


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
                        f"not 32x32 RGB; {REMEDY}"
                    )
                yield (match[1], match[2], match[3]), np.asarray(image)


def _interleaved(path: Path, split: str, images: dict[_Key, Images]) -> Images:
    keys = [sorted(key for key in images if key[:2] == (split, name)) for name in CLASSES]
    counts = [len(of_class) for of_class in keys]
    if min(counts) == 0 or len(set(counts)) != 1:
        found = ", ".join(f"{n} {name}" for n, name in zip(counts, CLASSES, strict=True))
        raise FlowError(f"{path}: the classes of {split} are not equally large ({found}); {REMEDY}")
    return np.stack([images[key] for turn in zip(*keys, strict=True) for key in turn])

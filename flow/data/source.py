# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What a source of images is: the files that it reads, and the arrays in them."""

import gzip
import zlib
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar, NamedTuple

from flow.classifier import Images, Labels
from flow.config import DataConfig
from flow.environment import DATA_VARIABLE
from flow.errors import FlowError, SettingError

__all__ = ["REMEDY", "ImageSource", "Splits", "need_folder", "read_bytes"]

REMEDY = f"download it again, or point {DATA_VARIABLE} at a sound copy"


class Splits(NamedTuple):
    """Images uint8[N, H, W, C] and their labels int64[N] in 0..classes-1."""

    train_images: Images
    train_labels: Labels
    test_images: Images
    test_labels: Labels
    classes: int


class ImageSource(ABC):
    """One kind of data set."""

    name: ClassVar[str]  # in the configuration

    @abstractmethod
    def files(self, config: DataConfig, folder: Path | None) -> list[Path]:
        """Return the files that `read` reads; a run goes stale when their content changes.

        Args:
            config: whose source is this one.
            folder: of the data sets; None when the user named none.

        Raises:
            FlowError: a file is missing.
        """

    @abstractmethod
    def read(self, files: list[Path], config: DataConfig) -> Splits:
        """Read every image, or fail: what `files` returned.

        Raises:
            FlowError: a file is damaged or another's.
        """


def need_folder(name: str, folder: Path | None) -> Path:
    """Return the folder of data sets.

    Raises:
        FlowError: there is none; the message says how to name it.
    """
    if folder is None:
        raise SettingError(f"{name}: needs a data folder; name it in {DATA_VARIABLE}", "data")
    return folder


def read_bytes(path: Path) -> bytes:
    """Return a file's content, unpacked if its name ends in .gz.

    Raises:
        FlowError: it cannot be read or unpacked.
    """
    try:
        content = path.read_bytes()
        return gzip.decompress(content) if path.suffix == ".gz" else content
    except (OSError, EOFError, zlib.error) as error:
        raise FlowError(f"{path}: cannot be read ({error}); {REMEDY}") from error

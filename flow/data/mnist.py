# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""MNIST from its four IDX files, plain or in gzip."""

from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from flow.classifier import Images, Labels
from flow.config import DataConfig
from flow.data.source import REMEDY, ImageSource, Splits, need_folder, read_bytes
from flow.environment import DATA_VARIABLE
from flow.errors import FlowError, SettingError

__all__ = ["Mnist"]

_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
_SHAPE = (28, 28)
_IDX_UINT8 = 8  # the type byte of an IDX header


class Mnist(ImageSource):
    """In the data folder or in its subfolder mnist."""

    name: ClassVar[str] = "mnist"
    places: ClassVar[tuple[str, ...]] = ("", "mnist/")  # below the data folder

    def files(self, config: DataConfig, folder: Path | None) -> list[Path]:  # noqa: ARG002
        """See ImageSource."""
        found = need_folder(self.name, folder)
        return [self._find(found, name) for name in _FILES]

    def _find(self, folder: Path, name: str) -> Path:
        places = [folder / f"{place}{name}" for place in self.places]
        for path in places:
            for file in (path, path.with_name(f"{name}.gz")):
                if file.is_file():
                    return file
        known = " nor ".join(f"{place}{name}[.gz]" for place in self.places)
        word = "neither" if len(self.places) > 1 else "no"
        raise SettingError(
            f"{folder}: holds {word} {known}; name the folder of the files in {DATA_VARIABLE}",
            "data",
        )

    def read(self, files: list[Path], config: DataConfig) -> Splits:  # noqa: ARG002
        """See ImageSource."""
        return Splits(*_read_pair(*files[:2]), *_read_pair(*files[2:]), classes=10)


def _read_pair(image_file: Path, label_file: Path) -> tuple[Images, Labels]:
    images, labels = _read_idx(image_file, 3), _read_idx(label_file, 1)
    if images.shape[1:] != _SHAPE:
        raise FlowError(f"{image_file}: images of {images.shape[1:]}, not {_SHAPE}; {REMEDY}")
    if len(images) != len(labels):
        raise FlowError(
            f"{label_file}: {len(labels)} labels for the {len(images)} images of "
            f"{image_file.name}; {REMEDY}"
        )
    if labels.size and labels.max() > 9:
        raise FlowError(f"{label_file}: label {labels.max()} is not a digit 0..9; {REMEDY}")
    return images[..., np.newaxis], labels.astype(np.int64)


def _read_idx(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """Read an IDX file of unsigned bytes: 0, 0, type, rank, big-endian uint32 sizes, values."""
    content = read_bytes(path)
    magic = bytes((0, 0, _IDX_UINT8, dimensions))
    header = 4 + 4 * dimensions
    if content[:4] != magic:
        raise FlowError(
            f"{path}: starts with 0x{content[:4].hex()}, not 0x{magic.hex()} "
            f"(IDX, uint8, {dimensions} dimensions); {REMEDY}"
        )
    if len(content) < header:
        raise FlowError(f"{path}: {len(content)} bytes end inside the IDX header; {REMEDY}")
    shape = tuple(int(size) for size in np.frombuffer(content, ">u4", dimensions, offset=4))
    need = header + int(np.prod(shape, dtype=np.int64))
    if len(content) != need:
        raise FlowError(
            f"{path}: {len(content)} bytes, but its header {shape} needs {need}; {REMEDY}"
        )
    return np.frombuffer(bytearray(content), np.uint8, offset=header).reshape(shape)

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""SVHN's cropped digits from its two MATLAB files (Netzer et al. 2011)."""

from pathlib import Path
from typing import ClassVar

import numpy as np

from flow.classifier import Images, Labels
from flow.config import DataConfig
from flow.data.mat_file import MatError, read_arrays
from flow.data.source import REMEDY, ImageSource, Splits, need_folder, read_bytes
from flow.environment import DATA_VARIABLE
from flow.errors import FlowError, SettingError

__all__ = ["Svhn"]

_FILES = ("train_32x32.mat", "test_32x32.mat")
_SIZE = 32


class Svhn(ImageSource):
    """In the data folder or in its subfolder svhn; extra_32x32.mat is not read."""

    name: ClassVar[str] = "svhn"

    def files(self, config: DataConfig, folder: Path | None) -> list[Path]:  # noqa: ARG002
        """See ImageSource."""
        found = need_folder(self.name, folder)
        return [_find(found, name) for name in _FILES]

    def read(self, files: list[Path], config: DataConfig) -> Splits:  # noqa: ARG002
        """See ImageSource."""
        train, test = (_read(path) for path in files)
        return Splits(*train, *test, classes=10)


def _find(folder: Path, name: str) -> Path:
    for path in (folder / name, folder / "svhn" / name):
        if path.is_file():
            return path
    raise SettingError(
        f"{folder}: holds neither {name} nor svhn/{name}; "
        f"name the folder of the SVHN files in {DATA_VARIABLE}",
        "data",
    )


def _read(path: Path) -> tuple[Images, Labels]:
    """Read X uint8[32, 32, 3, N] and y[N, 1] in 1..10, where 10 is the digit 0."""
    try:
        arrays = read_arrays(read_bytes(path))
        pixels, digits = arrays["X"], arrays["y"]
    except (MatError, KeyError) as error:
        raise FlowError(f"{path}: is no SVHN file ({error}); {REMEDY}") from error
    if pixels.dtype != np.uint8 or pixels.ndim != 4 or pixels.shape[:3] != (_SIZE, _SIZE, 3):
        raise FlowError(
            f"{path}: X is {pixels.dtype} of {pixels.shape}, not uint8 of (32, 32, 3, N); {REMEDY}"
        )
    if digits.size != pixels.shape[3] or not digits.size:
        raise FlowError(f"{path}: {digits.size} labels for {pixels.shape[3]} images; {REMEDY}")
    if not np.isin(digits, range(1, 11)).all():
        wrong = digits[~np.isin(digits, range(1, 11))][0]
        raise FlowError(f"{path}: label {wrong} is not a digit's 1..10; {REMEDY}")
    images: Images = np.ascontiguousarray(pixels.transpose(3, 0, 1, 2))
    return images, digits.ravel().astype(np.int64) % 10

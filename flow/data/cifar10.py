# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""CIFAR-10 in whichever of its formats the data folder holds: JPEG, official python or binary."""

from pathlib import Path
from typing import ClassVar

import numpy as np

from flow.config import DataConfig
from flow.data.cifar10_batches import FORMATS
from flow.data.cifar10_jpeg import ARCHIVE, CLASSES, read_archive
from flow.data.source import ImageSource, Splits, need_folder
from flow.environment import DATA_VARIABLE, cache_folder
from flow.errors import FlowError, SettingError

__all__ = ["ARCHIVE", "CLASSES", "Cifar10"]

_PLACES = {"jpeg": (ARCHIVE,), **{name: kind.places for name, kind in FORMATS.items()}}


class Cifar10(ImageSource):
    """The format that is there, or of several the one that data.format names.

    JPEG loses a little of every image: figures on that copy are not those on the original.
    """

    name: ClassVar[str] = "cifar10"

    def files(self, config: DataConfig, folder: Path | None) -> list[Path]:
        """Return the archive, or a folder's six files."""
        name, path = _found(need_folder(self.name, folder), config.format)
        if path.is_dir():
            return [path / file for file in FORMATS[name].names]
        return [path]

    def read(self, files: list[Path], config: DataConfig) -> Splits:  # noqa: ARG002
        """See ImageSource."""
        first = files[0]
        if first.name == ARCHIVE:
            train, test = read_archive(first, cache_folder())
            labels = np.arange(max(len(train), len(test)), dtype=np.int64) % len(CLASSES)
            return Splits(train, labels[: len(train)], test, labels[: len(test)], len(CLASSES))
        by_place = {place: kind for kind in FORMATS.values() for place in kind.places}
        path = first if first.name in by_place else first.parent
        return by_place[path.name].read(path)


def _found(folder: Path, wanted: str | None) -> tuple[str, Path]:
    """Return the format and where it is."""
    names = list(_PLACES) if wanted is None else [wanted]
    there = {
        name: next((folder / place for place in _PLACES[name] if (folder / place).exists()), None)
        for name in names
    }
    found = {name: path for name, path in there.items() if path is not None}
    if len(found) > 1:
        raise FlowError(
            f"{folder}: holds CIFAR-10 as {' and as '.join(path.name for path in found.values())}; "
            f"set data.format to {' or '.join(found)}"
        )
    if not found:
        places = [place for name in names for place in _PLACES[name]]
        raise SettingError(
            f"{folder}: holds no {', '.join(places[:-1])}{' or ' * (len(places) > 1)}{places[-1]}; "
            f"name the folder that does in {DATA_VARIABLE}",
            "data",
        )
    return next(iter(found.items()))

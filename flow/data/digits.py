# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""scikit-learn's digits, 8x8, which come with the package."""

from pathlib import Path
from typing import ClassVar

import numpy as np

from flow.config import DataConfig
from flow.data.source import ImageSource, Splits

__all__ = ["DIGITS_TEST_IMAGES", "Digits"]

DIGITS_TEST_IMAGES = 360


class Digits(ImageSource):
    """1797 images whose levels 0..16 become round(v * 255 / 16).

    The split holds out 360 images, stratified by class and shuffled with numpy's frozen legacy
    generator: train_test_split(test_size=360, random_state=0, stratify=labels).
    """

    name: ClassVar[str] = "digits"

    def files(self, config: DataConfig, folder: Path | None) -> list[Path]:  # noqa: ARG002
        """Return none."""
        return []

    def read(self, files: list[Path], config: DataConfig) -> Splits:  # noqa: ARG002
        """See ImageSource."""
        from sklearn.datasets import load_digits  # noqa: PLC0415 - slow to import
        from sklearn.model_selection import train_test_split  # noqa: PLC0415

        levels, labels = load_digits(return_X_y=True)
        images = np.rint(levels * 255 / 16).astype(np.uint8).reshape(-1, 8, 8, 1)
        train_images, test_images, train_labels, test_labels = train_test_split(
            images,
            labels.astype(np.int64),
            test_size=DIGITS_TEST_IMAGES,
            random_state=0,
            stratify=labels,
        )
        return Splits(train_images, train_labels, test_images, test_labels, classes=10)

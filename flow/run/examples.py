# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Images and what an attack made of them: from the attack step to the RTL and the report."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from flow.classifier import Images, Labels

__all__ = ["EXAMPLES_FILE", "Examples", "load_examples", "save_examples"]

EXAMPLES_FILE = "examples.npz"


@dataclass(frozen=True)
class Examples:
    """The first test images, attacked with PGD at rtlsim.epsilon_255.

    Attributes:
        clean: uint8[N, H, W, C], N of rtlsim.images.
        labels: int64[N].
        attacked: network -> uint8[M, H, W, C] of the first M of them, all N of the deployed one.
    """

    clean: Images
    labels: Labels
    attacked: Mapping[str, Images]


def save_examples(folder: Path, examples: Examples) -> None:
    """Write them into a step's folder."""
    arrays: dict[str, Any] = dict(examples.attacked)
    arrays |= {"clean": examples.clean, "labels": examples.labels}
    np.savez(folder / EXAMPLES_FILE, allow_pickle=False, **arrays)


def load_examples(folder: Path) -> Examples:
    """Read what save_examples wrote."""
    with np.load(folder / EXAMPLES_FILE) as archive:
        arrays = {key: archive[key] for key in archive.files}
    return Examples(arrays.pop("clean"), arrays.pop("labels"), arrays)

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What a server serves: a name, shapes, and a function from images to values."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..driver import Driver

__all__ = ["Answer", "Model", "driver_model"]


class Answer(NamedTuple):
    """Values int32[N, K] and the cycles that they took; 0 where nothing counts them."""

    values: NDArray[np.int32]
    cycles: int = 0


@dataclass(frozen=True)
class Model:
    """A classifier as the protocol knows it.

    Attributes:
        name: in the address.
        image_shape: (H, W, C) of uint8 images.
        outputs: int32 values of an image.
        output: "logits" or "label".
        classify: from uint8[N, H, W, C]; called by one thread at a time.
        parameters: that the metadata tells: digest, scale and offsets of the logits, clock, part.
    """

    name: str
    image_shape: tuple[int, int, int]
    outputs: int
    output: str
    classify: Callable[[NDArray[np.uint8]], Answer]
    parameters: dict[str, str | float | tuple[float, ...]] = field(default_factory=dict)

    @property
    def frame_bytes(self) -> int:
        """Bytes of an image."""
        return math.prod(self.image_shape)


def driver_model(driver: Driver) -> Model:
    """Return the kernel behind a driver."""

    def classify(images: NDArray[np.uint8]) -> Answer:
        found = driver.run(images)
        return Answer(found.values, found.cycles)

    about = driver.description
    return Model(
        name=about.name,
        image_shape=about.image_shape,
        outputs=about.outputs,
        output=about.output,
        classify=classify,
        parameters={
            "digest": about.digest.hex(),
            "logit_scale": about.logit_scale,
            "logit_offset": about.logit_offset,
            "part": about.part,
            "clock_mhz": driver.device.clock_mhz,
            "board": driver.device.name,
        },
    )

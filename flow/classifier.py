# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""One interface for every engine: uint8 images in, integer logits out."""

from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from flow.errors import FlowError

if TYPE_CHECKING:
    from torch import nn

__all__ = ["Classifier", "Differentiable", "Images", "Labels", "Logits", "accuracy", "check_images"]

Images = NDArray[np.uint8]  # [N, H, W, C], 0..255
Logits = NDArray[np.int32]  # [N, K]
Labels = NDArray[np.int64]  # [N], 0..K-1


class Classifier(Protocol):
    """Anything that classifies images; attacks and evaluations never know which engine it is."""

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """(H, W, C)."""
        ...

    @property
    def classes(self) -> int:
        """K."""
        ...

    def logits(self, images: Images) -> Logits:
        """Return the integer logits int32[N, K] of images uint8[N, H, W, C].

        The label is the argmax; ties go to the lowest index, in every engine.

        Raises:
            FlowError: the dtype is not uint8 or the shape is not (N, *input_shape).
        """
        ...


class Differentiable(Classifier, Protocol):
    """A classifier that hands out a torch twin; IntegerNetwork is one."""

    @property
    def scale(self) -> float:
        """Positive; the trained network's float logits are scale * integer logits."""
        ...

    def twin(self) -> "nn.Module":
        """Return float[N, H, W, C] in uint8 units -> float[N, K], equal to logits on integers."""
        ...


def accuracy(logits: Logits, labels: Labels) -> float:
    """Return the share of images whose argmax (lowest index on ties) is the label."""
    return float((logits.argmax(axis=1) == labels).mean())


def check_images(images: Images, input_shape: tuple[int, int, int]) -> None:
    """Refuse images that are not uint8[N, *input_shape].

    Raises:
        FlowError: naming the dtype or the shape that was found and the one that is needed.
    """
    if images.dtype != np.uint8:
        raise FlowError(f"images: dtype {images.dtype} is not uint8; convert to 0..255 first")
    if images.ndim != 4 or images.shape[1:] != input_shape:
        need = ", ".join(str(size) for size in input_shape)
        raise FlowError(
            f"images: shape {images.shape} is not (N, {need}); "
            "give NHWC images of the size that the network was trained on"
        )

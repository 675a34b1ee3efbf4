# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Between a model's own input tensor and the uint8 image that hardware takes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from hw.errors import HardwareError

__all__ = ["Preprocessing"]

_TOLERANCE = 1e-3  # of a pixel: what float32 loses on the way from a pixel to the tensor


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class Preprocessing:
    """The model's input tensor is pixel * scale + offset, channel by channel, in its own order.

    Attributes:
        shape: of the tensor, with a batch of 1: (1, 3, 32, 32).
        axes: tensor.transpose(axes) has the image's order, height, width, channels: (0, 2, 3, 1).
        scale, offset: of each channel's pixels 0..255; one entry for each channel.
    """

    shape: tuple[int, ...]
    axes: tuple[int, ...]
    scale: tuple[float, ...]
    offset: tuple[float, ...]

    def tensors(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return the model's input float32[N, *shape[1:]] for images uint8[N, H, W, C]."""
        values = images * np.array(self.scale) + np.array(self.offset)
        ordered = values.reshape(-1, *(self.shape[axis] for axis in self.axes[1:]))
        found: NDArray[np.float32] = ordered.transpose(np.argsort(self.axes)).astype(np.float32)
        return found

    def in_order(self, tensors: NDArray[Any], input_shape: tuple[int, int, int]) -> NDArray[Any]:
        """Return the elements of tensors [N, *shape[1:]] in the image's order, unchanged."""
        return tensors.transpose(self.axes).reshape(-1, *input_shape)

    def images(self, tensors: NDArray[Any], input_shape: tuple[int, int, int]) -> NDArray[np.uint8]:
        """Return images uint8[N, *input_shape] for tensors [N, *shape[1:]] that pixels can give.

        Raises:
            HardwareError: naming the first image with a value that no pixel has.
        """
        ordered = self.in_order(tensors, input_shape)
        found = np.zeros(ordered.shape, dtype=np.uint8)
        for index, image in enumerate(ordered):
            exact = (image.astype(np.float64) - np.array(self.offset)) / np.array(self.scale)
            nearest = np.rint(np.nan_to_num(exact, nan=-1.0).clip(-1, 256))
            good = (np.abs(exact - nearest) <= _TOLERANCE) & (nearest >= 0) & (nearest <= 255)
            if not good.all():
                raise HardwareError(
                    f"images: image {index} holds {image[~good][0]}, which is no input of a uint8 "
                    "pixel; round the images to pixels, or give the model's input encoding"
                )
            found[index] = nearest.astype(np.uint8)
        return found

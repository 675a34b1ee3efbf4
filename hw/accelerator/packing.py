# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Images to stream beats and stream beats to logits, as FINN packs them.

A beat holds `elements_per_beat` elements, the first in the lowest bits, and is padded with
zeros to whole bytes; a beat's bytes are in little-endian order here.
"""

import re

import numpy as np
from numpy.typing import NDArray

from hw.accelerator import ImageInput, LogitOutput
from hw.errors import HardwareError

__all__ = ["integer_width", "pack_images", "unpack_logits"]


def pack_images(images: NDArray[np.uint8], port: ImageInput) -> NDArray[np.uint8]:
    """Return the beats uint8[N, beats, bytes] of images uint8[N, H, W, C].

    Raises:
        HardwareError: images of another dtype or shape.
    """
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] != port.shape:
        raise HardwareError(
            f"images: {images.dtype}{list(images.shape)} is not uint8[N, "
            f"{', '.join(map(str, port.shape))}]; give NHWC images of the accelerator's size"
        )
    return images.reshape(len(images), port.beats_per_frame, port.elements_per_beat)


def unpack_logits(beats: NDArray[np.uint8], port: LogitOutput) -> NDArray[np.int32]:
    """Return the logits int32[N, K] in beats uint8[N, beats, bytes]."""
    signed, width = integer_width(port.datatype)
    bits = np.unpackbits(beats, axis=-1, bitorder="little")
    bits = bits[..., : port.elements_per_beat * width].reshape(len(beats), -1, width)
    weights = np.left_shift(np.int64(1), np.arange(width))
    if signed:
        weights[-1] = -weights[-1]
    return (bits.astype(np.int64) @ weights).astype(np.int32)


def integer_width(datatype: str) -> tuple[bool, int]:
    """Return whether a QONNX integer type is signed, and its width in bits (1 to 32).

    Raises:
        HardwareError: the type is no integer that fits into int32.
    """
    match = re.fullmatch(r"(U?)INT(\d+)", datatype)
    limit = 31 if match and match[1] else 32
    if match is None or not 1 <= int(match[2]) <= limit:
        raise HardwareError(f"datatype {datatype}: logits are INT1 to INT32 or UINT1 to UINT31")
    return not match[1], int(match[2])

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What the engine reads where a window reaches beyond the image."""

import numpy as np
from numpy.typing import NDArray

from flow.integer.native._layout import Form, Format

__all__ = ["zeros"]


def zeros(form: Form, groups: int, pixels: int) -> NDArray[np.uint8]:
    """Return so many pixels of zeros of one group, and bytes that may be touched after them."""
    channels = form.channels // groups
    if form.format == Format.U8:
        return np.full(channels * pixels + 64, -form.low % 256, dtype=np.uint8)
    code = -form.low // form.step
    if form.format == Format.NIBBLES:
        return _nibbles(code, channels, pixels, form)
    bits = np.zeros(-(-channels // 32) * 32, dtype=np.uint8)
    bits[:channels] = 1
    word = np.packbits(bits, bitorder="little").view("<u4")
    planes = [word * ((code >> plane) & 1) for plane in range(form.planes)]
    pixel = np.stack(planes, axis=1).astype(np.uint32)
    whole = np.concatenate([np.tile(pixel.ravel(), pixels), np.zeros(16, np.uint32)])
    return np.ascontiguousarray(whole).view(np.uint8)


def _nibbles(code: int, channels: int, pixels: int, form: Form) -> NDArray[np.uint8]:
    """Return pixels of one code, and bytes that may be touched after them."""
    codes = np.zeros(-(-channels // form.together) * form.together, dtype=np.int64)
    codes[:channels] = code
    places = np.arange(form.together) * form.planes
    nibbles = (codes.reshape(-1, form.together) << places).sum(axis=1) << 4
    return np.append(np.tile(nibbles, pixels), np.zeros(64)).astype(np.uint8)

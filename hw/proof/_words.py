# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Words of a memory file, as $readmemh gives them to the RTL, and the integers in their bits."""

import numpy as np
from numpy.typing import NDArray

from hw.errors import HardwareError
from hw.proof.memories import Integers

__all__ = ["Bits", "integers", "read_words"]

Bits = NDArray[np.uint8]  # [words, bits], the lowest first

_NOT_HEX = 255
_DIGITS = np.full(256, _NOT_HEX, np.uint8)
for _value, _pair in enumerate(("0", "1", "2", "3", "4", "5", "6", "7", "8", "9",
                                "aA", "bB", "cC", "dD", "eE", "fF")):  # fmt: skip
    _DIGITS[[ord(_digit) for _digit in _pair]] = _value


def read_words(name: str, content: bytes, words: int, width: int) -> Bits:
    """Return the words of a file with one hexadecimal number a line.

    Raises:
        HardwareError: another number of words, a line that is no number, one beyond the width.
    """
    lines = content.split()
    if len(lines) != words:
        raise HardwareError(f"{name}: {len(lines)} words, the RTL reads {words}; {_AGAIN}")
    digits = max([-(-width // 4), *map(len, lines)])
    text = b"".join(line.rjust(digits, b"0") for line in lines)
    nibbles = _DIGITS[np.frombuffer(text, np.uint8).reshape(words, digits)]
    bad = np.flatnonzero((nibbles == _NOT_HEX).any(axis=1))
    if len(bad):
        raise HardwareError(
            f"{name}: word {bad[0]} is {lines[bad[0]].decode(errors='replace')!r} and no "
            f"hexadecimal number; {_AGAIN}"
        )
    lowest = nibbles[:, ::-1, None] >> np.arange(4, dtype=np.uint8) & 1
    bits = lowest.reshape(words, -1)
    wide = np.flatnonzero(bits[:, width:].any(axis=1))
    if len(wide):
        raise HardwareError(f"{name}: word {wide[0]} has more than {width} bits; {_AGAIN}")
    return bits[:, :width].astype(np.uint8)


def integers(bits: Bits, *, signed: bool) -> Integers:
    """Return int64[...] of bits [..., width], two's complement if signed; up to 62 bits."""
    width = bits.shape[-1]
    values = bits.astype(np.int64) @ np.left_shift(np.int64(1), np.arange(width))
    return values - (bits[..., -1].astype(np.int64) << width) if signed else values


_AGAIN = "compile the network again"

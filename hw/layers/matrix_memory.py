# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The words of a weight memory, in the order in which a matrix unit takes them."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qonnx.core.datatype import BaseDataType

from hw.errors import HardwareError

__all__ = ["fold_weights", "stream_elements", "weight_bits", "write_memory", "write_runtime"]

Bits = NDArray[np.uint8]  # [words, bits], the lowest first


def fold_weights(matrix: NDArray[Any], pe: int, simd: int) -> NDArray[np.int64]:
    """Return the weights [words, pe, simd] of a matrix [inputs, outputs], folds of outputs first.

    Raises:
        HardwareError: a weight that is no integer; the folding does not divide the matrix.
    """
    inputs, outputs = matrix.shape
    if inputs % simd or outputs % pe:
        raise HardwareError(
            f"weights: SIMD {simd} and PE {pe} do not divide {inputs} inputs and {outputs} "
            "outputs; choose divisors"
        )
    integers = matrix.astype(np.int64)
    if (integers != matrix).any():
        raise HardwareError("weights: not all are integers; quantize the layer")
    folded = integers.T.reshape(outputs // pe, pe, inputs // simd, simd)
    return folded.transpose(0, 2, 1, 3).reshape(-1, pe, simd)


def weight_bits(folded: NDArray[np.int64], datatype: BaseDataType, *, planes: bool) -> Bits:
    """Return the words of folded weights [words, pe, simd].

    Args:
        folded: values of `datatype`; BIPOLAR ones become 0 and 1.
        datatype: two's complement if signed.
        planes: of each output the bit planes one after the other, as mvu_lut and vvu_lut take them;
            otherwise element by element, as FINN's unit takes them.

    Raises:
        HardwareError: a weight that the datatype does not hold.
    """
    low, high, width = int(datatype.min()), int(datatype.max()), datatype.bitwidth()
    if folded.min() < low or folded.max() > high:
        raise HardwareError(
            f"weights: {folded.min()} to {folded.max()} are no {datatype.name}; "
            "choose a type that holds them"
        )
    codes = (folded + 1) // 2 if datatype.name == "BIPOLAR" else folded
    bits = (codes[..., np.newaxis] >> np.arange(width) & 1).astype(np.uint8)
    if planes:
        bits = bits.swapaxes(-1, -2)
    return bits.reshape(len(folded), -1)


def stream_elements(bits: Bits, datatype: BaseDataType) -> NDArray[np.float32]:
    """Return the elements [words, n] that FINN packs to these words, whatever they stand for."""
    width = datatype.bitwidth()
    codes = bits.reshape(len(bits), -1, width).astype(np.int64) @ (1 << np.arange(width))
    if datatype.name == "BIPOLAR":
        return (2 * codes - 1).astype(np.float32)
    if datatype.signed():
        codes -= (codes >> (width - 1)) << width
    return codes.astype(np.float32)


def write_memory(bits: Bits, path: Path) -> None:
    """Write the words for $readmemh, one a line, as FINN does."""
    path.write_text("".join(f"{word}\n" for word in _hex(bits, -(-bits.shape[1] // 4))))


def write_runtime(bits: Bits, path: Path) -> None:
    """Write the words for the configuration bus: 32 bits a line, the lowest first.

    A word takes a power of two of lines, as FINN's memory streamer addresses them.
    """
    lines = 1 << max(0, (-(-bits.shape[1] // 32) - 1).bit_length())
    words = _hex(bits, 8 * lines)
    starts = range(8 * (lines - 1), -1, -8)
    path.write_text("".join(f"{word[i : i + 8]}\n" for word in words for i in starts))


def _hex(bits: Bits, digits: int) -> Iterable[str]:
    """Return the words in hexadecimal digits."""
    padded = np.zeros((len(bits), -(-digits // 2) * 8), np.uint8)
    padded[:, : bits.shape[1]] = bits
    text = np.packbits(padded, axis=1, bitorder="little")[:, ::-1].tobytes().hex()
    size = padded.shape[1] // 4
    return (text[i + size - digits : i + size] for i in range(0, len(text), size))

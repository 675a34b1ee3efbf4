# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""MATLAB files that scipy wrote, whole and damaged."""

import io

import numpy as np
import pytest
from scipy.io import savemat

from flow.data.mat_file import MatError, read_arrays

RNG = np.random.default_rng(0)
ARRAYS = {
    "X": RNG.integers(0, 256, (4, 3, 2, 5), dtype=np.uint8),
    "y": RNG.integers(0, 256, (3, 1), dtype=np.uint8),
    "doubles": RNG.normal(size=(2, 3)),
    "wide": RNG.integers(-(2**40), 2**40, (7, 1)),
    "singles": RNG.normal(size=(5, 2)).astype(np.float32),
    "none": np.zeros((0, 4), np.int16),
}


def saved(arrays: dict[str, object], *, compress: bool) -> bytes:
    buffer = io.BytesIO()
    savemat(buffer, arrays, do_compression=compress)
    return buffer.getvalue()


@pytest.mark.parametrize("compress", [False, True])
def test_arrays_are_those_that_were_saved(compress: bool) -> None:
    found = read_arrays(saved(ARRAYS, compress=compress))
    assert found.keys() == ARRAYS.keys()
    for name, expected in ARRAYS.items():
        np.testing.assert_array_equal(found[name], expected)
        assert found[name].dtype == expected.dtype


def test_what_is_no_real_array_is_left_out() -> None:
    other = {"text": "abc", "complex": np.ones((2, 2), complex), "cell": np.array([1, "a"], object)}
    assert read_arrays(saved({"y": ARRAYS["y"], **other}, compress=False)).keys() == {"y"}


SOUND = saved({"X": ARRAYS["X"]}, compress=False)
WRONG = {
    "its header is not that of a little-endian MATLAB 5 file": SOUND[:126] + b"MI" + SOUND[128:],
    "7 bytes are left over": SOUND + bytes(7),
    r"an element of \d+ bytes passes the end": SOUND[:-8],
    "an array has no flags, dimensions and name": SOUND[:128] + b"\x0e\0\0\0" + bytes(4),
    "a compressed element holds 0 elements, not 1": SOUND[:128]
    + b"\x0f\0\0\0\x08\0\0\0"
    + b"x\x9c\x03\0\0\0\0\x01",
    "Error -3 while decompressing data": SOUND[:128] + b"\x0f\0\0\0\x08\0\0\0" + bytes(8),
    r"the array 'X' of \[4, 3, 2, 6\] has 120 bytes": SOUND.replace(
        b"\x02\0\0\0\x05\0\0\0", b"\x02\0\0\0\x06\0\0\0"
    ),
    "the array 'X' has no values": SOUND.replace(
        b"\x04\0\0\0\x03\0\0\0\x02", b"\xff\xff\xff\xff\x03\0\0\0\x02"
    ),
}


@pytest.mark.parametrize("message", WRONG)
def test_a_damaged_file_is_refused(message: str) -> None:
    with pytest.raises(MatError, match=message):
        read_arrays(WRONG[message])


@pytest.mark.parametrize("seed", range(100))
def test_any_damage_is_read_or_refused(seed: int) -> None:
    """scipy.io.loadmat ends the process on some of these."""
    rng = np.random.default_rng(seed)
    content = bytearray(saved(ARRAYS, compress=bool(seed % 2)))
    for place in rng.integers(100, len(content), 3):
        content[place] = rng.integers(0, 256)
    try:
        found = read_arrays(bytes(content))
    except MatError:
        return
    assert all(isinstance(array, np.ndarray) for array in found.values())

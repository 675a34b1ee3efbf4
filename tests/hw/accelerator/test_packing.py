# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Packing against FINN's own: finn.util.data_packing."""

import numpy as np
import pytest
from finn.util.data_packing import finnpy_to_packed_bytearray
from hypothesis import given
from hypothesis import strategies as st
from qonnx.core.datatype import DataType

from hw.accelerator import ImageInput, LogitOutput
from hw.accelerator.packing import integer_width, pack_images, unpack_logits
from hw.errors import HardwareError


def _image_input(channels: int, elements: int) -> ImageInput:
    return ImageInput(
        shape=(2, 3, channels),
        datatype="UINT8",
        stream_width_bits=8 * elements,
        elements_per_beat=elements,
    )


@pytest.mark.parametrize(("channels", "elements"), [(1, 1), (3, 1), (3, 3), (4, 2)])
def test_images_are_packed_as_finn_packs_them(channels: int, elements: int) -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, 2, 3, channels), dtype=np.uint8)
    folded = images.reshape(2, -1, elements).astype(np.float32)
    packed = finnpy_to_packed_bytearray(
        folded, DataType["UINT8"], reverse_inner=True, reverse_endian=True
    )
    np.testing.assert_array_equal(pack_images(images, _image_input(channels, elements)), packed)


@given(st.integers(1, 32), st.booleans(), st.integers(1, 4), st.integers(1, 3), st.data())
def test_logits_are_unpacked_as_finn_packs_them(
    width: int, signed: bool, elements: int, beats: int, data: st.DataObject
) -> None:
    width = width if signed else min(width, 31)
    low, high = (-(2 ** (width - 1)), 2 ** (width - 1) - 1) if signed else (0, 2**width - 1)
    count = 2 * beats * elements
    values = data.draw(st.lists(st.integers(low, high), min_size=count, max_size=count))
    logits = np.array(values, np.int32).reshape(2, beats * elements)
    datatype = f"{'' if signed else 'U'}INT{width}"
    beat_bytes = -(-elements * width // 8)
    port = LogitOutput(
        shape=(beats * elements,),
        datatype=datatype,
        logit_scale=1.0,
        logit_offset=(0.0,) * (beats * elements),
        stream_width_bits=8 * beat_bytes,
        elements_per_beat=elements,
    )
    packed = np.array(
        [
            [_pack(logits[n, b * elements :][:elements], width, beat_bytes) for b in range(beats)]
            for n in range(2)
        ],
        np.uint8,
    )
    np.testing.assert_array_equal(unpack_logits(packed, port), logits)


def _pack(elements: np.ndarray, width: int, size: int) -> list[int]:
    """Return the bytes of one beat, by Python's unbounded integers."""
    word = sum((int(value) % 2**width) << (index * width) for index, value in enumerate(elements))
    return list(word.to_bytes(size, "little"))


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((1, 2, 3, 1), np.float32),
        np.zeros((2, 3, 1), np.uint8),
        np.zeros((1, 3, 2, 1), np.uint8),
    ],
    ids=["dtype", "batch", "transposed"],
)
def test_other_images_are_refused(images: np.ndarray) -> None:
    with pytest.raises(HardwareError, match=r"images: \w+\[.*\] is not uint8\[N, 2, 3, 1\]"):
        pack_images(images, _image_input(1, 1))


@pytest.mark.parametrize("datatype", ["FLOAT32", "INT33", "UINT32", "INT0", "BIPOLAR"])
def test_logits_must_fit_into_int32(datatype: str) -> None:
    with pytest.raises(HardwareError, match=f"datatype {datatype}: logits are INT1 to INT32"):
        integer_width(datatype)

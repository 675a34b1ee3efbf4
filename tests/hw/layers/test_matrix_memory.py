# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Words of a weight memory."""

from pathlib import Path

import numpy as np
import pytest
from qonnx.core.datatype import DataType

from hw.errors import HardwareError
from hw.layers.matrix_memory import (
    fold_weights,
    stream_elements,
    weight_bits,
    write_memory,
    write_runtime,
)


def test_folds_of_outputs_come_first() -> None:
    matrix = np.arange(24).reshape(4, 6)  # weight of input i and output o: 6 i + o
    folded = fold_weights(matrix, pe=3, simd=2)
    np.testing.assert_array_equal(folded[0], [[0, 6], [1, 7], [2, 8]])
    np.testing.assert_array_equal(folded[1], [[12, 18], [13, 19], [14, 20]])
    np.testing.assert_array_equal(folded[2], [[3, 9], [4, 10], [5, 11]])


def test_planes_and_elements() -> None:
    folded = np.array([[[1, -2]]])
    elements = weight_bits(folded, DataType["INT2"], planes=False)
    np.testing.assert_array_equal(elements, [[1, 0, 0, 1]])
    np.testing.assert_array_equal(
        weight_bits(folded, DataType["INT2"], planes=True), [[1, 0, 0, 1]]
    )
    three = weight_bits(np.array([[[3, 4]]]), DataType["UINT3"], planes=True)
    np.testing.assert_array_equal(three, [[1, 0, 1, 0, 0, 1]])


@pytest.mark.parametrize("name", ["INT3", "UINT3", "BIPOLAR"])
def test_stream_elements_have_the_bits(name: str) -> None:
    kind = DataType[name]
    bits = np.random.default_rng(0).integers(0, 2, (5, 4 * kind.bitwidth()), np.uint8)
    values = stream_elements(bits, kind).astype(np.int64)[:, np.newaxis]
    np.testing.assert_array_equal(weight_bits(values, kind, planes=False), bits)


def test_memory_file(tmp_path: Path) -> None:
    write_memory(np.array([[1, 0, 0, 0, 1], [0, 1, 1, 1, 1]], np.uint8), tmp_path / "m.dat")
    assert (tmp_path / "m.dat").read_text() == "11\n1e\n"


def test_runtime_file_takes_a_power_of_two_of_lines(tmp_path: Path) -> None:
    word = np.zeros((1, 70), np.uint8)
    word[0, [0, 33, 69]] = 1
    write_runtime(word, tmp_path / "m.dat")
    assert (tmp_path / "m.dat").read_text() == "00000001\n00000002\n00000020\n00000000\n"


@pytest.mark.parametrize(("matrix", "message"), [
    (np.full((4, 4), 0.5), "not all are integers; quantize the layer"),
    (np.zeros((4, 3)), "PE 2 do not divide 4 inputs and 3 outputs"),
])  # fmt: skip
def test_matrices_that_do_not_fold(matrix: np.ndarray, message: str) -> None:
    with pytest.raises(HardwareError, match=message):
        fold_weights(matrix, pe=2, simd=2)


def test_weights_of_another_type() -> None:
    with pytest.raises(HardwareError, match="-2 to 1 are no BIPOLAR"):
        weight_bits(np.array([[[1, -2]]]), DataType["BIPOLAR"], planes=True)

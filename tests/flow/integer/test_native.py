# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The native engine against the integer network, on every instruction set that runs here."""

import os
import threading
from itertools import count, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flow.errors import FlowError
from flow.fuzz import random_network
from flow.integer import (
    IMAGE,
    Add,
    Convolution,
    Dense,
    Flatten,
    IntegerNetwork,
    MaxPool,
    Operation,
    Threshold,
)
from flow.integer.native import Kernels, Kind, NativeNetwork, _library, instruction_sets, peak_rate

ISAS = instruction_sets()


def _images(network: IntegerNetwork, count: int, seed: int = 0) -> np.ndarray:
    shape = (count, *network.input_shape)
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def _differing(network: IntegerNetwork, images: np.ndarray, **options: Any) -> int:  # noqa: ANN401
    found = NativeNetwork(network, **options).logits(images)
    return int((found != network.logits(images)).sum())


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_random_networks_give_the_same_logits(seed: int) -> None:
    network = random_network(seed)
    images = _images(network, 4, seed)
    assert [_differing(network, images, isa=isa, threads=1) for isa in ISAS] == [0] * len(ISAS)


def _thresholds(rng: np.random.Generator, channels: int, bits: int) -> dict[str, Any]:
    levels = rng.integers(-30, 60, (channels, 2**bits - 1))
    offset, step = (-1, 2) if bits == 1 else (0, 1)
    return {"thresholds": np.sort(levels, axis=1), "offset": offset, "step": step}


def _quantized(
    seed: int, *, weight_bits: int, bits: int, channels: int = 40, pad: int = 0
) -> IntegerNetwork:
    """Return convolution, pool, convolution, dense at low precision, as a trained network has."""
    rng = np.random.default_rng(seed)

    def weights(*shape: int) -> np.ndarray:
        most = max(1, 2 ** (weight_bits - 1) - 1)
        found = rng.integers(-most, most + 1, shape)
        return np.where(found == 0, 1, found) if weight_bits == 1 else found

    operations: tuple[Operation, ...] = (
        Convolution(name="c0", weights=weights(3, 3, 3, channels)),
        Threshold(name="t0", **_thresholds(rng, channels, bits)),
        MaxPool(name="p", kernel=(2, 2), stride=(2, 2)),
        Convolution(name="c1", weights=weights(3, 3, channels, 64), padding=(pad,) * 4),
        Threshold(name="t1", **_thresholds(rng, 64, bits)),
        Flatten(name="f"),
        Dense(name="d", weights=weights(64 * (2 + 2 * pad) ** 2, 10)),
    )
    return IntegerNetwork(operations, (10, 10, 3), 1.0)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("pad", [0, 1])
@pytest.mark.parametrize("bits", [1, 2, 4, 8])
@pytest.mark.parametrize("weight_bits", [1, 2, 4, 8])
def test_precisions_give_the_same_logits(isa: str, weight_bits: int, bits: int, pad: int) -> None:
    network = _quantized(weight_bits * 10 + bits, weight_bits=weight_bits, bits=bits, pad=pad)
    assert _differing(network, _images(network, 3), isa=isa) == 0


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("groups", [1, 2, 3])
@pytest.mark.parametrize("weight_bits", [1, 2])
def test_planes_of_groups_with_padding(isa: str, groups: int, weight_bits: int) -> None:
    rng = np.random.default_rng(groups)
    weights = rng.integers(-1, 2, (3, 2, 32, 12 * groups))
    if weight_bits == 1:
        weights = np.where(weights == 0, 1, weights)
    operations: tuple[Operation, ...] = (
        Convolution(name="c0", weights=rng.integers(-7, 8, (1, 1, 2, 32 * groups))),
        Threshold(name="t", **_thresholds(rng, 32 * groups, 2)),
        Convolution(name="c1", weights=weights, groups=groups, padding=(1, 1, 0, 1), stride=(2, 1)),
        Flatten(name="f"),
        Dense(name="d", weights=rng.integers(-7, 8, (3 * 6 * 12 * groups, 4))),
    )
    network = IntegerNetwork(operations, (6, 5, 2), 1.0)
    choice = Kernels(planes=2, tables=False)
    found = NativeNetwork(network, isa=isa, kernels=choice).profile(_images(network, 1))
    assert [stage.kernel for stage in found][1] == "bits"
    assert _differing(network, _images(network, 5), isa=isa, kernels=choice) == 0


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("bits", [1, 2])
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("channels", [3, 32, 37])
def test_tables_of_groups_with_padding(isa: str, bits: int, groups: int, channels: int) -> None:
    inputs = channels if groups == 1 else -(-channels // 4) * 4
    rng = np.random.default_rng(channels)
    values = [-1, 1] if bits == 1 else [-3, -1, 0, 2]
    thresholds = np.sort(rng.integers(-300, 300, (inputs * groups, 2**bits - 1)), axis=1)
    operations: tuple[Operation, ...] = (
        Convolution(name="c0", weights=rng.integers(-7, 8, (1, 1, 2, inputs * groups))),
        Threshold(name="t", thresholds=thresholds, offset=0, step=1),
        MaxPool(name="p", kernel=(2, 2), stride=(1, 1)),
        Convolution(
            name="c1",
            weights=rng.choice(values, (3, 2, inputs, 40 * groups)),
            groups=groups,
            padding=(1, 1, 0, 1),
        ),
        Flatten(name="f"),
        Dense(name="d", weights=rng.integers(-7, 8, (5 * 5 * 40 * groups, 4))),
    )
    network, choice = IntegerNetwork(operations, (7, 5, 2), 1.0), Kernels(planes=1, tables=True)
    found = NativeNetwork(network, isa=isa, kernels=choice).profile(_images(network, 1))
    assert [stage.kernel for stage in found][1:3] == ["max_nibbles", "tables"]
    assert _differing(network, _images(network, 5), isa=isa, kernels=choice) == 0


@settings(max_examples=60, deadline=None)
@given(data=st.data(), size=st.integers(1, 700), outputs=st.integers(1, 70))
def test_sums_at_the_bounds_of_bytes_and_16_bits(
    data: st.DataObject, size: int, outputs: int
) -> None:
    """All the largest and the least products in a row, for few weights and for many."""
    values = data.draw(st.lists(st.integers(-128, 127), min_size=1, max_size=5))
    levels = data.draw(st.sampled_from([0, 1, 2, 3]))
    rng = np.random.default_rng(size)
    weights = np.sort(rng.choice(values, (size, outputs)), axis=0)
    thresholds = np.sort(rng.integers(1, 256, (1, levels)), axis=1)
    counted = Threshold(name="t", thresholds=thresholds, offset=data.draw(st.integers(-3, 1)))
    inner: tuple[Operation, ...] = (Flatten(name="f"), Dense(name="d", weights=weights))
    operations = (counted, *inner) if levels else inner
    network = IntegerNetwork(operations, (1, size, 1), 1.0)
    images = np.concatenate([np.zeros((1, 1, size, 1)), np.full((1, 1, size, 1), 255)])
    images = np.concatenate([images, rng.choice([0, 255], (3, 1, size, 1))]).astype(np.uint8)
    for isa in ISAS:
        for planes, tables, shorts in product((0, 2), (False, True), (False, True)):
            choice = Kernels(planes=planes, tables=tables, shorts=shorts)
            assert _differing(network, images, isa=isa, kernels=choice, threads=1) == 0


@pytest.mark.parametrize(
    ("weight_bits", "bits", "kernels"),
    [
        (1, 1, ["dot", "max_bits", "bits", "bits"]),
        (2, 1, ["dot", "max_bits", "bits", "bits"]),
        (4, 4, ["dot", "max", "dot", "dot"]),
        (16, 4, ["matrix", "max", "matrix", "matrix"]),
    ],
)
def test_kernels_follow_the_precision(weight_bits: int, bits: int, kernels: list[str]) -> None:
    network = _quantized(1, weight_bits=weight_bits, bits=bits)
    found = NativeNetwork(network, isa="portable").profile(_images(network, 1))
    assert [stage.kernel for stage in found] == kernels
    assert sum(stage.products for stage in found) == 64 * 27 * 40 + 4 * 360 * 64 + 256 * 10


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("weight", [-128, 127])
@pytest.mark.parametrize("pixel", [0, 255])
def test_extreme_sums_are_exact(isa: str, weight: int, pixel: int) -> None:
    weights = np.full((32768, 1), weight)
    network = IntegerNetwork((Flatten(name="f"), Dense(name="d", weights=weights)), (32, 32, 32), 1)
    found = NativeNetwork(network, isa=isa).logits(np.full((1, 32, 32, 32), pixel, dtype=np.uint8))
    assert found.tolist() == [[32768 * weight * pixel]]


def _after(weights: np.ndarray, threshold: Threshold) -> IntegerNetwork:
    operations = (Flatten(name="f"), Dense(name="d", weights=weights), threshold)
    return IntegerNetwork(operations, (1, 1, weights.shape[0]), 1.0)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize("weight", [2**23, 2**31 - 1, 2**40])
def test_sums_beyond_int32_are_exact(isa: str, weight: int) -> None:
    levels = np.sort(np.random.default_rng(3).integers(0, 300 * weight, (1, 50)), axis=1)
    levels = np.sort(np.concatenate([levels, levels + 1], axis=1), axis=1)
    network = _after(np.array([[weight], [1]]), Threshold(name="t", thresholds=levels, offset=-3))
    assert _differing(network, _images(network, 200), isa=isa) == 0


@pytest.mark.parametrize("isa", ISAS)
def test_every_value_at_and_around_thresholds_is_counted(isa: str) -> None:
    levels = np.ceil(np.array([[10.3], [0.0]]) + np.array([[16.7], [1.0]]) * np.arange(14))
    threshold = Threshold(name="t", thresholds=levels.astype(np.int64), offset=0)
    network = _after(np.array([[1, 1]]), threshold)
    images = np.arange(256, dtype=np.uint8).reshape(256, 1, 1, 1)
    assert _differing(network, images, isa=isa) == 0


@pytest.mark.parametrize("count", [0, 1, 2, 7, 300])
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_batches_and_threads_change_nothing(count: int, threads: int) -> None:
    network = _quantized(4, weight_bits=2, bits=2)
    assert _differing(network, _images(network, count), threads=threads) == 0


def _large(channels: int, bits: int) -> IntegerNetwork:
    """Return a network with work enough for one image to be shared out."""
    rng = np.random.default_rng(channels)
    operations: tuple[Operation, ...] = (
        Convolution(name="c0", weights=rng.integers(-1, 2, (3, 3, 3, channels))),
        Threshold(name="t0", **_thresholds(rng, channels, bits)),
        Convolution(name="c1", weights=rng.integers(-1, 2, (3, 3, channels, channels))),
        Threshold(name="t1", **_thresholds(rng, channels, bits)),
        MaxPool(name="p", kernel=(2, 2), stride=(1, 1)),
        Convolution(name="c2", weights=rng.integers(-1, 2, (3, 3, channels, 5))),
        Flatten(name="f"),
    )
    return IntegerNetwork(operations, (40, 40, 3), 1.0)


@pytest.mark.parametrize("isa", ISAS)
@pytest.mark.parametrize(("channels", "bits"), [(33, 2), (64, 1), (37, 4), (34, 8)])
def test_rows_of_one_image_are_shared_by_threads(isa: str, channels: int, bits: int) -> None:
    network = _large(channels, bits)
    native, images = NativeNetwork(network, isa=isa, threads=7), _images(network, 3)
    expected = network.logits(images)
    for turn in range(30):
        count = 1 + turn % 3
        assert (native.logits(images[:count]) == expected[:count]).all()


def test_a_child_process_goes_on_without_its_parent_s_threads() -> None:
    network = _large(33, 2)
    native, images = NativeNetwork(network, threads=3), _images(network, 1)
    expected = native.logits(images)
    child = os.fork()
    if not child:
        os._exit(int((native.logits(images) != expected).any()))
    assert os.waitpid(child, 0) == (child, 0)


def test_images_need_not_be_contiguous() -> None:
    network = _quantized(5, weight_bits=2, bits=2)
    images = _images(network, 8)[::2, ::-1, ::-1]
    assert not images.flags.c_contiguous
    assert _differing(network, images) == 0


def test_python_threads_share_an_engine() -> None:
    network = _quantized(6, weight_bits=2, bits=2)
    shared, images = NativeNetwork(network, threads=2), _images(network, 120)
    found: dict[int, np.ndarray] = {}

    def work(index: int) -> None:
        for _ in range(10):
            found[index] = shared.logits(images[index * 20 : (index + 1) * 20])

    threads = [threading.Thread(target=work, args=(index,)) for index in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    whole = np.concatenate([found[index] for index in range(6)])
    assert (whole == network.logits(images)).all()


def test_operations_that_nothing_needs_are_not_computed() -> None:
    operations = (
        Flatten(name="f"),
        Dense(name="unused", inputs=("f",), weights=np.ones((4, 9), dtype=np.int64)),
        Dense(name="d", inputs=("f",), weights=np.ones((4, 2), dtype=np.int64)),
    )
    network = IntegerNetwork(operations, (2, 2, 1), 1.0)
    found = NativeNetwork(network).profile(_images(network, 1))
    assert [stage.name for stage in found] == ["d"]


def test_pixels_alone_are_logits() -> None:
    network = IntegerNetwork((Flatten(name="f"),), (2, 2, 1), 1.0)
    assert _differing(network, _images(network, 5)) == 0


def test_an_image_that_is_read_twice_is_added() -> None:
    operations = (Add(name="a", inputs=(IMAGE, IMAGE), factors=(3, -1)), Flatten(name="f"))
    network = IntegerNetwork(operations, (3, 3, 2), 1.0)
    assert _differing(network, _images(network, 5)) == 0


def test_engine_outlives_its_plan_s_arrays() -> None:
    rng, weights = np.random.default_rng(7), np.ones((12, 3), dtype=np.int64)
    network = _after(weights, Threshold(name="t", **_thresholds(rng, 3, 2)))
    native, images = NativeNetwork(network), _images(network, 9)
    expected = network.logits(images)
    weights[:] = 0
    assert (native.logits(images) == expected).all()


@pytest.mark.parametrize(("kind", "planes"), [(Kind.DOT, 1), (Kind.BITS, 1), (Kind.TABLES, 2)])
@pytest.mark.parametrize("isa", ISAS)
def test_the_peak_is_products_by_the_clock_s_seconds(isa: str, kind: Kind, planes: int) -> None:
    ticks = count(step=4)  # the engine always takes 4 s
    found = peak_rate(isa, kind, planes, seconds=1.0, clock=lambda: float(next(ticks)))
    assert found == _library.library().sf_peak(ISAS.index(isa), int(kind), planes, 1000) / 4 > 0


def test_the_best_of_several_measurements_is_the_peak() -> None:
    readings = iter([0.0, 0.0, 3.0, 3.0, 3.0, 4.0, 4.0, 5.0, 7.0, 12.0])  # 3, 1 and 2 s
    found = peak_rate("portable", Kind.DOT, seconds=7.0, clock=lambda: next(readings))
    assert found == _library.library().sf_peak(0, Kind.DOT, 1, 1000)


def test_kernels_that_fit_are_those_of_the_bit_widths() -> None:
    network = _quantized(1, weight_bits=2, bits=2)
    found = {s.name: s.fitting for s in NativeNetwork(network).profile(_images(network, 1))}
    assert found["t0"] == ((Kind.DOT, 1),)
    assert found["t1"] == ((Kind.DOT, 1), (Kind.BITS, 2), (Kind.TABLES, 2))
    assert found["p"] == ()


@pytest.mark.parametrize(("bits", "weights", "planes"), [(1, 2, 1), (2, 2, 2), (1, 4, 2)])
def test_tables_look_up_one_plane_where_bits_meet_two_weights(
    bits: int, weights: int, planes: int
) -> None:
    levels = np.sort(np.random.default_rng(8).integers(0, 256, (12, 2**bits - 1)))
    operations = (
        Flatten(name="f"),
        Threshold(name="t", thresholds=levels, offset=0),
        Dense(name="d", weights=np.arange(36).reshape(12, 3) % weights + 5),
    )
    network = IntegerNetwork(operations, (2, 2, 3), 1.0)
    found = {s.name: s.fitting for s in NativeNetwork(network).profile(_images(network, 1))}
    assert found["d"] == ((Kind.DOT, 1), (Kind.TABLES, planes))


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((1, 10, 10, 3)), "dtype float64 is not uint8"),
        (np.zeros((1, 3, 10, 10), dtype=np.uint8), r"shape \(1, 3, 10, 10\) is not"),
    ],
)
def test_other_images_are_refused(images: np.ndarray, message: str) -> None:
    with pytest.raises(FlowError, match=message):
        NativeNetwork(_quantized(1, weight_bits=1, bits=1)).logits(images)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"isa": "sse9"}, "instruction set 'sse9' is not one of portable"),
        ({"threads": 0}, "0 threads is not at least 1"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(FlowError, match=message):
        NativeNetwork(_quantized(1, weight_bits=1, bits=1), **options)


def test_sums_beyond_int64_are_refused() -> None:
    threshold = Threshold(name="t", thresholds=np.array([[0]]), offset=0)
    network = _after(np.array([[2**61]]), threshold)
    with pytest.raises(FlowError, match=r"t: sums of up to \d+ do not fit int64; use narrower"):
        NativeNetwork(network)


def test_missing_library_is_said(tmp_path: Path) -> None:
    with pytest.raises(FlowError, match=r"native engine: .* cannot be loaded .*pip install"):
        _library.load(tmp_path / "none.so")


def test_library_of_other_sources_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_library, "ABI", -1)
    with pytest.raises(FlowError, match=r"native engine: .* is version \d+, not -1; build it"):
        _library.load(_library.FILE)


@pytest.mark.parametrize("isa", instruction_sets())
@pytest.mark.parametrize("step", [1, 2])
@pytest.mark.parametrize("levels", [
    [[1]], [[128]], [[255]], [[256]], [[0, 7, 300]], [[3, 3, 200, 255]],
    [[10], [20], [30]], [list(range(1, 24))], [list(range(0, 250, 10))],
], ids=lambda levels: f"{len(levels)}x{len(levels[0])}-{levels[0][-1]}")  # fmt: skip
def test_bytes_are_counted_as_they_are(levels: list[list[int]], step: int, isa: str) -> None:
    """All values of a byte, against thresholds that no byte reaches or every one does."""
    threshold = Threshold(name="t", thresholds=np.array(levels), offset=-1, step=step)
    weights = np.random.default_rng(0).integers(-1, 2, (11 * 3, 5))
    operations = (threshold, Flatten(name="f"), Dense(name="d", weights=weights))
    network = IntegerNetwork(operations, (1, 11, 3), 1.0)
    images = np.arange(256, dtype=np.uint8).repeat(33).reshape(256, 1, 11, 3)
    images[:, 0, 1::2] = images[::-1, 0, 1::2]
    assert (NativeNetwork(network, isa=isa).logits(images) == network.logits(images)).all()

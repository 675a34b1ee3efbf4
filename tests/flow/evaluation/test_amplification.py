# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Relative error by depth against a plain loop, and where no ratio exists."""

import numpy as np
import pytest
from quantized_digits import digits, digits_network

from flow.errors import FlowError
from flow.evaluation.amplification import error_amplification

CLEAN = digits().test_images[:300]  # more than one batch


def disturbed() -> np.ndarray:
    noise = np.random.default_rng(0).integers(-8, 9, CLEAN.shape)
    return np.clip(CLEAN + noise, 0, 255).astype(np.uint8)


def test_every_depth_equals_a_plain_loop() -> None:
    network, after = digits_network(), disturbed()
    found = error_amplification(network, CLEAN, after, name="plain")
    assert [item.layer for item in found] == ["input", *(o.name for o in network.operations)]
    depth = 3  # conv1 is operation 2, behind "input"
    ratios = []
    for a, b in zip(
        network.activations(CLEAN)[2][1], network.activations(after)[2][1], strict=True
    ):
        ratios.append(np.sqrt(((b - a) ** 2).sum()) / np.sqrt((a**2).sum()))
    assert found[depth].distance == pytest.approx(np.mean(ratios))
    half = 1.96 * np.std(ratios, ddof=1) / np.sqrt(len(ratios))
    middle = found[depth].distance
    assert found[depth].ci95 == pytest.approx((middle - half, middle + half), rel=1e-4)


def test_two_images_have_an_interval_and_one_has_none() -> None:
    after = CLEAN.copy()
    after[0, 0, 0, 0] ^= 64
    found = error_amplification(digits_network(), CLEAN[:2], after[:2], name="plain")[0]
    first = 64 / np.linalg.norm(CLEAN[0].astype(float))  # the other has not changed
    assert found.distance == pytest.approx(first / 2)
    assert found.ci95[1] - found.distance == pytest.approx(1.96 * first / 2, rel=1e-4)
    (alone, *_) = error_amplification(digits_network(), CLEAN[:1], after[:1], name="plain")
    assert alone.ci95 == (alone.distance, alone.distance)


def test_same_images_have_no_error() -> None:
    found = error_amplification(digits_network(), CLEAN, CLEAN, name="plain")
    assert {item.distance for item in found} == {0.0}


def test_image_without_activation_is_left_out() -> None:
    black = np.zeros_like(CLEAN[:1])
    pair = np.concatenate([black, CLEAN[:1]])
    after = np.concatenate([black + 5, CLEAN[:1]]).astype(np.uint8)
    assert error_amplification(digits_network(), pair, after, name="plain")[0].distance == 0.0
    (none, *_) = error_amplification(digits_network(), black, black + 5, name="plain")
    assert (none.distance, none.ci95) == (0.0, (0.0, 0.0))


def test_different_shapes_are_refused() -> None:
    with pytest.raises(FlowError, match=r"amplification of plain: \(2, 8, 8, 1\) clean and \(1,"):
        error_amplification(digits_network(), CLEAN[:2], CLEAN[:1], name="plain")
    with pytest.raises(FlowError, match=r"amplification of plain: \(1, 8, 8, 1\) clean and \(2,"):
        error_amplification(digits_network(), CLEAN[:1], CLEAN[:2], name="plain")
    with pytest.raises(FlowError, match=r"before and after attack, at least one"):
        error_amplification(digits_network(), CLEAN[:0], CLEAN[:0], name="plain")

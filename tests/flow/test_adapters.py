# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Our engines behind the interfaces of other attack libraries."""

from typing import Any

import numpy as np
import pytest
import torch
from art.attacks.evasion import SquareAttack

from flow.adapters import as_art, as_art_white_box, as_function, as_module
from flow.errors import FlowError
from flow.integer import Dense, Flatten, IntegerNetwork
from flow.integer.native import NativeNetwork


@pytest.fixture
def network() -> IntegerNetwork:
    weights = np.random.default_rng(0).integers(-7, 8, (768, 3))
    return IntegerNetwork((Flatten(name="f"), Dense(name="d", weights=weights)), (16, 16, 3), 0.5)


def _images(count: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (count, 16, 16, 3), dtype=np.uint8)


def _floats(images: np.ndarray) -> np.ndarray:
    return (images / 255.0).transpose(0, 3, 1, 2).astype(np.float32)


def test_floats_are_rounded_to_pixels(network: IntegerNetwork) -> None:
    images = _images(5)
    noise = np.random.default_rng(2).uniform(-0.4, 0.4, images.shape)
    values = ((images + noise).clip(0, 255) / 255).astype(np.float32)
    found = as_function(NativeNetwork(network), scale=0.5, channels_first=False)(values)
    assert found.dtype == np.float32
    assert (found == network.logits(images) * 0.5).all()


def test_tensors_give_tensors(network: IntegerNetwork) -> None:
    images = _images(5)
    found = as_function(network)(torch.from_numpy(_floats(images)))
    assert isinstance(found, torch.Tensor)
    assert (found.numpy() == network.logits(images)).all()


@pytest.mark.parametrize("value", [-0.1, 1.5, np.nan])
def test_values_outside_0_to_1_are_refused(network: IntegerNetwork, value: float) -> None:
    with pytest.raises(FlowError, match=r"images: \S+ is not within 0..1; clip them"):
        as_function(network)(np.full((1, 3, 16, 16), value))


def test_art_s_square_attack_changes_labels_within_epsilon(network: IntegerNetwork) -> None:
    images = _images(8)
    labels: Any = network.logits(images).argmax(axis=1)
    estimator = as_art(NativeNetwork(network, threads=1), scale=0.01)
    attack = SquareAttack(estimator, eps=0.3, max_iter=50, verbose=False)
    np.random.seed(0)  # what ART draws from
    found = attack.generate(_floats(images), labels)
    assert np.abs(found - _floats(images)).max() < 0.3 + 1e-6
    assert (estimator.predict(found).argmax(axis=1) != labels).mean() > 0.5


def test_the_module_equals_the_engine_and_has_gradients(network: IntegerNetwork) -> None:
    images = _images(5)
    noise = np.random.default_rng(2).uniform(-0.4, 0.4, images.shape)
    values = _floats((images + noise).clip(0, 255))
    at = torch.from_numpy(values).requires_grad_()
    logits = as_module(network)(at)
    assert (logits.detach().numpy() == network.logits(images) * 0.5).all()
    (gradient,) = torch.autograd.grad(logits[:, 1].sum(), at)
    expected = network.operations[1].weights[:, 1].reshape(16, 16, 3).transpose(2, 0, 1)  # type: ignore[union-attr]
    np.testing.assert_allclose(gradient.numpy(), np.tile(expected * 127.5, (5, 1, 1, 1)), rtol=1e-6)


def test_art_has_the_module_s_gradients(network: IntegerNetwork) -> None:
    images = _images(2)
    estimator = as_art_white_box(network)
    found = estimator.class_gradient(_floats(images), label=2)[:, 0]
    expected = network.operations[1].weights[:, 2].reshape(16, 16, 3).transpose(2, 0, 1)  # type: ignore[union-attr]
    np.testing.assert_allclose(found, np.tile(expected * 127.5, (2, 1, 1, 1)), rtol=1e-6)

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Our engines behind the interfaces of other attack libraries."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from art.attacks.evasion import FastGradientMethod, ProjectedGradientDescent, SquareAttack
from numpy.typing import NDArray

from flow.classifier import Images, Labels, Logits
from flow.errors import FlowError
from flow.evaluation.adapters import (
    _whole,
    as_art,
    as_art_white_box,
    as_foolbox,
    as_function,
    as_module,
    run_art,
    run_foolbox,
)
from flow.evaluation.evaluator import l2_distances, linf_distances
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
    found = as_function(network, scale=1.0)(torch.from_numpy(_floats(images)))
    assert isinstance(found, torch.Tensor)
    assert (found.numpy() == network.logits(images)).all()


@pytest.mark.parametrize("value", [-0.1, 1.5, np.nan])
def test_values_outside_0_to_1_are_refused(network: IntegerNetwork, value: float) -> None:
    with pytest.raises(FlowError, match=r"images: \S+ is not within 0..1; clip them"):
        as_function(network)(np.full((1, 3, 16, 16), value))


def test_values_that_only_rounding_puts_outside_are_taken(network: IntegerNetwork) -> None:
    asked = np.tile([-1e-6, 1 + 1e-6], 384).reshape(1, 16, 16, 3)
    found = as_function(network, channels_first=False)(asked)
    ends = np.tile(np.array([0, 255], np.uint8), 384).reshape(1, 16, 16, 3)
    np.testing.assert_array_equal(found, network.logits(ends) * 0.5)


def test_the_first_value_outside_is_named(network: IntegerNetwork) -> None:
    asked = np.full((1, 16, 16, 3), 0.5)
    asked[0, 0, 0] = 0.25, -0.75, 3
    with pytest.raises(FlowError, match=r"images: -0\.75 is not within 0\.\.1"):
        as_function(network, channels_first=False)(asked)


def test_an_engine_without_scale_is_taken_as_it_is(network: IntegerNetwork) -> None:
    plain: Any = SimpleNamespace(logits=network.logits)
    images = _images(2)
    np.testing.assert_array_equal(as_function(plain)(_floats(images)), network.logits(images))
    found = as_function(plain, scale=0.25, offset=2.5)(_floats(images))
    np.testing.assert_array_equal(found, network.logits(images) * 0.25 + 2.5)


def test_the_module_cuts_values_outside_off(network: IntegerNetwork) -> None:
    values = torch.from_numpy(_floats(_images(2))) * 3 - 1
    found = as_module(network)(values)
    pixels = (255 * values.clamp(0, 1)).round().permute(0, 2, 3, 1).to(torch.uint8).numpy()
    np.testing.assert_array_equal(found.detach(), network.logits(pixels) * 0.5)


@pytest.mark.filterwarnings("ignore")  # of Foolbox, when imported
def test_libraries_are_told_shapes_classes_and_the_range(network: IntegerNetwork) -> None:
    oblong = IntegerNetwork(network.operations, (8, 32, 3), 1.0)
    for estimator in (as_art(oblong), as_art_white_box(oblong)):
        assert tuple(estimator.input_shape) == (3, 8, 32)
        assert estimator.nb_classes == 3
        assert estimator.channels_first
        assert [float(end) for end in estimator.clip_values] == [0, 1]
    model = as_foolbox(oblong)
    assert tuple(model.bounds) == (0, 1)


class Finds:
    """Stands in for an attack of ART that has no ball."""

    def __init__(self, found: NDArray[np.float32]) -> None:
        self.estimator, self.found = SimpleNamespace(input_shape=(3, 16, 16)), found

    def generate(self, values: np.ndarray, labels: Labels) -> NDArray[np.float32]:
        del values, labels
        return self.found


def test_an_attack_without_a_ball_may_find_anything() -> None:
    images, far = _images(2), 255 - _images(2)
    found = run_art(Finds(_floats(far)), images, np.zeros(2, np.int64))
    np.testing.assert_array_equal(found, far)


def test_radii_are_cut_to_pixels_in_linf_only() -> None:
    assert _whole(0.03, "linf") == 7 / 255
    assert _whole(0.3, "l2") == pytest.approx(0.3)


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


@pytest.fixture
def shifted(network: IntegerNetwork) -> IntegerNetwork:
    return IntegerNetwork(network.operations, network.input_shape, 0.5, offset=-3.25)


@pytest.mark.filterwarnings("ignore")  # of Foolbox, when imported
def test_logits_have_scale_and_offset_everywhere(shifted: IntegerNetwork) -> None:
    images = _images(4)
    expected, values = shifted.logits(images) * 0.5 - 3.25, _floats(images)
    for found in (
        as_function(shifted)(values),
        as_art(NativeNetwork(shifted)).predict(values),
        as_art_white_box(shifted).predict(values),
        as_foolbox(shifted)(torch.from_numpy(values)).detach().numpy(),
    ):
        np.testing.assert_array_equal(found, expected)


@pytest.fixture
def mild(network: IntegerNetwork) -> IntegerNetwork:
    """Its float logits differ by about 1, so that cross-entropy has gradients."""
    return IntegerNetwork(network.operations, network.input_shape, 1e-4)


def margins(network: IntegerNetwork, images: Images, labels: Labels) -> NDArray[np.int64]:
    """Return the logit of the label over the highest other one, int64[N]."""
    logits = network.logits(images).astype(np.int64)
    rows = np.arange(len(labels))
    own = logits[rows, labels]
    logits[rows, labels] = np.iinfo(np.int64).min
    return own - logits.max(axis=1)


class Watching:
    """An engine that keeps the farthest that it was asked about; one image is the clean one."""

    def __init__(self, network: IntegerNetwork, clean: Images) -> None:
        self.network, self.clean, self.farthest = network, clean, 0
        self.input_shape, self.classes = network.input_shape, network.classes

    def logits(self, images: Images) -> Logits:
        distances = linf_distances(np.repeat(self.clean, len(images), axis=0), images)
        self.farthest = max(self.farthest, int(distances.max(initial=0)))
        return self.network.logits(images)


def test_art_sees_and_finds_only_pixels_of_the_ball(network: IntegerNetwork) -> None:
    images = _images(1)
    labels: Any = network.logits(images).argmax(axis=1)
    watching = Watching(network, images)
    attack = SquareAttack(as_art(watching), eps=0.03, max_iter=30, verbose=False)  # 7.65 pixels
    np.random.seed(0)  # what ART draws from
    assert linf_distances(images, run_art(attack, images, labels)) == 7 == watching.farthest
    assert attack.eps == 0.03
    steps = FastGradientMethod(as_art_white_box(network), eps=0.03, eps_step=0.02)
    run_art(steps, images, labels)
    assert (steps.eps, steps.eps_step) == (0.03, 0.02)


@pytest.mark.parametrize("norm", [np.inf, 2])
def test_art_s_white_box_keeps_the_ball_and_gains(mild: IntegerNetwork, norm: float) -> None:
    images, epsilon = _images(8), 0.03 if norm == np.inf else 0.3
    labels: Any = mild.logits(images).argmax(axis=1)
    attack = ProjectedGradientDescent(
        as_art_white_box(mild), norm, epsilon, epsilon / 4, max_iter=10, verbose=False
    )
    found = run_art(attack, images, labels)
    distances = (linf_distances if norm == np.inf else l2_distances)(images, found)
    assert distances.max() <= 255 * epsilon
    assert distances.min() > 0.9 * 255 * epsilon - 1
    assert (margins(mild, found, labels) < margins(mild, images, labels)).all()


def test_less_than_a_pixel_is_the_clean_image(network: IntegerNetwork) -> None:
    images = _images(2)
    attack = FastGradientMethod(as_art_white_box(network), eps=0.9 / 255)
    np.testing.assert_array_equal(run_art(attack, images, np.zeros(2, np.int64)), images)


@pytest.mark.filterwarnings("ignore")  # of Foolbox, when imported
@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_foolbox_keeps_the_ball_and_gains(mild: IntegerNetwork, norm: Any) -> None:  # noqa: ANN401
    from foolbox.attacks import L2PGD, LinfPGD  # noqa: PLC0415

    images, epsilon = _images(8), 0.03 if norm == "linf" else 0.3
    labels = mild.logits(images).argmax(axis=1)
    attack = LinfPGD(steps=10) if norm == "linf" else L2PGD(steps=10)
    found = run_foolbox(attack, as_foolbox(mild), images, labels, epsilon=epsilon, norm=norm)
    distances = (linf_distances if norm == "linf" else l2_distances)(images, found)
    assert distances.max() <= 255 * epsilon
    assert (margins(mild, found, labels) < margins(mild, images, labels)).all()


def test_a_norm_without_a_ball_of_pixels_is_refused(network: IntegerNetwork) -> None:
    attack = FastGradientMethod(as_art_white_box(network), norm=1, eps=0.3)
    with pytest.raises(FlowError, match="attack: norm 1 has no ball of pixels here; choose inf"):
        run_art(attack, _images(1), np.zeros(1, np.int64))


def test_art_s_attacks_of_other_images_are_refused(network: IntegerNetwork) -> None:
    attack = FastGradientMethod(as_art_white_box(network))
    with pytest.raises(FlowError, match=r"images: shape \(1, 8, 8, 1\) is not \(N, 16, 16, 3\)"):
        run_art(attack, np.zeros((1, 8, 8, 1), np.uint8), np.zeros(1, np.int64))

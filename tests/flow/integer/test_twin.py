# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The torch twin: exactly the integers forward, the documented straight-through rule backward."""

import numpy as np
import pytest
import torch
from torch import Tensor

from flow.fuzz import random_network
from flow.integer import (
    Bias,
    Convolution,
    Dense,
    Flatten,
    IntegerNetwork,
    MaxPool,
    Operation,
    SumPool,
    Threshold,
    twin_functions,
)
from flow.integer.operations import IMAGE


def gradient(network: IntegerNetwork, images: Tensor) -> Tensor:
    pixels = images.clone().requires_grad_()
    (found,) = torch.autograd.grad(network.twin()(pixels)[:, 0].sum(), pixels)
    return found


def test_twin_equals_the_network_and_has_gradients(tiny_network: IntegerNetwork) -> None:
    images = np.random.default_rng(3).integers(0, 256, (64, 6, 6, 1), dtype=np.uint8)
    pixels = torch.from_numpy(images).float().requires_grad_()
    logits = tiny_network.twin()(pixels)
    logits[:, 0].sum().backward()
    assert (logits.detach().numpy() == tiny_network.logits(images)).all()
    assert pixels.grad is not None
    assert (pixels.grad.abs().sum(dim=(1, 2, 3)) > 0).float().mean() > 0.9


def test_twin_gradient_is_the_slope_of_the_staircase() -> None:
    levels = np.arange(10, 160, 10).reshape(1, -1)  # steps of 10 from 10 to 150
    network = IntegerNetwork(
        (
            Flatten(name="f"),
            Threshold(name="t", thresholds=levels, offset=0),
            Dense(name="d", weights=np.array([[3]])),
        ),
        (1, 1, 1),
        1.0,
    )
    pixels = torch.tensor([2.0, 80.0, 200.0]).reshape(3, 1, 1, 1).requires_grad_()
    network.twin()(pixels).sum().backward()
    assert pixels.grad is not None
    assert pixels.grad.reshape(-1).tolist() == pytest.approx([0.0, 0.3, 0.0])


@pytest.mark.parametrize("quick", [True, False])
def test_twins_of_random_networks_equal_them(quick: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not quick:
        monkeypatch.setattr(twin_functions, "_BYTES", False)
    rng = np.random.default_rng(0)
    for seed in range(150):
        network = random_network(seed)
        images = rng.integers(0, 256, (3, *network.input_shape), dtype=np.uint8)
        found = network.twin()(torch.from_numpy(images).float())
        assert (found.detach().numpy() == network.logits(images)).all(), seed


def pooled(*extra: Operation) -> IntegerNetwork:
    rng = np.random.default_rng(5)
    thresholds = np.arange(-150, 225, 25).reshape(1, -1) + rng.integers(0, 99, (16, 1))
    return IntegerNetwork(
        (
            Convolution(name="c", weights=rng.integers(-1, 2, (3, 3, 2, 16)), stride=(1, 1)),
            Threshold(name="t", thresholds=thresholds, offset=0),
            MaxPool(name="p", kernel=(2, 2), stride=(2, 2), padding=(0, 1, 1, 0)),
            *extra,
            Convolution(name="c2", weights=rng.integers(-7, 8, (2, 2, 16, 8)), stride=(1, 1)),
            Threshold(name="t2", thresholds=np.array([[-90, -80, 0, 60]]), offset=-2, step=2),
            Flatten(name="f"),
            Dense(name="d", weights=rng.integers(-7, 8, (4 * 4 * 8, 3))[: 8 * _places(extra)]),
        ),
        (12, 12, 2),
        1.0,
    )


def _places(extra: tuple[Operation, ...]) -> int:
    return 1 if extra else 16


IMAGES = np.random.default_rng(6).integers(0, 256, (20, 12, 12, 2), dtype=np.uint8)


@pytest.mark.parametrize(
    "extra", [(), (MaxPool(name="p2", kernel=(2, 2), stride=(2, 2)),)], ids=["one", "two pools"]
)
def test_pools_before_thresholds_change_no_logit(extra: tuple[Operation, ...]) -> None:
    network = pooled(*extra)
    pixels = torch.from_numpy(IMAGES).float()
    assert (network.twin()(pixels).detach().numpy() == network.logits(IMAGES)).all()


def test_a_pool_that_others_read_too_stays_behind_its_thresholds() -> None:
    network = IntegerNetwork(
        (
            Threshold(name="t", thresholds=np.array([[50, 100, 150]]), offset=1),
            MaxPool(name="p", kernel=(2, 2), stride=(2, 2)),
            MaxPool(name="p2", kernel=(6, 6), stride=(6, 6)),
            SumPool(name="s", kernel=(6, 6), stride=(6, 6), inputs=("p",)),
            Flatten(name="f", inputs=("s",)),
            Dense(name="d", weights=np.eye(2, dtype=np.int64)),
        ),
        (12, 12, 2),
        1.0,
    )
    assert [step.operation.name for step in network.twin().plan.steps][:3] == ["p", "t", "p2"]
    pixels = torch.from_numpy(IMAGES).float()
    assert (network.twin()(pixels).numpy() == network.logits(IMAGES)).all()


def test_gradient_of_bfloat16_has_nearly_the_signs_of_float32(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pixels = torch.from_numpy(IMAGES).float()
    quick = gradient(pooled(), pixels)
    monkeypatch.setattr(twin_functions, "_BFLOAT16", False)
    exact = gradient(pooled(), pixels)
    assert (exact != 0).float().mean() > 0.1
    assert (quick.sign() == exact.sign()).float().mean() > 0.97
    assert torch.nn.functional.cosine_similarity(quick.flatten(), exact.flatten(), 0) > 0.999


def test_gradient_of_a_convolution_is_torchs() -> None:
    weights = np.random.default_rng(7).integers(-7, 8, (3, 2, 1, 4))
    window = {"stride": (2, 1), "padding": (2, 0, 1, 1), "groups": 2}
    convolution = Convolution(name="c", weights=weights, **window)
    network = IntegerNetwork((convolution, Flatten(name="f")), (5, 6, 2), 1.0)
    pixels = torch.rand(3, 5, 6, 2).requires_grad_()
    padded = torch.nn.functional.pad(pixels.permute(0, 3, 1, 2), (0, 1, 2, 1))
    kernel = torch.from_numpy(weights.transpose(3, 2, 0, 1)).float()
    sums = torch.nn.functional.conv2d(padded, kernel, stride=(2, 1), groups=2)
    (expected,) = torch.autograd.grad(sums[:, 0, 0, 0].sum(), pixels)
    assert (gradient(network, pixels.detach()) == expected).all()


def test_uneven_thresholds_are_counted_one_by_one() -> None:
    levels = np.array([[3, 4, 90, 91, 200]])
    network = IntegerNetwork(
        (Flatten(name="f"), Threshold(name="t", thresholds=levels, offset=0)), (1, 1, 1), 1.0
    )
    pixels = torch.arange(0, 256.0).reshape(-1, 1, 1, 1).requires_grad_()
    counts = network.twin()(pixels)
    assert (counts[:, 0] == (torch.arange(256)[:, None] >= torch.from_numpy(levels)).sum(1)).all()
    counts.sum().backward()
    assert pixels.grad is not None
    slope = 4 / 197  # from half of 197 / 4 before 3 to as much after 200
    inside = [abs(x - 101.5) < 197 / 2 + 197 / 8 for x in range(256)]
    expected = [slope * at for at in inside]
    assert pixels.grad.reshape(-1).tolist() == pytest.approx(expected)


@pytest.mark.parametrize(("count", "fits"), [(254, True), (255, True), (256, False)])
def test_a_line_counts_the_levels_of_eight_bits_at_most(count: int, fits: bool) -> None:
    levels = np.arange(count)[None] - 128
    operations = (
        Flatten(name="f"),
        Bias(name="b", values=np.array([-128])),
        Threshold(name="t", thresholds=levels, offset=0),
    )
    twin = IntegerNetwork(operations, (1, 1, 1), 1.0).twin()
    (stairs,) = (one for one in twin.modules() if isinstance(one, twin_functions.Staircase))
    assert stairs.counts is fits


def test_pixels_between_the_integers_count_as_the_integer_below() -> None:
    network = IntegerNetwork(
        (Flatten(name="f"), Threshold(name="t", thresholds=np.array([[1, 3, 5]]), offset=0)),
        (1, 1, 1),
        1.0,
    )
    pixels = torch.tensor([0.0, 0.99, 1.0, 2.5, 2.999, 3.0, 4.999, 255.0]).reshape(-1, 1, 1, 1)
    assert network.twin()(pixels)[:, 0].tolist() == [0, 0, 1, 1, 1, 2, 2, 3]


def test_no_images_give_no_logits_and_no_gradient() -> None:
    pixels = torch.zeros(0, 12, 12, 2)
    assert pooled().twin()(pixels).shape == (0, 3)
    assert gradient(pooled(), pixels).shape == pixels.shape


def test_values_of_an_image_keep_their_name() -> None:
    assert pooled().twin().plan.steps[0].sources == (IMAGE,)


@pytest.mark.parametrize("pooled", [False, True])
def test_a_lone_threshold_passes_gradients_for_a_standard_deviation(pooled: bool) -> None:
    """Weights 3 and 4 of norm 5, times half of 0..255: the window is 637.5 to both sides."""
    pool = (MaxPool(name="pool", kernel=(1, 1), stride=(1, 1)),) if pooled else ()
    operations = (
        Convolution(name="conv", weights=np.array([[[[3], [4]]]])),
        *pool,
        Threshold(name="sign", thresholds=np.array([[800]]), offset=-1, step=2),
        Flatten(name="flatten"),
    )
    twin = IntegerNetwork(operations, (1, 1, 2), 1.0).twin()
    inside, outside = [(23, 24), (200, 209)], [(0, 0), (22, 24), (205, 206), (255, 255)]
    for pixels in inside + outside:
        images = torch.tensor(pixels).float().view(1, 1, 1, 2).requires_grad_()
        logits = twin(images)
        assert logits.item() == (1 if 3 * pixels[0] + 4 * pixels[1] >= 800 else -1)
        (gradient,) = torch.autograd.grad(logits.sum(), images)
        expected = [3 / 637.5, 4 / 637.5] if pixels in inside else [0, 0]
        assert gradient.flatten().tolist() == pytest.approx(expected, rel=0.01)

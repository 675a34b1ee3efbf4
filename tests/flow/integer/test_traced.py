# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Gradients by the native engine, compared with torch's own, layer by layer."""

import copy

import numpy as np
import pytest
import torch
from torch import Tensor

from flow.fuzz import random_network
from flow.integer import (
    Add,
    Concat,
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
from flow.integer._twin_native import window_of
from flow.integer.bounds import Interval
from flow.integer.native import instruction_sets
from flow.integer.native.traced import TracedNetwork
from flow.integer.operations import IMAGE, Bias, Scale, Unflatten
from flow.integer.twin import Twin
from flow.integer.twin_functions import Staircase

RNG = np.random.default_rng(11)


@pytest.fixture(autouse=True)
def _float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(twin_functions, "_BFLOAT16", False)


def _counts(name: str, channels: int, half: int, levels: int = 3, step: int = 1) -> Threshold:
    rows = np.sort(RNG.integers(-half, half, (channels, levels)), axis=1)
    return Threshold(name=name, thresholds=rows, offset=-1, step=step)


def _weights(*shape: int) -> np.ndarray:
    return RNG.integers(-7, 8, shape)


def _every_operation() -> IntegerNetwork:
    """Margins, strides, overlapping maxima, branches; channels that fill no register or block."""
    operations: tuple[Operation, ...] = (
        Threshold(name="t0", thresholds=np.arange(30, 240, 30).reshape(1, -1), offset=0),
        Convolution(name="c1", weights=_weights(3, 3, 3, 70), padding=(1, 0, 2, 1)),
        _counts("t1", 70, 90),
        MaxPool(name="p1", kernel=(3, 2), stride=(2, 1), padding=(1, 0, 0, 1)),
        Convolution(name="c2", weights=_weights(3, 3, 70, 20), padding=(1, 1, 1, 1)),
        Bias(name="b2", values=RNG.integers(-9, 9, 20)),
        _counts("t2", 20, 400, 1, 2),
        Convolution(name="c3", weights=_weights(3, 3, 1, 20), padding=(1, 1, 1, 1), groups=20),
        _counts("t3", 20, 30),
        Add(name="a", factors=(2, -3), inputs=("t2", "t3")),
        _counts("t4", 20, 9, 15),
        Concat(name="j", inputs=("t4", "t2", "t4")),
        Convolution(name="c5", weights=_weights(1, 2, 60, 130), stride=(2, 3)),
        _counts("t5", 130, 90),
        SumPool(name="s", kernel=(2, 2), stride=(1, 1), padding=(0, 1, 0, 0)),
        Flatten(name="f"),
        Dense(name="d", weights=_weights(2 * 4 * 130, 33)),
        _counts("t6", 33, 300, 30),
        Unflatten(name="u"),
        Convolution(name="c7", weights=_weights(3, 3, 33, 5), padding=(1, 1, 1, 1)),
        Flatten(name="f7"),
    )
    return IntegerNetwork(operations, (10, 12, 3), 1.0)


def _images(network: IntegerNetwork, count: int = 19) -> Tensor:
    shape = (count, *network.input_shape)
    return torch.from_numpy(RNG.integers(0, 256, shape, dtype=np.uint8)).float()


def _engine(twin: Twin) -> TracedNetwork:
    assert twin.engine is not None
    return twin.engine


def _agree(network: IntegerNetwork, images: Tensor) -> None:
    twin, pixels = network.twin(), images.clone().requires_grad_()
    _engine(twin)
    found, expected = twin(pixels), twin.layered(pixels)
    assert (found == expected).all()
    given = torch.from_numpy(RNG.normal(size=found.shape)).float()
    ours, theirs = (
        torch.autograd.grad((logits * given).sum(), pixels)[0] for logits in (found, expected)
    )
    assert theirs.abs().max() > 0
    assert torch.allclose(ours, theirs, rtol=1e-4, atol=1e-5 * float(theirs.abs().max()))


def test_every_operation_has_torchs_gradient() -> None:
    network = _every_operation()
    _agree(network, _images(network))


def test_random_networks_have_torchs_gradients() -> None:
    agreed = 0
    for seed in range(120):
        network = random_network(seed)
        if network.twin().engine is not None:
            agreed += 1
            found = _images(network, 5)
            pixels = found.clone().requires_grad_()
            if network.twin().layered(pixels).requires_grad:
                _same_or_zero(network, found)
    assert agreed > 15


def _same_or_zero(network: IntegerNetwork, images: Tensor) -> None:
    twin, pixels = network.twin(), images.clone().requires_grad_()
    ours, theirs = (
        torch.autograd.grad(logits.sum(), pixels)[0]
        for logits in (twin(pixels), twin.layered(pixels))
    )
    assert torch.allclose(ours, theirs, rtol=1e-4, atol=1e-5 * float(theirs.abs().max()))


@pytest.mark.parametrize("threads", [1, 3])
def test_all_instruction_sets_give_the_same_bits(threads: int) -> None:
    network = _every_operation()
    twin, images = network.twin(), _images(network).to(torch.uint8).numpy()
    given = RNG.normal(size=(len(images), network.classes)).astype(np.float32)
    gradients = []
    for isa in instruction_sets():
        plan = twin.traced_plan(isa)
        assert plan is not None
        engine = TracedNetwork(plan)
        logits, trace = engine.logits(images, threads)
        assert (logits == network.logits(images)).all()
        gradients.append(engine.pull(trace, given, threads))
    assert all((found == gradients[0]).all() for found in gradients)
    assert np.abs(gradients[0]).max() > 0


def test_a_window_holds_the_integers_within_half_a_step() -> None:
    slope, start = np.float32([0.07, 1.0, 0.0031]), np.float32([0.4, -3.0, 8.5])
    columns = {
        name: torch.from_numpy(values).view(-1, 1, 1)
        for name, values in {"slope": slope, "start": start, "pull": slope}.items()
    }
    stairs = Staircase(counts=False, thresholds=torch.zeros(3, 7), **columns)
    window, values = window_of(stairs, Interval(-300, 200)), np.arange(-300, 201)
    level = values[:, None].astype(np.float32) * slope + start
    inside = (values[:, None] >= window.low) & (values[:, None] <= window.high)
    assert (inside == ((level > 0.5) & (level < 7.5))).all()
    assert inside.any(axis=0).tolist() == [True, True, False]


def test_what_the_engine_cannot_take_back_goes_through_torch() -> None:
    operations = (
        Scale(name="m", factors=np.arange(4).reshape(2, 2)),
        Flatten(name="f"),
        Dense(name="d", weights=_weights(4, 2)),
    )
    network = IntegerNetwork(operations, (2, 2, 1), 1.0)
    twin, pixels = network.twin(), _images(network)
    assert twin.engine is None
    assert (twin(pixels).numpy() == network.logits(pixels.to(torch.uint8).numpy())).all()


def test_values_between_the_integers_go_through_torch() -> None:
    network = _every_operation()
    twin, pixels = network.twin(), _images(network, 3)
    fractions = (pixels + 0.25).requires_grad_()
    found = twin(fractions)
    assert (found.detach() == twin(pixels)).all()  # the first thresholds round down
    assert "Traced" not in type(found.grad_fn).__name__


def test_a_copy_of_a_twin_makes_an_engine_of_its_own() -> None:
    network = _every_operation()
    twin, pixels = network.twin(), _images(network, 2)
    expected = twin(pixels)
    other = copy.deepcopy(twin)
    assert other.engine is not twin.engine
    assert (other(pixels) == expected).all()


def test_images_are_gone_back_to_more_than_once_and_in_any_number() -> None:
    network = _every_operation()
    twin, pixels = network.twin(), _images(network).requires_grad_()
    logits = twin(pixels)
    once, again = (
        torch.autograd.grad(logits[:, 0].sum(), pixels, retain_graph=True)[0] for _ in range(2)
    )
    assert (once == again).all()
    one = pixels.detach()[3:4].clone().requires_grad_()
    alone = torch.autograd.grad(twin(one)[:, 0].sum(), one)[0]
    assert (alone[0] == once[3]).all()
    assert twin(pixels[:0]).shape == (0, network.classes)


def test_images_that_others_read_too() -> None:
    operations = (
        Threshold(name="t", thresholds=np.array([[50, 100, 150]]), offset=0),
        SumPool(name="s", kernel=(2, 2), stride=(2, 2), inputs=(IMAGE,)),
        MaxPool(name="p", kernel=(2, 2), stride=(2, 2), inputs=("t",)),
        SumPool(name="q", kernel=(2, 2), stride=(2, 2), inputs=("t",)),
        Add(name="a", factors=(1, 9, 5), inputs=("s", "p", "q")),
        Flatten(name="f"),
        Dense(name="d", weights=_weights(4 * 2, 3)),
    )
    network = IntegerNetwork(operations, (4, 4, 2), 1.0)
    _agree(network, _images(network))

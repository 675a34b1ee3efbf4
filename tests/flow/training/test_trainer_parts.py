# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The pieces of the trainer, each against an oracle of its own."""

import copy
from functools import partial

import brevitas.nn as qnn
import numpy as np
import pytest
import torch
from brevitas.inject.enum import ScalingImplType
from brevitas.quant import Int8WeightPerTensorFloat, SignedBinaryActPerTensorConst
from torch import Tensor, nn

from brevitas_models.architectures import build, convnet_settings
from brevitas_models.classifier import QuantClassifier
from brevitas_models.lipschitz import dq_penalty
from brevitas_models.quantizers import DynamicQuantizedActivation
from flow.config import HeldOut, Machine, Schedule, TrainerSettings, TrainingConfig
from flow.config.section import Section
from flow.data.datasets import Dataset
from flow.errors import FlowError
from flow.objectives import Model, TrainingSet
from flow.storage.network_state import capture, restore, tensors
from flow.training.average import Average
from flow.training.data import TrainingImages
from flow.training.fabric import build_optimiser, launch
from flow.training.float import learned_scales_anew
from flow.training.held_out import Measured, measure
from flow.training.norms import calibrate
from flow.training.schedule import epsilon, phase_of, warmup_cosine
from flow.training.selection import Selection
from flow.training.trainer import quantization_off

SETTINGS = TrainerSettings(epochs=1, learning_rate=0.1, batch_size=8)


@pytest.fixture
def network() -> QuantClassifier:
    settings = convnet_settings(input_shape=(8, 8, 1), classes=10, channels=(4, 8), strides=(2, 2))
    return build(settings, seed=1)


@pytest.fixture
def images() -> Tensor:
    return torch.rand(16, 1, 8, 8, generator=torch.Generator().manual_seed(0))


def numbered(count: int) -> Dataset:
    """Images whose every pixel is their position."""
    values = np.arange(count, dtype=np.uint8)[:, None, None, None] + np.zeros((1, 2, 2, 1))
    train = values.astype(np.uint8), np.arange(count) % 3
    return Dataset("numbered", *train, *train, classes=3)


# --- settings


@pytest.mark.parametrize(
    ("kind", "key", "value", "rule"),
    [
        (Schedule, "epochs", 0, "greater than 0"),
        (Schedule, "float_epochs", -1, "greater than or equal to 0"),
        (Schedule, "learning_rate", 0.0, "greater than 0"),
        (Schedule, "float_learning_rate", 0.0, "greater than 0"),
        (Schedule, "learning_rate_warmup", 1.0, "less than 1"),
        (Schedule, "epsilon_255", 256.0, "less than or equal to 255"),
        (Schedule, "warmup_epochs", -1.0, "greater than or equal to 0"),
        (HeldOut, "images", -1, "greater than or equal to 0"),
        (HeldOut, "every", 0, "greater than 0"),
        (HeldOut, "steps", 0, "greater than 0"),
        (HeldOut, "restarts", 0, "greater than 0"),
        (HeldOut, "epsilon_255", -1, "greater than or equal to 0"),
        (HeldOut, "patience", 0, "greater than 0"),
        (Machine, "accelerator", "tpu", "'cpu' or 'cuda'"),
        (Machine, "precision", "8", "'32-true', 'bf16-mixed' or '16-mixed'"),
        (Machine, "devices", 0, "greater than 0"),
        (TrainerSettings, "batch_size", 1, "greater than or equal to 2"),
        (TrainerSettings, "optimiser", "adam", "'adamw' or 'sgd'"),
        (TrainerSettings, "weight_decay", -1.0, "greater than or equal to 0"),
        (TrainerSettings, "ema_decay", 1.0, "less than 1"),
        (TrainerSettings, "calibration_batches", -1, "greater than or equal to 0"),
        (TrainerSettings, "shift", -1, "greater than or equal to 0"),
    ],
)
def test_settings_out_of_range_are_refused(
    kind: type[Section], key: str, value: object, rule: str
) -> None:
    needed = {"epochs": 1, "learning_rate": 0.1} if issubclass(kind, Schedule) else {}
    message = rf"{kind.__name__}: {key}(\.\w+)?: {value!r} is refused: Input should be {rule}$"
    with pytest.raises(FlowError, match=message):
        kind(**needed | {key: value})


@pytest.mark.parametrize(
    ("kind", "values", "message"),
    [
        (HeldOut, {"patience": 3}, "patience 3 needs held-out images; give images"),
        (Machine, {"precision": "16-mixed"}, "16-mixed is not for the cpu; choose bf16-mixed"),
        (TrainingConfig, {"devices": 9, "batch_size": 17}, "17 is less than 2 for each of 9 dev"),
    ],
)
def test_settings_that_do_not_fit_each_other_are_refused(
    kind: type[Section], values: dict[str, object], message: str
) -> None:
    with pytest.raises(FlowError, match=rf"{kind.__name__}: .*{message}"):
        kind(**values)


def test_changed_settings_are_checked_and_remember_what_was_given() -> None:
    changed = SETTINGS.changed(epochs=2)
    assert (changed.epochs, changed.batch_size) == (2, SETTINGS.batch_size)
    assert changed.model_fields_set == {"epochs", "learning_rate", "batch_size"}
    with pytest.raises(FlowError, match="unknown key 'epoch'; did you mean 'epochs'"):
        SETTINGS.changed(epoch=2)


def test_more_devices_than_there_are_is_refused() -> None:
    devices = torch.cuda.device_count() + 1
    with pytest.raises(FlowError, match=rf"devices {devices} is more than the \d+ cuda"):
        launch(Machine(accelerator="cuda", devices=devices))


# --- schedule


@pytest.mark.parametrize(("progress", "rate"), [(0.0, 0.05), (0.15, 1.0), (0.575, 0.5), (1.0, 0.0)])
def test_the_learning_rate_rises_and_falls_once(progress: float, rate: float) -> None:
    assert warmup_cosine(progress, 0.15) == pytest.approx(rate, abs=1e-9)


def test_each_phase_has_a_cycle_of_its_own() -> None:
    schedule = Schedule(epochs=4, float_epochs=2, learning_rate=0.1, float_learning_rate=0.3)
    phases = [phase_of(epoch, schedule) for epoch in range(6)]
    assert [phase.quantized for phase in phases] == [False, False, True, True, True, True]
    assert phases[0].rate(2 * 0.15) == pytest.approx(0.3)
    assert phases[1].rate(2) == pytest.approx(0)
    assert phases[2].rate(2 + 4 * 0.15) == pytest.approx(0.1)
    assert phases[5].rate(6) == pytest.approx(0)


def test_epsilon_grows_over_its_warm_up() -> None:
    schedule = Schedule(epochs=4, learning_rate=0.1, epsilon_255=8, warmup_epochs=2)
    assert [epsilon(done, schedule) for done in (0, 0.5, 2, 3)] == [0, 2, 8, 8]
    assert epsilon(0, schedule.changed(warmup_epochs=0)) == 8


# --- data


def test_held_out_images_are_apart_and_an_epoch_has_each_other_image_once() -> None:
    data = TrainingImages(numbered(100), SETTINGS.changed(held_out=HeldOut(images=20)))
    out = data.held_out.images[:, 0, 0, 0].tolist()
    seen: list[float] = []
    for images, labels, _ in data.minibatches(0):
        assert images.shape == (8, 1, 2, 2)
        assert labels.tolist() == [int(value) % 3 for value in images[:, 0, 0, 0]]
        seen += images[:, 0, 0, 0].tolist()
    assert len(out) == 20
    assert sorted(map(int, seen)) == sorted(set(range(100)) - set(out))


def test_epochs_have_their_own_order_whatever_came_before() -> None:
    first, second = (TrainingImages(numbered(64), SETTINGS) for _ in range(2))
    orders = [[images.flatten().tolist() for images, _, _ in first.minibatches(n)] for n in (0, 1)]
    assert orders[0] != orders[1]
    assert [images.flatten().tolist() for images, _, _ in second.minibatches(1)] == orders[1]


def test_devices_share_a_minibatch_and_draw_apart() -> None:
    whole, *parts = (
        TrainingImages(numbered(64), SETTINGS, rank=rank, world=world)
        for rank, world in ((0, 1), (0, 2), (1, 2))
    )
    first = [next(one.minibatches(0)) for one in (whole, *parts)]
    values = [set(images[:, 0, 0, 0].tolist()) for images, _, _ in first]
    assert values[1] | values[2] == values[0]
    assert [len(one) for one in values] == [8, 4, 4]
    assert torch.rand(1, generator=first[1][2]) != torch.rand(1, generator=first[2][2])


def test_holding_out_all_images_is_refused() -> None:
    message = r"held_out.images 99 leaves 1 of the 100 training images; hold out fewer"
    with pytest.raises(FlowError, match=message):
        TrainingImages(numbered(100), SETTINGS.changed(held_out=HeldOut(images=99)))


# --- optimiser, average, selection


def test_only_weights_decay(network: QuantClassifier) -> None:
    weights, others = build_optimiser(network, SETTINGS.changed(weight_decay=0.5)).param_groups
    assert (weights["weight_decay"], others["weight_decay"]) == (0.5, 0.0)
    assert [one.ndim for one in weights["params"]] == [4, 4, 2]
    assert len(others["params"]) == 4  # gain and bias of two BatchNorms


def test_the_average_follows_its_formula() -> None:
    network = nn.BatchNorm1d(1)
    average, expected = Average(network, 0.5), 1.0
    for step, value in enumerate([3.0, 5.0, -2.0, 7.0, 1.0, 4.0, 4.0, 2.0, 0.0, 9.0]):
        nn.init.constant_(network.weight, value)
        average.update()
        kept = min(0.5, (1 + step) / (10 + step))
        expected = kept * expected + (1 - kept) * value
    with average.applied():
        assert network.weight.item() == pytest.approx(expected, rel=1e-6)
    assert network.weight.item() == 9.0


def test_the_average_leaves_quantizers_alone() -> None:
    network = nn.Sequential(qnn.QuantLinear(4, 4, bias=False), qnn.QuantReLU())
    average = Average(network, 0.5)
    before = {name: one.detach().clone() for name, one in tensors(network).items()}
    with torch.no_grad():
        for one in network.parameters():
            one.add_(1)
    average.update()
    average.store()
    moved = {name: (one - before[name]).mean().item() for name, one in network.named_parameters()}
    assert moved["0.weight"] == pytest.approx(0.9)
    assert {value for name, value in moved.items() if "act_quant" in name} == {1.0}


def test_the_first_of_the_best_is_kept(network: QuantClassifier) -> None:
    selection = Selection()
    for epoch, (robust, clean) in enumerate([(0.5, 0.9), (0.6, 0.7), (0.6, 0.7), (0.6, 0.6)], 1):
        selection.see(Measured(robust=robust, clean=clean), epoch, network)
    assert (selection.epoch, selection.stale) == (2, 2)
    selection.see(Measured(robust=0.6, clean=0.8), 5, network)
    assert (selection.epoch, selection.stale) == (5, 0)


def test_the_first_measurement_is_the_best_where_nothing_is_right(network: QuantClassifier) -> None:
    selection = Selection()
    for epoch in (1, 2):
        selection.see(Measured(robust=0.0, clean=0.0), epoch, network)
    assert (selection.epoch, selection.stale) == (1, 1)
    assert selection.network is not None


# --- state


def test_a_captured_network_is_restored(network: QuantClassifier, images: Tensor) -> None:
    before, state = network.eval()(images), capture(network)
    with torch.no_grad():
        for tensor in tensors(network).values():
            tensor.add_(1)
    restore(network, state)
    assert torch.equal(network(images), before)


def test_the_state_of_another_architecture_is_refused(network: QuantClassifier) -> None:
    state = capture(network.blocks()[0])
    with pytest.raises(FlowError, match=r"the state is another network's \(.* differs\); delete"):
        restore(network, state)


# --- float phase


def test_without_quantizers_weights_are_float_and_activations_clipped(
    network: QuantClassifier, images: Tensor
) -> None:
    network.eval()
    quantized, plain = network(images), images
    for block in network.blocks():
        conv = block.layer
        plain = nn.functional.conv2d(plain, conv.weight, stride=conv.stride, padding=1)
        plain = block.norm(plain).clamp(0, 3.75)  # the largest of 16 levels of 1/4
    plain = nn.functional.linear(plain.flatten(1), network.classifier.weight)
    with quantization_off(network):
        found = network(images)
    assert torch.allclose(found, plain, atol=1e-5)
    assert not torch.allclose(found, quantized, atol=1e-3)
    assert torch.equal(network(images), quantized)


def test_the_defensive_penalty_needs_no_quantizers() -> None:
    network = build(
        convnet_settings(input_shape=(8, 8, 1), classes=10, channels=(4,), strides=(2,)), seed=1
    )
    for _, layer in network.weighted_layers():  # which start orthogonal
        layer.weight.data.mul_(2)
    quantized = dq_penalty(network)
    with quantization_off(network):
        free = dq_penalty(network)
        free.backward()
    assert free.item() == pytest.approx(quantized.item(), rel=0.2)
    assert all(layer.weight.grad.abs().sum() > 0 for _, layer in network.weighted_layers())


def test_activations_of_a_learned_range_are_not_clipped() -> None:
    layer = qnn.QuantReLU(bit_width=4)
    values = torch.tensor([-3.0, 0.3, 1e6])
    with quantization_off(layer):
        assert layer(values).tolist() == pytest.approx([0.0, 0.3, 1e6])


def test_one_bit_activations_become_clipped_lines() -> None:
    layer = qnn.QuantIdentity(act_quant=SignedBinaryActPerTensorConst, return_quant_tensor=False)
    largest = layer(torch.tensor([5.0])).item()
    assert layer(torch.tensor([-0.01, 0.01])).tolist() == [-largest, largest]
    with quantization_off(layer):
        found = layer(torch.tensor([-5.0, -0.01, 0.01, 5.0])).tolist()
    assert found == pytest.approx([-largest, -0.01, 0.01, largest])


def test_quantizers_that_are_not_brevitas_are_off_too() -> None:
    layer = DynamicQuantizedActivation(4, step=0.5, learned=True)
    values = torch.tensor([-9.0, 0.1, 0.2, 9.0])
    with quantization_off(nn.Sequential(layer)):
        assert layer(values).tolist() == pytest.approx([-0.75, 0.1, 0.2, 0.75])
    assert layer(values).tolist() == [-0.75, 0.25, 0.25, 0.75]


class LearnedScale(Int8WeightPerTensorFloat):
    scaling_impl_type = ScalingImplType.PARAMETER_FROM_STATS


def test_learned_scales_follow_the_weights_of_the_float_phase() -> None:
    layers = [qnn.QuantLinear(4, 3, bias=False, weight_quant=LearnedScale) for _ in range(2)]
    with torch.no_grad():
        layers[0].quant_weight()  # takes the scale
        parameters = [*layers[0].weight_quant.parameters()]
        layers[0].weight.mul_(3)
        layers[1].weight.copy_(layers[0].weight)
    network = nn.Sequential(layers[0])
    old = layers[0].quant_weight().scale.item()
    learned_scales_anew(network)
    assert layers[0].quant_weight().scale.item() == pytest.approx(3 * old)
    assert layers[0].quant_weight().scale == layers[1].quant_weight().scale
    assert [*map(id, layers[0].weight_quant.parameters())] == [*map(id, parameters)]


def test_modes_and_flags_come_back_after_an_error(network: QuantClassifier) -> None:
    network.train()
    with pytest.raises(KeyError), quantization_off(network):
        raise KeyError
    assert all(module.training for module in network.modules())
    assert network.classifier.weight_quant.is_quant_enabled
    assert not any(module._forward_hooks for module in network.modules())


# --- BatchNorm


def test_calibration_is_torchs_cumulative_mean(network: QuantClassifier, images: Tensor) -> None:
    expected = copy.deepcopy(network).train()
    for block in expected.blocks():
        block.norm.reset_running_stats()
        block.norm.momentum = None
    with torch.no_grad():
        for part in images.split(4):
            expected(part)
    calibrate(network, [partial(network, part) for part in images.split(4)])
    for block, other in zip(network.blocks(), expected.blocks(), strict=True):
        assert torch.equal(block.norm.running_mean, other.norm.running_mean)  # type: ignore[arg-type]
        assert torch.equal(block.norm.running_var, other.norm.running_var)  # type: ignore[arg-type]
        assert block.norm.momentum == 0.1


def test_attacks_in_a_calibration_see_the_old_statistics(
    network: QuantClassifier, images: Tensor
) -> None:
    before, seen = network.eval()(images), []

    def attacked() -> None:
        with Model(network).attacked() as victim:
            seen.append(victim(images * 255))
        network(images)

    calibrate(network, [attacked, attacked])
    assert all(torch.allclose(one, before, atol=1e-5) for one in seen)
    assert not torch.allclose(network.eval()(images), before, atol=1e-3)


# --- held-out images


class Brightness(nn.Module):
    """Class 1 where the mean of the image (0..1) is above 0.4 (level 102), else class 0."""

    def forward(self, images: Tensor) -> Tensor:
        margin = images.mean(dim=(1, 2, 3)) - 0.4
        return torch.stack([-margin, margin], dim=1)


@pytest.mark.parametrize(
    ("strength", "robust"), [(0.0, 0.75), (5.0, 0.75), (10.0, 0.5), (10.9, 0.5), (80.0, 0.0)]
)
def test_robust_accuracy_of_a_known_network(strength: float, robust: float) -> None:
    """Images at distances 7, 40 and 60 of the boundary, and one that is wrong."""
    levels = torch.tensor([95, 142, 42, 110])[:, None, None, None].expand(-1, 1, 4, 4)
    data = TrainingSet(images=levels.to(torch.uint8), labels=torch.tensor([0, 1, 0, 0]), classes=2)
    found = measure(Model(Brightness()), data, strength, HeldOut(images=4))
    assert found == Measured(robust=robust, clean=0.75)

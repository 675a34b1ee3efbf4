# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
from dataclasses import dataclass
from typing import Any

import brevitas.nn as qnn
import numpy as np
import pytest
import torch
from torch import Tensor

from brevitas_models.errors import ModelError
from brevitas_models.joins import ConvexSum
from brevitas_models.quantizers import (
    ActivationQuantizer,
    DynamicQuantizedActivation,
    InputSqueeze,
    Quantizers,
    WeightQuantizer,
    activation,
    activation_step,
    signed_activation,
    staircase,
    weight_options,
    weight_step,
)

GENERATOR = torch.Generator().manual_seed(7)
WEIGHTS = torch.randn(128, 128, generator=GENERATOR)


def linear(kind: WeightQuantizer, bits: int) -> Any:  # noqa: ANN401 - Brevitas has no types
    layer = qnn.QuantLinear(128, 128, False, **weight_options(kind, bits))
    with torch.no_grad():
        layer.weight.copy_(WEIGHTS * 0.4)
    return layer


@pytest.mark.parametrize(
    ("kind", "bits"),
    [
        (kind, bits)
        for kind in WeightQuantizer
        for bits in (1, 2, 4, 8)
        if kind not in ("binary", "ternary") and (kind, bits) != ("largest", 1)
    ],
)
def test_weights_are_narrow_multiples_of_their_scale(kind: WeightQuantizer, bits: int) -> None:
    quantized = linear(kind, bits).quant_weight()
    steps = (quantized.value / quantized.scale).detach()
    largest = 2 ** (bits - 1) - 1 if bits > 1 else 1
    torch.testing.assert_close(steps, steps.round(), rtol=0, atol=1e-4)
    assert steps.round().abs().max() <= largest
    assert steps.round().unique().numel() > min(largest, 20)
    assert bits > 1 or bool((steps != 0).all())


@pytest.mark.parametrize("bits", [1, 2, 3, 4, 8])
def test_fixed_scales_are_known_powers_of_two(bits: int) -> None:
    assert float(linear(WeightQuantizer.FIXED, bits).quant_weight().scale) == weight_step(bits)
    assert np.log2(weight_step(bits)) % 1 == 0


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_power_of_two_scales_follow_the_logarithm_of_a_threshold(bits: int) -> None:
    layer = linear(WeightQuantizer.POWER_OF_TWO, bits)
    before = layer.quant_weight().scale
    assert before.log2().frac() == 0
    (threshold,) = [p for name, p in layer.named_parameters() if "scaling" in name]
    (layer.quant_weight().value * WEIGHTS).sum().backward()
    assert threshold.grad is not None
    with torch.no_grad():
        threshold += 2.0
    assert layer.quant_weight().scale == 4 * before


def test_a_learned_scale_gets_a_gradient_and_one_scale_a_filter() -> None:
    layer = linear(WeightQuantizer.LEARNED_CHANNEL, 3)
    assert layer.quant_weight().scale.shape == (128, 1)
    (layer.quant_weight().value * WEIGHTS).sum().backward()
    (scale,) = [p for name, p in layer.named_parameters() if "scaling" in name]
    assert scale.grad.abs().min() > 0


def test_binary_weights_start_at_the_mean_magnitude() -> None:
    layer = linear(WeightQuantizer.BINARY, 1)
    mean = layer.weight.abs().mean()
    torch.testing.assert_close(layer.quant_weight().value.abs().unique(), mean[None])


def test_ternary_weights_start_at_the_mean_of_the_large_ones() -> None:
    layer = linear(WeightQuantizer.TERNARY, 2)
    magnitudes = layer.weight.detach().abs()
    mean = magnitudes[magnitudes > 0.7 * magnitudes.mean()].mean()
    expected = torch.stack([-mean, torch.zeros(()), mean])
    torch.testing.assert_close(layer.quant_weight().value.detach().unique(), expected)


@pytest.mark.parametrize(("kind", "bits"), [("binary", 2), ("ternary", 3)])
def test_binary_and_ternary_have_their_bits(kind: str, bits: int) -> None:
    message = rf"network: {kind} weights have weight_bits {bits - 1}, not {bits}; change it"
    with pytest.raises(ModelError, match=message):
        weight_options(WeightQuantizer(kind), bits)


@dataclass(frozen=True)
class Levels:
    """The levels of a quantizer, in steps."""

    quantizer: torch.nn.Module
    step: float
    levels: list[float]

    def __str__(self) -> str:
        return f"{type(self.quantizer).__name__}-{len(self.levels)}"


LEARNED, DQA = ActivationQuantizer.LEARNED, ActivationQuantizer.DQA_FIXED
LEVELS = [
    Levels(activation(1), 1.0, [-1, 1]),
    Levels(activation(2), activation_step(2), [0, 1, 2, 3]),
    Levels(activation(4), activation_step(4), list(range(16))),
    Levels(activation(3, LEARNED), activation_step(3), list(range(8))),
    Levels(activation(3, fraction=0.5), activation_step(3) / 2, list(range(8))),
    Levels(signed_activation(2), activation_step(2), [-1, 0, 1]),
    Levels(signed_activation(4, LEARNED), activation_step(4), list(range(-7, 8))),
    Levels(activation(1, DQA), 1.0, [-1, 1]),
    Levels(activation(2, DQA), 1.0, [-1, 0, 1]),
    Levels(activation(4, DQA), 1 / 8, list(range(-7, 8))),
]


@pytest.mark.parametrize("case", LEVELS, ids=str)
def test_the_levels_of_an_activation(case: Levels) -> None:
    found = case.quantizer.eval()(torch.linspace(-9, 9, 2001)).detach() / case.step
    assert found.unique().tolist() == case.levels


@pytest.mark.parametrize("case", LEVELS, ids=str)
def test_a_staircase_equals_its_quantizer(case: Levels) -> None:
    found = staircase(case.quantizer.eval())
    assert found is not None
    values = np.linspace(-9, 9, 2003)
    expected = case.quantizer(torch.from_numpy(values).float()).detach().numpy()
    counted = (values[:, None] >= found.thresholds).sum(1)
    np.testing.assert_allclose(found.levels[counted], expected, rtol=1e-6)
    assert found.has_zero == (0 in case.levels)


def test_other_modules_have_no_staircase() -> None:
    assert staircase(torch.nn.ReLU()) is None
    assert staircase(qnn.QuantReLU(act_quant=None)) is None


@pytest.mark.parametrize("case", LEVELS, ids=str)
def test_the_slope_bounds_every_pair(case: Levels) -> None:
    found = staircase(case.quantizer.eval())
    assert found is not None
    values = torch.linspace(-5, 5, 401)
    after = case.quantizer(values).detach()
    moved = (after[:, None] - after).abs()
    allowed = found.slope * (values[:, None] - values).abs() + found.step
    assert (moved <= allowed + 1e-5).all()


def uneven() -> DynamicQuantizedActivation:
    quantizer = DynamicQuantizedActivation(4, step=0.5, learned=True)
    with torch.no_grad():
        quantizer.thresholds.copy_(torch.tensor([0.9, -0.2, 0.0]))
    return quantizer


def test_a_threshold_is_reached_at_its_value() -> None:
    values = torch.tensor([-1.0, -0.2, -0.1, 0.0, 0.89, 0.9, 3.0])
    assert uneven()(values).tolist() == [-0.75, -0.25, -0.25, 0.25, 0.25, 0.75, 0.75]


def test_uneven_thresholds_have_a_slope_that_bounds_every_pair() -> None:
    found = staircase(uneven())
    assert found is not None
    assert found.slope == pytest.approx(0.5 / 0.2)
    values = torch.linspace(-2, 2, 801)
    after = uneven()(values).detach()
    allowed = found.slope * (values[:, None] - values).abs() + found.step
    assert ((after[:, None] - after).abs() <= allowed + 1e-6).all()


def test_fixed_thresholds_are_a_rounded_hard_tanh() -> None:
    quantizer = DynamicQuantizedActivation(5, step=0.5, learned=False)
    values = torch.linspace(-2, 2, 1000)  # meets no tie
    assert torch.equal(quantizer(values), (values.clamp(-1, 1) * 2).round() / 2)
    assert list(quantizer.parameters()) == []


def test_gradients_of_values_and_thresholds() -> None:
    quantizer = uneven()
    values = torch.tensor([-0.8, -0.3, 0.1, 2.0], requires_grad=True)
    weights = torch.tensor([1.0, 2.0, 4.0, 8.0])
    (quantizer(values) * weights).sum().backward()
    assert values.grad.tolist() == [0, 2, 4, 0]  # type: ignore[union-attr]
    # within 1/4: of 0.9 none, of -0.2 the second value, of 0.0 the third
    assert quantizer.thresholds.grad.tolist() == [0, -2, -4]  # type: ignore[union-attr]


def test_training_moves_thresholds_where_the_loss_falls() -> None:
    quantizer = DynamicQuantizedActivation(2, step=2.0, learned=True)
    values = torch.linspace(-1, 1, 201)
    target = torch.where(values >= 0.5, 1.0, -1.0)
    optimiser = torch.optim.SGD(quantizer.parameters(), lr=0.05)
    for _ in range(100):
        optimiser.zero_grad()
        (quantizer(values) - target).square().mean().backward()
        optimiser.step()
    assert float(quantizer.thresholds.detach()) == pytest.approx(0.5, abs=0.1)


def test_thresholds_are_not_rounded_in_mixed_precision() -> None:
    quantizer = DynamicQuantizedActivation(2, step=2.0, learned=True)
    with torch.no_grad():
        quantizer.thresholds.fill_(1.001)  # bfloat16 has 1 and 1.0078125
    found = quantizer(torch.tensor([1.0, 1.0078125], dtype=torch.bfloat16))
    assert found.dtype is torch.bfloat16
    assert found.tolist() == [-1, 1]


def test_quantization_can_be_switched_off() -> None:
    quantizer = uneven()
    quantizer.disable_quant = True
    assert quantizer(torch.tensor([-2.0, 0.3, 0.6])).tolist() == pytest.approx([-0.75, 0.3, 0.6])
    assert staircase(quantizer) is None


@pytest.mark.parametrize(("levels", "step"), [(1, 1.0), (4, 0.0)])
def test_thresholds_need_levels_and_a_step(levels: int, step: float) -> None:
    with pytest.raises(
        ModelError, match=rf"dqa: {levels} levels with step {step:g}; give at least"
    ):
        DynamicQuantizedActivation(levels, step=step, learned=False)


def all_pixels() -> Tensor:
    return torch.arange(256) / 255


@pytest.mark.parametrize("bits", range(1, 9))
def test_squeezing_keeps_the_nearest_of_few_values(bits: int) -> None:
    found = InputSqueeze(bits).eval()(all_pixels()).double()
    levels = 2**bits - 1
    pixels = np.arange(256)
    expected = (2 * pixels * levels + 255) // 510 / levels  # rounded in integers
    np.testing.assert_allclose(found.detach().numpy(), expected, atol=1e-7)
    assert found.unique().numel() == 2**bits


@pytest.mark.parametrize("bits", [0, 9])
def test_squeezing_to_no_or_many_bits_is_refused(bits: int) -> None:
    with pytest.raises(
        ModelError, match=rf"network: input_bits {bits} is not in 1\.\.8; change it"
    ):
        InputSqueeze(bits)


def test_quantizers_can_be_named() -> None:
    named = Quantizers(weights="ternary", activations="dqa_learned")  # type: ignore[arg-type]
    assert named.weights is WeightQuantizer.TERNARY
    with pytest.raises(ValueError, match="'int8' is not a valid WeightQuantizer"):
        Quantizers(weights="int8")  # type: ignore[arg-type]


def test_a_convex_sum_is_exact_and_non_expansive() -> None:
    mix = ConvexSum()
    with torch.no_grad():
        mix.weight.fill_(0.31)
    body, shortcut = torch.randint(-7, 8, (2, 1000), generator=GENERATOR).double() / 4
    assert mix.alpha == pytest.approx(5 / 15)
    found = mix(body, shortcut)
    torch.testing.assert_close(found * 60, (body * 4) * 5 + (shortcut * 4) * 10)
    assert (found.abs() <= torch.maximum(body.abs(), shortcut.abs()) + 1e-6).all()


@pytest.mark.parametrize(("weight", "alpha", "gradient"), [(-0.2, 0.0, 0.0), (0.5, 8 / 15, 1.0)])
def test_the_share_of_a_convex_sum_is_clipped(weight: float, alpha: float, gradient: float) -> None:
    mix = ConvexSum()
    with torch.no_grad():
        mix.weight.fill_(weight)
    mix(torch.tensor(3.0), torch.tensor(2.0)).backward()
    assert mix.alpha == pytest.approx(alpha)
    assert mix.weight.grad == pytest.approx(gradient)

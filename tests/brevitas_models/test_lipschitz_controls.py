# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from brevitas_models.architectures import build
from brevitas_models.bits import BitTable
from brevitas_models.blocks import QuantBlock
from brevitas_models.classifier import QuantClassifier
from brevitas_models.errors import ModelError
from brevitas_models.lipschitz import (
    DefensiveQuantization,
    LipschitzControl,
    ParsevalTightness,
    SpectralNormalization,
    control_names,
    dq_penalty,
    layer_lipschitz,
    make_control,
    parseval_tightness,
)
from brevitas_models.quantizers import Quantizers
from brevitas_models.settings import ArchitectureSettings

SHAPE = (2, 12, 12)


def network(weights: str) -> QuantClassifier:
    """A small network whose layers expand."""
    settings = ArchitectureSettings(
        architecture="lenet5",
        bits=BitTable.uniform(1 if weights == "binary" else 4, 4),
        input_shape=(12, 12, 2),
        quantizers=Quantizers(weights=weights),  # type: ignore[arg-type]
    )
    built = build(settings, seed=3)
    with torch.no_grad():
        for _, layer in built.weighted_layers():
            layer.weight.mul_(2.5)
            values = [p for name, p in layer.named_parameters() if "scaling" in name]
            for value in values:
                value.add_(1.0) if weights == "power_of_two" else value.mul_(2.5)
    return built


def test_no_control_changes_nothing() -> None:
    model, control = network("learned"), LipschitzControl()
    before = model.classifier.weight.clone()
    control.project(model)
    assert control.penalty(model).item() == 0
    assert torch.equal(model.classifier.weight, before)


def test_defensive_quantization_is_half_beta_times_the_penalty() -> None:
    model = network("learned")
    expected = 0.02 / 2 * dq_penalty(model).item()
    assert DefensiveQuantization(0.02).penalty(model).item() == pytest.approx(expected)


def _moved(model: QuantClassifier) -> QuantClassifier:
    """Give the BatchNorms statistics and gains of their own."""
    for _, norm in model.norms():
        norm.running_var.uniform_(0.2, 5.0)
        norm.running_mean.normal_()
        norm.weight.data.uniform_(0.5, 2.0)
    return model.eval()


def test_the_folded_penalty_is_that_of_the_layers_as_they_run() -> None:
    torch.manual_seed(0)
    model = _moved(network("learned"))
    expected = 0.0
    for block in [one for one in model.modules() if isinstance(one, QuantBlock)]:
        columns = torch.eye(block.layer.weight[0].numel())
        images = columns.reshape(-1, *block.layer.weight.shape[1:])
        with torch.no_grad():  # the response to each single input, less that to none
            found = [block.norm(_without_padding(block.layer, x)) for x in (images, 0 * images)]
        expected += _distance((found[0] - found[1]).flatten(1).T)
    expected += _distance(model.classifier.quant_weight().value.detach())
    assert dq_penalty(model, folded=True).item() == pytest.approx(expected, rel=1e-4)
    control = make_control("dq_folded", model, SHAPE, 0.02)
    assert control.penalty(model).item() == pytest.approx(0.01 * expected, rel=1e-4)


def _without_padding(layer: Any, images: torch.Tensor) -> torch.Tensor:  # noqa: ANN401
    weight = layer.quant_weight().value
    if weight.ndim == 2:
        return functional.linear(images, weight, layer.bias)
    return functional.conv2d(images, weight, layer.bias)


def _distance(weight: torch.Tensor) -> float:
    rows = weight if weight.shape[0] <= weight.shape[1] else weight.T
    return float((rows @ rows.T - torch.eye(len(rows))).square().sum())


def test_a_batch_norm_undoes_the_plain_penalty_and_not_the_folded_one() -> None:
    torch.manual_seed(0)
    model = _moved(network("learned"))
    plain, folded = dq_penalty(model).item(), dq_penalty(model, folded=True).item()
    for _, norm in model.norms():
        norm.weight.data.mul_(3.0)
    assert dq_penalty(model).item() == plain
    assert dq_penalty(model, folded=True).item() > 2 * folded
    dq_penalty(model, folded=True).backward()
    assert all(norm.weight.grad.abs().sum() > 0 for _, norm in model.norms())


def steps(layer: Any) -> torch.Tensor:  # noqa: ANN401 - Brevitas has no types
    quantized = layer.quant_weight()
    return (quantized.value / quantized.scale).detach().round()


@pytest.mark.parametrize("weights", ["learned", "learned_channel", "power_of_two", "binary"])
def test_spectral_normalisation_keeps_the_integers_and_lowers_the_norm(weights: str) -> None:
    model = network(weights)
    before = {name: steps(layer) for name, layer in model.weighted_layers()}
    control = SpectralNormalization(model, SHAPE, target=0.8)
    assert max(layer.weights for layer in layer_lipschitz(model, SHAPE)) > 1.5
    for _ in range(20):
        control.project(model)
    norms = [layer.weights for layer in layer_lipschitz(model, SHAPE)]
    assert max(norms) <= 0.8 * 1.02  # one step of power iteration is a little below
    assert min(norms) >= 0.8 / 2.1
    for name, layer in model.weighted_layers():
        assert torch.equal(steps(layer), before[name]), name


def test_spectral_normalisation_leaves_small_norms_alone() -> None:
    model = network("learned")
    before = {name: value.clone() for name, value in model.state_dict().items()}
    SpectralNormalization(model, SHAPE, target=100.0).project(model)
    for name, value in model.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_spectral_normalisation_of_a_fixed_grid_is_refused() -> None:
    model = network("fixed")
    before = model.features.conv1.layer.weight.clone()
    message = r"the scale of features.conv1.layer does not follow its weights; use a learned quant"
    with pytest.raises(ModelError, match=message):
        SpectralNormalization(model, SHAPE).project(model)
    torch.testing.assert_close(model.features.conv1.layer.weight, before)


def test_parseval_steps_lead_to_tight_frames_that_do_not_expand() -> None:
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1, bias=False),
        nn.Conv2d(8, 8, 3, stride=2, padding=1, groups=4, bias=False),
        nn.Flatten(),
        nn.Linear(8 * 9, 5, bias=False),
    )
    control = ParsevalTightness(0.1)
    before = parseval_tightness(model)
    for _ in range(400):
        control.project(model)
    assert min(before.values()) > 0.3
    assert max(parseval_tightness(model).values()) < 1e-3
    assert max(layer.weights for layer in layer_lipschitz(model, (3, 6, 6))) <= 1 + 1e-3


def test_parseval_takes_the_papers_step() -> None:
    layer = nn.Linear(4, 3, bias=False)
    weight = layer.weight.detach().clone()
    ParsevalTightness(0.01).project(layer)
    torch.testing.assert_close(layer.weight, 1.01 * weight - 0.01 * weight @ weight.T @ weight)


@dataclass(frozen=True)
class Named:
    """A control by name, and where it keeps its strength."""

    name: str
    kind: type[LipschitzControl]
    strength: str
    usual: float


NAMED = [
    Named("dq", DefensiveQuantization, "beta", 1e-3),
    Named("dq_folded", DefensiveQuantization, "beta", 1e-3),
    Named("parseval", ParsevalTightness, "beta", 3e-4),
    Named("spectral", SpectralNormalization, "target", 1.0),
]


@pytest.mark.parametrize("case", NAMED, ids=lambda case: case.name)
def test_controls_can_be_named(case: Named) -> None:
    model = nn.Sequential(nn.Linear(3, 2))
    usual, chosen = make_control(case.name, model, (3,)), make_control(case.name, model, (3,), 0.25)
    assert type(usual) is type(chosen) is case.kind
    assert getattr(usual, case.strength) == case.usual
    assert getattr(chosen, case.strength) == 0.25


def test_no_control_has_a_name_too() -> None:
    assert type(make_control("none", nn.Linear(2, 2), (2,))) is LipschitzControl
    assert control_names() == ("none", *(case.name for case in NAMED))


def test_an_unknown_control_lists_the_nearest() -> None:
    with pytest.raises(ModelError, match=r"there is no control 'spectre'; did you mean 'spectral'"):
        make_control("spectre", nn.Linear(2, 2), (2,))


INVALID = [
    (lambda: DefensiveQuantization(-1.0), r"defensive quantization: beta -1 is below 0; change it"),
    (lambda: ParsevalTightness(0.7), r"parseval: beta 0.7 is not in 0..0.5; change it"),
    (
        lambda: SpectralNormalization(nn.Linear(2, 2), (2,), target=0.0),
        r"spectral normalisation: target 0 is not above 0; change it",
    ),
]


@pytest.mark.parametrize(("make", "message"), INVALID)
def test_settings_are_checked(make: Any, message: str) -> None:  # noqa: ANN401
    with pytest.raises(ModelError, match=message):
        make()

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Every architecture and quantizer becomes integers that decide as Brevitas does."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from zoo_networks import images

from brevitas_models.architectures import build
from brevitas_models.bits import BitTable, Precision
from brevitas_models.classifier import QuantClassifier
from brevitas_models.quantizers import Quantizers
from brevitas_models.settings import ArchitectureSettings
from flow.export.qonnx import export_qonnx_model
from flow.lowering import lower
from flow.lowering.reading import read_model
from flow.zoo.networks import brevitas_logits


@dataclass(frozen=True)
class Case:
    """A network and the integer operation that its first layer becomes."""

    architecture: str
    bits: BitTable
    quantizers: tuple[str, str]
    others: dict[str, Any]
    first: str = "Convolution"

    def __str__(self) -> str:
        return "-".join((self.architecture, *self.quantizers))

    def network(self) -> QuantClassifier:
        weights, activations = self.quantizers
        chosen = Quantizers(weights=weights, activations=activations)  # type: ignore[arg-type]
        settings = ArchitectureSettings(
            architecture=self.architecture, bits=self.bits, quantizers=chosen, **self.others
        )
        return trained(build(settings, 1))


def trained(network: QuantClassifier) -> QuantClassifier:
    """Move every parameter that training would move away from where it started."""
    generator = torch.Generator().manual_seed(0)
    held = [id(layer.weight) for _, layer in network.weighted_layers()]
    with torch.no_grad():
        for parameter in network.parameters():
            if id(parameter) not in held:
                noise = torch.randn(parameter.shape, generator=generator)
                parameter.add_(noise * 0.1 * parameter.abs().clamp(min=0.5))
    for _, norm in network.norms():
        norm.momentum = None  # the mean over minibatches
    for seed in range(3):
        network(images(network, 32, seed))
    return network.eval()


def table(**layers: tuple[int, int]) -> BitTable:
    bits = {n: Precision(weight_bits=w, activation_bits=a) for n, (w, a) in layers.items()}
    return BitTable(default=Precision(weight_bits=4, activation_bits=4), layers=bits)


CASES = [
    Case("lfc", BitTable.uniform(1, 1), ("binary", "dqa_fixed"), {"width": 0.02}, "Threshold"),
    Case(
        "lenet5",
        table(conv1=(8, 3), fc1=(2, 2)),
        ("learned_channel", "dqa_learned"),
        {"pool": "average", "input_bits": 1},
        "Threshold",
    ),
    Case("vgg_small", BitTable.uniform(2, 2), ("ternary", "learned"), {"width": 0.06}),
    Case(
        "resnet8",
        table(stem=(2, 5)),
        ("power_of_two", "power_of_two"),
        {"width": 0.5, "join": "convex"},
    ),
    Case("resnet20", BitTable.uniform(3, 3), ("learned", "learned"), {"width": 0.25}),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_integers_decide_as_brevitas(case: Case, tmp_path: Path) -> None:
    network = case.network()
    path = export_qonnx_model(network, tmp_path / "net.onnx").path
    integers = lower(read_model(path)).network
    shown = (images(network, 60) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    expected = brevitas_logits(network, shown)
    np.testing.assert_array_equal(integers.logits(shown), expected)
    assert len(np.unique(expected, axis=0)) > 10
    assert type(integers.operations[0]).__name__ == case.first

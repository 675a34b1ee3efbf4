# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Networks with trained quantizers keep their function in canonical form and in a file."""

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from zoo_networks import images

from brevitas_models._weight_file import network_content, read_into
from brevitas_models.architectures import build
from brevitas_models.bits import BitTable, Precision
from brevitas_models.classifier import QuantClassifier
from brevitas_models.errors import ModelError
from brevitas_models.exact import make_exact, weight_codes
from brevitas_models.quantizers import Quantizers, staircase
from brevitas_models.settings import ArchitectureSettings

TABLE = BitTable(
    default=Precision(weight_bits=4, activation_bits=4),
    layers={"block1.first": Precision(weight_bits=2, activation_bits=3)},
)
KINDS = [
    ("learned", "learned"),
    ("learned_channel", "dqa_learned"),
    ("power_of_two", "power_of_two"),
    ("fixed", "fixed"),
]


def trained(weights: str, activations: str) -> QuantClassifier:
    """A network whose parameters have moved from where they started."""
    settings = ArchitectureSettings(
        architecture="resnet8",
        bits=TABLE,
        width=0.3,
        input_shape=(8, 8, 3),
        join="convex",  # type: ignore[arg-type]
        quantizers=Quantizers(weights=weights, activations=activations),  # type: ignore[arg-type]
    )
    network, generator = build(settings, seed=1), torch.Generator().manual_seed(4)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(1 + 0.2 * torch.rand(parameter.shape, generator=generator))
        for _, norm in network.norms():
            norm.weight.copy_(torch.randn(norm.weight.shape, generator=generator))
    for seed in range(3):
        network(images(network, 32, seed))
    return network.eval()


@pytest.mark.parametrize(("weights", "activations"), KINDS)
def test_a_file_restores_the_network_to_the_last_bit(
    weights: str, activations: str, tmp_path: Path
) -> None:
    network, path = trained(weights, activations), tmp_path / "net.npz"
    make_exact(network)
    path.write_bytes(network_content(network))
    again = build(network.settings).eval()
    read_into(again, path)
    for name, value in network.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            assert torch.equal(value, again.state_dict()[name]), name
    shown = images(network, 16)
    assert torch.equal(network(shown), again(shown))
    assert network_content(again) == path.read_bytes()


_SIGNS = ((None, 0), (0, None))  # of weights


@pytest.mark.parametrize(("weights", "activations"), KINDS)
def test_canonical_form_keeps_the_integers_and_spreads_the_thresholds(
    weights: str, activations: str
) -> None:
    network = trained(weights, activations)
    canonical = copy.deepcopy(network)
    make_exact(canonical)
    for old, new in zip(network.blocks(), canonical.blocks(), strict=True):
        signs = old.norm.weight.sign().to(torch.int8)[:, None]
        codes = weight_codes(new.layer).flatten(1)
        assert torch.equal(codes, weight_codes(old.layer).flatten(1) * signs)
        found = staircase(new.activation)
        assert found is not None
        scale = new.layer.quant_weight().scale.detach().double().flatten()
        gain = new.norm.weight.detach().double() / (1 + new.norm.eps) ** 0.5 * scale
        unit = (gain * new.source.step).numpy()[:, None]
        at = (found.thresholds - new.norm.bias.detach().double().numpy()[:, None]) / unit
        least = 1 / (2 * len(found.thresholds))
        low, high = new.source.bounds  # no sum comes near the others
        sums = [codes.double().numpy().clip(*ends).sum(1, keepdims=True) for ends in _SIGNS]
        least_sum, most = sums[0] * high + sums[1] * low, sums[0] * low + sums[1] * high
        reachable = (at > least_sum - 1) & (at < most + 1)
        reachable &= np.abs(at) < 2**12  # beyond, float32 holds no finer shift
        assert np.abs(at - np.rint(at))[reachable].min() > least - 1e-2


def test_a_quantizer_that_no_training_leaves_is_refused(tmp_path: Path) -> None:
    network, path = trained("learned", "learned"), tmp_path / "net.npz"
    with torch.no_grad():
        network.features.block1.mix.weight.fill_(float("nan"))
    path.write_bytes(network_content(network))
    with pytest.raises(ModelError, match=r"features.1.mix.weight holds values that no training le"):
        read_into(build(network.settings), path)

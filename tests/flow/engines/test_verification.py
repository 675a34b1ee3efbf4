# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A difference between engines stops the run and is located; equal engines pass."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from qonnx.core.modelwrapper import ModelWrapper

from brevitas_models.architectures import build, convnet_settings
from brevitas_models.bits import BitTable
from brevitas_models.classifier import QuantClassifier
from brevitas_models.exact import make_exact
from brevitas_models.settings import ArchitectureSettings
from flow.engines.brevitas import BrevitasEngine
from flow.engines.cached import CachedEngine
from flow.engines.finn import FinnEngine
from flow.engines.integer import IntegerEngine
from flow.engines.qonnx import QonnxEngine
from flow.engines.verification import Agreement, compare_labels, compare_logits
from flow.errors import FlowError
from flow.export.qonnx import export_qonnx_model, load_qonnx
from flow.integer import Convolution, Dense, IntegerNetwork
from flow.lowering import lower

IMAGES = np.random.default_rng(7).integers(0, 256, (6, 6, 6, 1), dtype=np.uint8)


def _with_other_weight(network: IntegerNetwork, matrix: int) -> IntegerNetwork:
    """Change the sign of all weights of the n-th convolution or dense layer."""
    operations = list(network.operations)
    places = [i for i, op in enumerate(operations) if isinstance(op, Convolution | Dense)]
    changed = operations[places[matrix]]
    assert isinstance(changed, Convolution | Dense)
    operations[places[matrix]] = replace(changed, weights=-changed.weights)
    return IntegerNetwork(tuple(operations), network.input_shape, network.scale)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[QuantClassifier, Path]:
    """A network in exact form with BatchNorm statistics of random images, and its export."""
    settings = convnet_settings(
        input_shape=(6, 6, 1),
        classes=5,
        channels=(4, 6),
        strides=(1, 2),
        weight_bits=4,
        activation_bits=4,
    )
    network = build(settings, seed=3)
    network(torch.rand(64, 1, 6, 6, generator=torch.Generator().manual_seed(0)))
    make_exact(network)
    path = tmp_path_factory.mktemp("export") / "network.onnx"
    export_qonnx_model(network, path)
    return network, path


def test_brevitas_qonnx_and_integer_show_the_same_trace(
    trained: tuple[QuantClassifier, Path],
) -> None:
    network, path = trained
    exported = load_qonnx(path)
    engines = (
        BrevitasEngine(network, exported.logit_scale),
        QonnxEngine(path),
        IntegerEngine(lower(exported.model).network),
    )
    traces = [engine.trace(IMAGES[:1]) for engine in engines]
    for layers in zip(*traces, strict=True):
        values = [layer[1].reshape(-1).tolist() for layer in layers]
        assert values[0] == values[1] == values[2], layers[0][0]
    assert compare_logits(engines[0], engines[1], IMAGES).logits_differ == 0
    assert compare_logits(engines[1], engines[2], IMAGES).logits_differ == 0


@pytest.mark.parametrize("architecture", ["resnet8", "tfc"])
def test_a_classifier_shows_the_same_activations(architecture: str, tmp_path: Path) -> None:
    """Branches may come in another order; one bit is -1 or 1."""
    bits = BitTable.uniform(1, 1) if architecture == "tfc" else BitTable.uniform(3, 3)
    settings = ArchitectureSettings(
        architecture=architecture, bits=bits, input_shape=(8, 8, 1), width=0.25, classes=5
    )
    network = build(settings, seed=1)
    network(torch.rand(64, 1, 8, 8, generator=torch.Generator().manual_seed(0)))
    make_exact(network)
    exported = export_qonnx_model(network, tmp_path / "network.onnx")
    integer = IntegerEngine(lower(load_qonnx(exported.path).model).network)
    engines = (BrevitasEngine(network, exported.logit_scale), QonnxEngine(exported.path), integer)
    images = np.random.default_rng(7).integers(0, 256, (6, 8, 8, 1), dtype=np.uint8)
    traces = [
        sorted(tuple(values.reshape(-1)) for _, values in engine.trace(images[:1]))
        for engine in engines
    ]
    assert traces[0] == traces[1] == traces[2]
    assert len(traces[0]) > 4
    wrong = IntegerEngine(_with_other_weight(integer.network, 2))
    with pytest.raises(FlowError, match=r"differ in the logits of . of 6 images.*first in layer f"):
        compare_logits(engines[0], wrong, images)


def test_finn_and_integer_agree(tiny_dataflow: ModelWrapper, tiny_network: IntegerNetwork) -> None:
    found = compare_logits(FinnEngine(tiny_dataflow), IntegerEngine(tiny_network), IMAGES)
    assert found == Agreement(images=6, labels_differ=0, logits_differ=0)


@pytest.mark.parametrize(
    ("matrix", "place"),
    [
        (0, "first in layer Thresholding_rtl_0 "),
        (1, "first in layer Thresholding_rtl_1 "),
        (2, "first in layer MVAU_rtl_2 "),
    ],
)
def test_the_first_layer_that_differs_is_named(
    tiny_dataflow: ModelWrapper, tiny_network: IntegerNetwork, matrix: int, place: str
) -> None:
    wrong = IntegerEngine(_with_other_weight(tiny_network, matrix))
    with pytest.raises(FlowError, match=f"finn and integer differ in the logits .*{place}"):
        compare_logits(FinnEngine(tiny_dataflow), wrong, IMAGES)


def test_the_first_image_that_differs_is_named(tiny_network: IntegerNetwork) -> None:
    right = IntegerEngine(tiny_network)
    logits = right.logits(IMAGES).copy()
    logits[4, 2] += 1
    wrong = CachedEngine(right, IMAGES, logits)
    expected = re.escape("logits of 1 of 6 images, image 4 the first, in no layer that both show")
    with pytest.raises(FlowError, match=expected):
        compare_logits(right, wrong, IMAGES)


def test_labels_may_agree_where_logits_differ(tiny_network: IntegerNetwork) -> None:
    right = IntegerEngine(tiny_network)
    shifted = CachedEngine(right, IMAGES, right.logits(IMAGES) + np.int32(1))
    assert compare_labels(right, shifted, IMAGES) == Agreement(6, 0, None)


def test_other_labels_are_refused(tiny_network: IntegerNetwork) -> None:
    right = IntegerEngine(tiny_network)
    negated = CachedEngine(right, IMAGES, -right.logits(IMAGES))
    with pytest.raises(FlowError, match=r"differ in the labels of 6 of 6 images, image 0"):
        compare_labels(right, negated, IMAGES)


def test_engines_refuse_images_of_another_size(
    tiny_dataflow: ModelWrapper, tiny_network: IntegerNetwork
) -> None:
    for engine in (FinnEngine(tiny_dataflow), IntegerEngine(tiny_network)):
        with pytest.raises(FlowError, match=r"shape \(1, 8, 8, 1\) is not \(N, 6, 6, 1\)"):
            engine.logits(np.zeros((1, 8, 8, 1), dtype=np.uint8))

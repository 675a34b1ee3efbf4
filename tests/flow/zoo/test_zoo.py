# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
import os
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from qonnx.core.onnx_exec import execute_onnx

from brevitas_models.errors import ModelError
from brevitas_models.pretrained import card, load
from flow.classifier import Images, accuracy
from flow.environment import DATA_VARIABLE
from flow.errors import FlowError
from flow.export.qonnx import load_qonnx, qonnx_logits
from flow.zoo.networks import brevitas_logits, dataset, export

EXPORTED = ("mnist-tfc-w1a1", "mnist-tfc-w1a2", "mnist-tfc-w2a2", "cifar10-resnet8-w4a4")


def random_images(name: str, count: int) -> Images:
    shape = (count, *load(name).input_shape)
    return np.random.default_rng(3).integers(0, 256, shape).astype(np.uint8)


@pytest.mark.parametrize("name", EXPORTED)
def test_qonnx_equals_brevitas_to_the_last_integer(name: str, tmp_path: Path) -> None:
    exported = export(name, tmp_path / "net.onnx")
    images = random_images(name, 40)
    found = qonnx_logits(exported.path, images)
    np.testing.assert_array_equal(found, brevitas_logits(load(name), images))
    assert len(np.unique(found)) > 10


def test_floats_are_equal_too(tmp_path: Path) -> None:
    name = "cifar10-resnet8-w4a4"
    model = load_qonnx(export(name, tmp_path / "net.onnx").path).model
    images = random_images(name, 1)
    found = execute_onnx(model, {"global_in": images.astype(np.float32)})["global_out"]
    with torch.no_grad():
        expected = load(name)(torch.from_numpy(images).permute(0, 3, 1, 2) / 255).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_an_export_is_the_same_bytes_with_nothing_of_this_machine(tmp_path: Path) -> None:
    first, again = (export("mnist-tfc-w1a1", tmp_path / f"{i}.onnx").path for i in range(2))
    assert first.read_bytes() == again.read_bytes()
    assert str(tmp_path).encode() not in first.read_bytes()
    kinds = {node.op_type for node in onnx.load(first).graph.node}
    assert {"BipolarQuant", "Gemm", "BatchNormalization"} <= kinds


def test_an_unknown_network_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"zoo: there is no network 'tfc'; known here: cifar10-"):
        export("tfc", tmp_path / "net.onnx")


def test_images_of_another_network_are_refused() -> None:
    with pytest.raises(FlowError, match=r"shape \(2, 28, 28, 1\) is not \(N, 32, 32, 3\)"):
        brevitas_logits(load("cifar10-resnet8-w4a4"), random_images("mnist-tfc-w1a1", 2))


def test_no_images_give_no_logits() -> None:
    name = "mnist-tfc-w1a1"
    assert brevitas_logits(load(name), random_images(name, 0)).shape == (0, 10)


@pytest.mark.skipif(DATA_VARIABLE not in os.environ, reason="STEELFLOW_DATA is not set")
@pytest.mark.parametrize("name", ["mnist-tfc-w1a1", "mnist-tfc-w1a2", "mnist-tfc-w2a2"])
def test_the_accuracy_on_the_card_is_that_of_the_shipped_weights(name: str) -> None:
    images = dataset(name, Path(os.environ[DATA_VARIABLE]))
    found = accuracy(brevitas_logits(load(name), images.test_images), images.test_labels)
    assert round(found, 4) == card(name).accuracy

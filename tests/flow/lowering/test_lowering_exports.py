# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What our own export writes."""

from pathlib import Path

import numpy as np
import torch

from brevitas_models.architectures import build, convnet_settings
from brevitas_models.exact import make_exact
from flow.export.qonnx import export_qonnx_model, qonnx_logits
from flow.lowering import lower, read_model


def test_an_exact_network_gives_qonnx_s_integers(tmp_path: Path) -> None:
    settings = convnet_settings(input_shape=(9, 8, 2), classes=5, channels=(4, 8), strides=(1, 2))
    network = build(settings, seed=3)
    images = np.random.default_rng(0).integers(0, 256, (200, 9, 8, 2)).astype(np.uint8)
    for _ in range(3):
        network(torch.from_numpy(images).permute(0, 3, 1, 2) / 255)
    make_exact(network)
    exported = export_qonnx_model(network, tmp_path / "net.onnx")
    lowered = lower(read_model(exported.path))
    assert (lowered.network.scale, lowered.network.offset) == (exported.logit_scale, 0)
    assert lowered.notes == ()
    expected = qonnx_logits(exported.path, images)
    np.testing.assert_array_equal(lowered.network.logits(images), expected)
    assert len(np.unique(expected)) > 20

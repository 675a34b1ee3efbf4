# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The exported QONNX file as an engine."""

from pathlib import Path

import numpy as np
from qonnx.core.onnx_exec import execute_onnx

from flow.classifier import Images, Logits, check_images
from flow.engines.base import Report, Trace, channels_last
from flow.export.qonnx import load_qonnx, qonnx_logits

__all__ = ["QonnxEngine"]


class QonnxEngine:
    """qonnx's own executor on the exported file; its float logits over their scale are integers."""

    name = "qonnx"

    def __init__(self, path: Path, report: Report | None = None) -> None:
        self.path, self.report = path, report
        self.exported = load_qonnx(path)
        self.input_shape, self.classes = self.exported.input_shape, self.exported.classes

    def logits(self, images: Images) -> Logits:
        """Return int32[N, K]; see Classifier."""
        check_images(images, self.input_shape)
        return qonnx_logits(self.path, images, self.report)

    def trace(self, image: Images) -> Trace:
        """See Engine."""
        model = self.exported.model
        feed = {model.graph.input[0].name: image.astype(np.float32)}
        context = execute_onnx(model, feed, return_full_exec_context=True)
        found = []
        for node in model.graph.node:
            if node.op_type not in ("Quant", "BipolarQuant"):
                continue
            if model.get_initializer(node.input[0]) is None:  # of activations, not of weights
                steps = np.rint(context[node.output[0]] / context[node.input[1]])
                found.append((node.name, channels_last(steps.astype(np.int64))))
        logits = np.rint(context[model.graph.output[0].name] / self.exported.logit_scale)
        return [*found, ("logits", logits.astype(np.int64))]

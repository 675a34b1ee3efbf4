# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""FINN's own execution as an engine."""

from typing import Any

import numpy as np
from finn.transformation.fpgadataflow.set_exec_mode import SetExecMode
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx

from flow.classifier import Images, Logits, check_images
from flow.engines.base import Report, Trace

__all__ = ["FinnEngine"]


class FinnEngine:
    """FINN's own execution of its dataflow graph, one image at a time."""

    name = "finn"

    def __init__(self, model: ModelWrapper, report: Report | None = None) -> None:
        self.model = model.transform(SetExecMode("cppsim"))  # plain Python for RTL layers
        self.report = report
        _, height, width, channels = model.get_tensor_shape(model.graph.input[0].name)
        self.input_shape = (height, width, channels)
        self.classes = int(model.get_tensor_shape(model.graph.output[0].name)[-1])

    def logits(self, images: Images) -> Logits:
        """Return int32[N, K]; see Classifier."""
        check_images(images, self.input_shape)
        logits = np.zeros((len(images), self.classes), dtype=np.int32)
        for index in range(len(images)):
            logits[index] = self._run(images[index : index + 1])[self.model.graph.output[0].name]
            if self.report:
                self.report(index + 1, len(images))
        return logits

    def trace(self, image: Images) -> Trace:
        """See Engine."""
        context = self._run(image, return_full_exec_context=True)
        nodes = [n for n in self.model.graph.node if n.op_type.startswith("Thresholding")]
        last = self.model.graph.node[-1]
        nodes += [] if last in nodes else [last]
        return [(n.name, np.rint(context[n.output[0]]).astype(np.int64)) for n in nodes]

    def _run(self, image: Images, **options: bool) -> dict[str, Any]:
        feed = {self.model.graph.input[0].name: image.astype(np.float32)}
        results: dict[str, Any] = execute_onnx(self.model, feed, **options)
        return results

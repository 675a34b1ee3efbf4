# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Compare QONNX, FINN's execution and the integer network, logit by logit."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
from qonnx.core.modelwrapper import ModelWrapper

from flow._records import write_json
from flow.classifier import accuracy
from flow.data import load_dataset
from flow.engines import FinnEngine, IntegerEngine, QonnxEngine, Remembered
from flow.integer import IntegerNetwork
from flow.pipeline import Context, Settings, Step
from flow.progress import meter
from flow.verification import compare_logits

__all__ = ["VerifyStep"]


class VerifyStep(Step):
    """robust.onnx, dataflow.onnx, robust.npz -> verify.json."""

    name = "verify"
    needs = ("export", "compile")
    tools = ("finn-plus", "qonnx")

    def settings(self, context: Context) -> Settings:
        """Return which images are compared."""
        return {"data": context.config.data, "verify": context.config.verify}

    def run(self, context: Context, folder: Path, scratch: Path) -> None:  # noqa: ARG002
        """Compare on the test images; a difference stops the run."""
        config = context.config.verify
        dataset = load_dataset(context.config.data, context.data)
        images, labels = dataset.test_images[: config.images], dataset.test_labels[: config.images]
        network = IntegerNetwork.load(context.folder("compile") / "robust.npz")
        plain = IntegerNetwork.load(context.folder("compile") / "plain.npz")
        integer = IntegerEngine(network)
        with meter("FINN's execution", unit="images") as report:
            model = ModelWrapper(str(context.folder("compile") / "dataflow.onnx"))
            finn = compare_logits(FinnEngine(model, report), integer, images[: config.finn_images])
        exported = context.folder("export")
        qonnx = Remembered(
            QonnxEngine(exported / "robust.onnx"), images, np.load(exported / "qonnx_logits.npy")
        )
        findings = {
            "qonnx_vs_integer": asdict(compare_logits(qonnx, integer, images)),
            "finn_vs_integer": asdict(finn),
            "accuracy": {
                "integer": accuracy(network.logits(images), labels),
                "plain": accuracy(plain.logits(images), labels),
            },
        }
        write_json(folder / "verify.json", findings)

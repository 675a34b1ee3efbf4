# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Compare QONNX, FINN's execution and the integer network, logit by logit."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
from qonnx.core.modelwrapper import ModelWrapper

from flow._records import write_json
from flow.classifier import Images, accuracy
from flow.data import first_test_images, load_dataset
from flow.engines import Engine, FinnEngine, IntegerEngine, QonnxEngine, Remembered
from flow.integer import IntegerNetwork
from flow.pipeline import Context, Settings, Step
from flow.progress import meter
from flow.steps.train import NETWORKS
from flow.verification import Agreement, compare_logits

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
        images, labels = first_test_images(dataset, config.images, "verify.images")
        few, _ = first_test_images(dataset, config.finn_images, "verify.finn_images")
        integer = {
            name: Remembered(
                IntegerEngine(IntegerNetwork.load(context.folder("compile") / f"{name}.npz"))
            )
            for name in NETWORKS
        }
        with meter("FINN's execution", unit="images") as report:
            model = ModelWrapper(str(context.folder("compile") / "dataflow.onnx"))
            finn = compare_logits(FinnEngine(model, report), integer["robust"], few)
        agreements = {
            name: _with_qonnx(context.folder("export"), name, integer[name], images)
            for name in NETWORKS
        }
        findings = {
            "qonnx_vs_integer": asdict(agreements["robust"]),
            "finn_vs_integer": asdict(finn),
            "accuracy": {
                "integer": accuracy(integer["robust"].logits(images), labels),
                "plain": accuracy(integer["plain"].logits(images), labels),
            },
        }
        write_json(folder / "verify.json", findings)


def _with_qonnx(exported: Path, name: str, integer: Engine, images: Images) -> Agreement:
    """Compare a network with the logits that the export step has got from qonnx."""
    logits = np.load(exported / f"{name}_logits.npy")
    qonnx = Remembered(QonnxEngine(exported / f"{name}.onnx"), images, logits)
    return compare_logits(qonnx, integer, images)

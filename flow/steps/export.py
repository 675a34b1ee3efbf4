# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Export both networks to QONNX and compare them with Brevitas on the whole test set."""

from dataclasses import asdict
from pathlib import Path

import numpy as np

from brevitas_models.checkpoint import load_checkpoint
from flow._records import write_json
from flow.classifier import accuracy
from flow.data import load_dataset
from flow.engines import BrevitasEngine, QonnxEngine, Remembered
from flow.export import export_qonnx_model
from flow.pipeline import Context, Settings, Step
from flow.progress import meter
from flow.steps.train import NETWORKS
from flow.training import network_settings
from flow.verification import compare_labels

__all__ = ["ExportStep"]


class ExportStep(Step):
    """robust.pt, plain.pt -> robust.onnx, plain.onnx, qonnx_logits.npy, export.json."""

    name = "export"
    needs = ("train",)
    tools = ("brevitas", "onnx", "onnxruntime", "qonnx")

    def settings(self, context: Context) -> Settings:
        """Return what the files and the comparison depend on."""
        config = context.config
        return {"data": config.data, "network": config.network, "images": config.verify.images}

    def run(self, context: Context, folder: Path, scratch: Path) -> None:  # noqa: ARG002
        """Export, then compare labels on the test set; a difference stops the run."""
        dataset = load_dataset(context.config.data, context.data)
        expected = network_settings(context.config.network, dataset)
        scales, engines = {}, {}
        for name in NETWORKS:
            network = load_checkpoint(context.folder("train") / f"{name}.pt", expected)
            scales[name] = export_qonnx_model(network, folder / f"{name}.onnx").logit_scale
            engines[name] = BrevitasEngine(network, scales[name])
        count = context.config.verify.images
        images, labels = dataset.test_images[:count], dataset.test_labels[:count]
        with meter("qonnx on the test set", unit="images") as report:
            qonnx = Remembered(QonnxEngine(folder / "robust.onnx", report))
            agreement = compare_labels(engines["robust"], qonnx, images)
        np.save(folder / "qonnx_logits.npy", qonnx.logits(images))
        findings = {
            "logit_scale": scales,
            "brevitas_vs_qonnx": asdict(agreement),
            "accuracy": {
                "brevitas": accuracy(engines["robust"].logits(images), labels),
                "qonnx": accuracy(qonnx.logits(images), labels),
            },
        }
        write_json(folder / "export.json", findings)

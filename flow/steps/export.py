# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Export both networks to QONNX and compare them with Brevitas on the whole test set."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from brevitas_models.checkpoint import load_checkpoint
from flow._records import write_json
from flow.classifier import accuracy
from flow.data import first_test_images, load_dataset
from flow.engines import BrevitasEngine, QonnxEngine, Remembered
from flow.export import export_qonnx_model
from flow.pipeline import Context, Settings, Step
from flow.progress import meter
from flow.steps.train import NETWORKS
from flow.training import network_settings
from flow.verification import compare_labels

__all__ = ["ExportStep"]


class ExportStep(Step):
    """*.pt -> for both networks *.onnx and *_logits.npy (qonnx's, test set); export.json."""

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
        images, labels = first_test_images(dataset, context.config.verify.images, "verify.images")
        findings: dict[str, dict[str, Any]] = {"logit_scale": {}, "accuracy": {}}
        for name in NETWORKS:
            network = load_checkpoint(context.folder("train") / f"{name}.pt", expected)
            exported = export_qonnx_model(network, folder / f"{name}.onnx")
            brevitas = Remembered(BrevitasEngine(network, exported.logit_scale))
            with meter(f"qonnx on the test set, {name}", unit="images") as report:
                qonnx = Remembered(QonnxEngine(exported.path, report))
                agreement = compare_labels(brevitas, qonnx, images)
            np.save(folder / f"{name}_logits.npy", qonnx.logits(images))
            findings["logit_scale"][name] = exported.logit_scale
            findings["accuracy"][name] = {
                engine.name: accuracy(engine.logits(images), labels) for engine in (brevitas, qonnx)
            }
            findings[name] = {"brevitas_vs_qonnx": asdict(agreement)}
        write_json(folder / "export.json", findings)

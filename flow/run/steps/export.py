# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Export the run's networks to QONNX and compare them with Brevitas on the test set."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from brevitas_models.checkpoint import load_checkpoint
from flow.classifier import accuracy
from flow.data.datasets import Dataset, data_files, first_test_images, load_dataset
from flow.engines.brevitas import BrevitasEngine
from flow.engines.cached import CachedEngine
from flow.engines.qonnx import QonnxEngine
from flow.engines.verification import compare_labels
from flow.errors import FlowError
from flow.export.qonnx import export_qonnx_model
from flow.progress import meter
from flow.report.schema import Comparison
from flow.run.pipeline import Context, Settings, Step
from flow.run.results import Exported, FloatAccuracy

__all__ = ["ExportStep"]


class ExportStep(Step):
    """*.pt -> for each network *.onnx and *_logits.npy (qonnx's, test set); export.json."""

    name = "export"
    version = 2
    needs = ("train",)
    tools = ("brevitas", "onnx", "onnxruntime", "qonnx")

    def settings(self, context: Context) -> Settings:
        """Return what the files and the comparison depend on."""
        config = context.config
        return {"data": config.data, "images": config.verify.images}

    def inputs(self, context: Context) -> list[Path]:
        """Return the checkpoints; other curves and logs change nothing here."""
        return [context.folder("train") / f"{name}.pt" for name in context.config.networks]

    def needed_files(self, context: Context) -> Sequence[Path]:
        """Return the data set's files."""
        return data_files(context.config.data, context.data)

    def run(self, context: Context, folder: Path, scratch: Path) -> None:  # noqa: ARG002
        """Export, then compare labels on the test set; a difference stops the run."""
        dataset = load_dataset(context.config.data, context.data)
        images, labels = first_test_images(dataset, context.config.verify.images, "verify.images")
        scales: dict[str, float] = {}
        shares: dict[str, FloatAccuracy] = {}
        agreements: dict[str, Comparison] = {}
        for name in context.config.networks:
            network = load_checkpoint(context.folder("train") / f"{name}.pt")
            _check_fits(network.input_shape, network.classes, dataset)
            exported = export_qonnx_model(network, folder / f"{name}.onnx")
            brevitas = CachedEngine(BrevitasEngine(network, exported.logit_scale))
            with meter(f"qonnx on the test set, {name}", unit="images") as report:
                qonnx = CachedEngine(QonnxEngine(exported.path, report))
                agreement = compare_labels(brevitas, qonnx, images)
            np.save(folder / f"{name}_logits.npy", qonnx.logits(images))
            scales[name] = exported.logit_scale
            shares[name] = FloatAccuracy(
                brevitas=accuracy(brevitas.logits(images), labels),
                qonnx=accuracy(qonnx.logits(images), labels),
            )
            agreements[name] = Comparison(**asdict(agreement))
        Exported(logit_scale=scales, accuracy=shares, brevitas_vs_qonnx=agreements).save(folder)


def _check_fits(shape: tuple[int, int, int], classes: int, dataset: Dataset) -> None:
    if shape != dataset.input_shape or classes < dataset.classes:
        sizes = ["x".join(map(str, one)) for one in (shape, dataset.input_shape)]
        raise FlowError(
            f"export: the network takes images of {sizes[0]} in {classes} classes, and those of "
            f"{dataset.name} are {sizes[1]} in {dataset.classes}; give the data it was trained on"
        )

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Compare QONNX, FINN's execution and the integer network, logit by logit."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from qonnx.core.modelwrapper import ModelWrapper

from flow.classifier import Images, accuracy
from flow.data.datasets import Dataset, data_files, first_test_images, load_dataset
from flow.engines.base import Engine
from flow.engines.cached import CachedEngine
from flow.engines.finn import FinnEngine
from flow.engines.integer import IntegerEngine
from flow.engines.qonnx import QonnxEngine
from flow.engines.verification import compare_logits
from flow.evaluation.accuracy import wilson_interval
from flow.integer import IntegerNetwork
from flow.integer.native import NativeNetwork
from flow.progress import meter
from flow.report.schema import Comparison, WholeTestSet
from flow.run.compiled import compiled_networks
from flow.run.pipeline import Context, Settings, Step
from flow.run.results import Verified

__all__ = ["VerifyStep"]


class VerifyStep(Step):
    """*.onnx, dataflow.onnx, *.npz -> verify.json."""

    name = "verify"
    version = 3
    needs = ("export", "compile")
    tools = ("finn-plus", "qonnx")

    def settings(self, context: Context) -> Settings:
        """Return which images are compared."""
        return {"data": context.config.data, "verify": context.config.verify}

    def needed_files(self, context: Context) -> Sequence[Path]:
        """Return the data set's files."""
        return data_files(context.config.data, context.data)

    def run(self, context: Context, folder: Path, scratch: Path) -> None:  # noqa: ARG002
        """Compare on the test images; a difference stops the run."""
        config = context.config.verify
        dataset = load_dataset(context.config.data, context.data)
        images, labels = first_test_images(dataset, config.images, "verify.images")
        few, _ = first_test_images(dataset, config.finn_images, "verify.finn_images")
        names, compiled = context.config.networks, context.folder("compile")
        networks = compiled_networks(context)
        integer = {name: CachedEngine(IntegerEngine(networks[name])) for name in names}
        deployed = context.config.deployed
        finn = _with_finn(compiled / "dataflow.onnx", integer[deployed], few)
        agreements = {
            name: _with_qonnx(context.folder("export"), name, integer[name], images)
            for name in names
        }
        Verified(
            accuracy={name: accuracy(integer[name].logits(images), labels) for name in names},
            test_set={name: _on_all(networks[name], dataset) for name in names},
            qonnx_vs_integer=agreements[deployed],
            finn_vs_integer=finn,
            skipped=None if finn else {"finn_vs_integer": "verify.finn_images is 0"},
        ).save(folder)


def _on_all(network: IntegerNetwork, dataset: Dataset) -> WholeTestSet:
    """Return the integer network's share of all test images, with its 95% interval."""
    logits = NativeNetwork(network).logits(dataset.test_images)
    right = int((logits.argmax(axis=1) == dataset.test_labels).sum())
    count = len(dataset.test_labels)
    interval = wilson_interval(right, count)
    return WholeTestSet(accuracy=right / count, images=count, ci95=interval)


def _with_finn(path: Path, integer: Engine, images: Images) -> Comparison | None:
    """Compare FINN's execution of the dataflow graph; None without images."""
    if not len(images):
        return None
    with meter("FINN's execution", unit="images") as report:
        finn = FinnEngine(ModelWrapper(str(path)), report)
        return Comparison(**asdict(compare_logits(finn, integer, images)))


def _with_qonnx(exported: Path, name: str, integer: Engine, images: Images) -> Comparison:
    """Compare a network with the logits that the export step has got from qonnx."""
    logits = np.load(exported / f"{name}_logits.npy")
    qonnx = CachedEngine(QonnxEngine(exported / f"{name}.onnx"), images, logits)
    return Comparison(**asdict(compare_logits(qonnx, integer, images)))

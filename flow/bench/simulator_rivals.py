# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What the native engine is compared with; each gets its inputs ready before the clock starts."""

import logging
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import onnx
import onnxruntime
import torch
from qonnx.core.onnx_exec import execute_onnx
from torch import Tensor, nn

from brevitas_models.classifier import QuantClassifier
from flow.bench.simulator_float import float_network
from flow.classifier import Images
from flow.export.qonnx import load_qonnx
from flow.integer import IntegerNetwork
from flow.threads import threads

__all__ = ["RIVALS", "Rival", "Subject", "as_tensor"]

Run = Callable[[], object]
_OPSET = 18  # torch writes it without converting


@dataclass(frozen=True)
class Subject:
    """One model in every form that a rival needs, and a folder for a rival's own files."""

    qonnx: Path
    brevitas: QuantClassifier
    network: IntegerNetwork
    threads: int
    folder: Path


class Rival(ABC):
    """Another way to compute the same model, or its float topology."""

    most_images: ClassVar[int] = 2**31  # that a slow rival is given of a batch

    @abstractmethod
    def prepare(self, subject: Subject, images: Images) -> Run:
        """Return the function that is timed: it classifies all images."""


def as_tensor(images: Images) -> Tensor:
    """Return float32[N, C, H, W] in 0..1, contiguous, as the networks were trained with."""
    return (torch.from_numpy(images).permute(0, 3, 1, 2) / 255.0).contiguous()


class Qonnx(Rival):
    """qonnx's Python executor, image by image."""

    most_images = 8

    def prepare(self, subject: Subject, images: Images) -> Run:
        """See Rival."""
        model = load_qonnx(subject.qonnx).model
        feeds = [{model.graph.input[0].name: image[None].astype(np.float32)} for image in images]
        return lambda: [execute_onnx(model, feed) for feed in feeds]


class Brevitas(Rival):
    """The trained network in evaluation mode."""

    def prepare(self, subject: Subject, images: Images) -> Run:
        """See Rival."""
        return _in_torch(subject.brevitas.eval(), as_tensor(images), subject.threads)


class TorchFloat32(Rival):
    """The same topology without quantizers, BatchNorm folded into biases."""

    def prepare(self, subject: Subject, images: Images) -> Run:
        """See Rival."""
        network = float_network(subject.network)
        return _in_torch(network, as_tensor(images), subject.threads)


def _in_torch(network: nn.Module, images: Tensor, count: int) -> Run:
    def run() -> object:
        with threads(count), torch.inference_mode():
            return network(images)

    return run


class OnnxRuntimeQcdq(Rival):
    """onnxruntime on Brevitas' QCDQ export, with all of its graph optimisations."""

    def prepare(self, subject: Subject, images: Images) -> Run:
        """See Rival."""
        path = subject.folder / f"qcdq-{len(images)}.onnx"
        _export_qcdq(subject.brevitas, path, len(images))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = subject.threads
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(str(path), options)
        feed = {session.get_inputs()[0].name: as_tensor(images).numpy()}
        return lambda: session.run(None, feed)


def _export_qcdq(network: QuantClassifier, path: Path, batch: int) -> None:
    """Export; weights that are no inputs of the graph can be folded by onnxruntime."""
    height, width, channels = network.input_shape
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from brevitas.export import export_onnx_qcdq  # noqa: PLC0415 - warns when imported

        images = torch.zeros(batch, channels, height, width)
        options: dict[str, Any] = {"verbose": False, "opset_version": _OPSET}
        export_onnx_qcdq(network.eval(), args=images, export_path=str(path), **options)
    model = onnx.load(str(path))
    weights = {item.name for item in model.graph.initializer}
    inputs = [item for item in model.graph.input if item.name not in weights]
    del model.graph.input[:]
    model.graph.input.extend(inputs)
    onnx.save(model, str(path))


RIVALS: dict[str, Rival] = {
    "qonnx": Qonnx(),
    "brevitas": Brevitas(),
    "torch_float32": TorchFloat32(),
    "onnxruntime_qcdq": OnnxRuntimeQcdq(),
}

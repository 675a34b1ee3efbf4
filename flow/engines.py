# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The engines that must agree, each a Classifier that can also show its activations."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from finn.transformation.fpgadataflow.set_exec_mode import SetExecMode
from numpy.typing import NDArray
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx

from brevitas_models.classifier import QuantClassifier
from brevitas_models.network import QuantConvNet
from flow._activations import brevitas_activations
from flow.classifier import Classifier, Images, Logits, check_images
from flow.export import input_shape, load_qonnx, qonnx_logits
from flow.integer import IntegerNetwork, Threshold
from hw.accelerator import Accelerator
from hw.verilator.simulation import Simulation, SimulationResult

__all__ = [
    "BrevitasEngine",
    "Engine",
    "FinnEngine",
    "IntegerEngine",
    "QonnxEngine",
    "Remembered",
    "Trace",
]

Entry = tuple[str, NDArray[np.int64]]  # a layer, its values [1, ..., C] in integer steps
Trace = list[Entry]
Report = Callable[[int, int], None]  # images done, images in all
_BATCH = 256


class Engine(Classifier, Protocol):
    """A classifier whose inner values can be compared with those of another engine."""

    @property
    def name(self) -> str:
        """The engine's name in reports and errors."""
        ...

    def trace(self, image: Images) -> Trace:
        """Return every quantized activation, then the logits, of one image uint8[1, H, W, C].

        Values are integer steps, channels last; the names are the engine's own, the order is the
        network's, so that two engines' traces are compared entry by entry.
        """
        ...


class BrevitasEngine:
    """The trained Brevitas network; its float logits over their scale are integers."""

    name = "brevitas"

    def __init__(self, network: QuantConvNet | QuantClassifier, scale: float) -> None:
        self.network, self.scale = network.eval(), scale
        self.input_shape, self.classes = input_shape(network), network.settings.classes

    def logits(self, images: Images) -> Logits:
        """Return the rounded multiples of the scale, int32[N, K]; see Classifier."""
        check_images(images, self.input_shape)
        parts = [np.zeros((0, self.classes), dtype=np.int32)]
        with torch.no_grad():
            for start in range(0, len(images), _BATCH):
                batch = self.network(_as_tensor(images[start : start + _BATCH]))
                parts.append(_steps(batch, self.scale).astype(np.int32))
        return np.concatenate(parts)

    def trace(self, image: Images) -> Trace:
        """See Engine."""
        with torch.no_grad():
            *found, logits = brevitas_activations(self.network, _as_tensor(image))
        trace = [(one.name, _channels_last(_steps(one.values, one.step))) for one in found]
        return [*trace, ("logits", _steps(logits.values, self.scale))]


def _as_tensor(images: Images) -> torch.Tensor:
    return torch.from_numpy(images).permute(0, 3, 1, 2) / 255.0


def _steps(values: torch.Tensor, step: float) -> NDArray[np.int64]:
    steps: NDArray[np.int64] = np.rint(values.double().numpy() / step).astype(np.int64)
    return steps


def _channels_last(values: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.moveaxis(values, 1, -1)


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
                found.append((node.name, _channels_last(steps.astype(np.int64))))
        logits = np.rint(context[model.graph.output[0].name] / self.exported.logit_scale)
        return [*found, ("logits", logits.astype(np.int64))]


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


class IntegerEngine:
    """The integer network, which defines the result."""

    name = "integer"

    def __init__(self, network: IntegerNetwork) -> None:
        self.network = network
        self.input_shape, self.classes = network.input_shape, network.classes

    def logits(self, images: Images) -> Logits:
        """Return int32[N, K]; see Classifier."""
        return self.network.logits(images)

    def trace(self, image: Images) -> Trace:
        """See Engine."""
        *inner, logits = self.network.activations(image)
        thresholds = {op.name for op in self.network.operations if isinstance(op, Threshold)}
        return [*(entry for entry in inner if entry[0] in thresholds), logits]


class RtlsimEngine:
    """The verilated accelerator, cycle by cycle."""

    name = "rtlsim"

    def __init__(
        self,
        accelerator: Accelerator,
        *,
        build_dir: Path,
        report: Report | None = None,
        processes: int = 1,
    ) -> None:
        self.accelerator, self.build_dir, self.report = accelerator, build_dir, report
        self.processes = processes
        manifest = accelerator.manifest
        self.input_shape, self.classes = manifest.input.shape, manifest.output.shape[0]

    def logits(self, images: Images) -> Logits:
        """Return int32[N, K]; see Classifier."""
        return self.simulate(images).logits

    def simulate(self, images: Images) -> SimulationResult:
        """Return the logits with the timing of each image; errors as `logits`."""
        check_images(images, self.input_shape)

        def progress(done: int) -> None:
            if self.report:
                self.report(done, len(images))

        simulation = Simulation(
            self.accelerator,
            build_dir=self.build_dir,
            progress=progress,
            processes=self.processes,
        )
        return simulation.run(images)

    def trace(self, image: Images) -> Trace:
        """Return the logits only: inner streams are not observed."""
        return [("logits", self.simulate(image).logits.astype(np.int64))]


class Remembered:
    """An engine whose last logits are kept, for engines so slow that asking twice costs minutes."""

    def __init__(
        self, engine: Engine, images: Images | None = None, logits: Logits | None = None
    ) -> None:
        self.engine, self.images, self.known = engine, images, logits
        self.name = engine.name
        self.input_shape, self.classes = engine.input_shape, engine.classes

    def logits(self, images: Images) -> Logits:
        """Return int32[N, K]; see Classifier."""
        if self.known is None or images is not self.images:
            self.images, self.known = images, self.engine.logits(images)
        return self.known

    def trace(self, image: Images) -> Trace:
        """See Engine."""
        return self.engine.trace(image)

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""QONNX export: uint8 images in, integer logits times one positive scale out."""

import contextlib
import logging
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import torch
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from numpy.typing import NDArray
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from torch import Tensor, nn

from brevitas_models.classifier import QuantClassifier
from flow.classifier import Images, Logits, check_images
from flow.errors import FlowError
from flow.storage.files import replace_file

__all__ = [
    "LOGIT_SCALE",
    "ExportResult",
    "Exported",
    "export_qonnx_model",
    "load_qonnx",
    "qonnx_logits",
]

Report = Callable[[int, int], None]  # images done, images in all

LOGIT_SCALE = "logit_scale"  # key of the model's metadata
_OPSET = 18
_BATCH = 250
_INTEGER_TOLERANCE = 1e-3
_NOISY_LOGGER = "torch.onnx._internal.exporter._registration"  # "torchvision is not installed"


@dataclass(frozen=True)
class ExportResult:
    """The QONNX file, and the value of one unit of its integer logits."""

    path: Path
    logit_scale: float


class _Deployed(nn.Module):
    """The network on uint8 images float[N, H, W, C] in 0..255."""

    def __init__(self, network: QuantClassifier) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.network(images.permute(0, 3, 1, 2) / 255.0)
        return logits


def export_qonnx_model(network: QuantClassifier, path: Path) -> ExportResult:
    """Write `network` as QONNX; the same network gives the same bytes, on any path.

    The input is float32[1, H, W, C], annotated UINT8 in layout NHWC; the batch is 1, as FINN needs.
    The logits are integers times `logit_scale`, which the metadata repeats.

    Raises:
        FlowError: the file cannot be written.
    """
    from qonnx.core.data_layout import NHWC  # noqa: PLC0415 - beside its only use
    from qonnx.util.cleanup import cleanup_model  # noqa: PLC0415 - slow to import

    scale = network.logit_scale
    proto = _torch_export(_Deployed(network).eval(), network.input_shape)
    _strip(proto)
    model = cleanup_model(ModelWrapper(proto))
    name = model.graph.input[0].name
    model.set_tensor_datatype(name, DataType["UINT8"])
    model.set_tensor_layout(name, NHWC)
    _strip(model.model)
    model.set_metadata_prop(LOGIT_SCALE, repr(scale))
    _write(path, model.model.SerializeToString(deterministic=True))
    return ExportResult(path, scale)


def _torch_export(module: nn.Module, shape: tuple[int, int, int]) -> onnx.ModelProto:
    """Run Brevitas' exporter without its messages about packages that are not needed."""
    with warnings.catch_warnings(), _quiet_logger(_NOISY_LOGGER):
        warnings.simplefilter("ignore")
        from brevitas.export import export_qonnx  # noqa: PLC0415 - warns when imported

        images = torch.zeros(1, *shape)
        return export_qonnx(module, args=images, opset_version=_OPSET, verbose=False)


@contextlib.contextmanager
def _quiet_logger(name: str) -> Iterator[None]:
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _strip(proto: onnx.ModelProto) -> None:
    """Remove stack traces, paths and other notes that the exporter leaves in the file."""
    graph = proto.graph
    noted = [*graph.node, *graph.initializer, *graph.value_info, *graph.input, *graph.output]
    for item in (proto, graph, *noted):
        item.ClearField("metadata_props")
        item.ClearField("doc_string")


def _write(path: Path, content: bytes) -> None:
    try:
        replace_file(path, content)
    except OSError as error:
        raise FlowError(
            f"{path}: cannot be written ({error.strerror}); make room or choose another folder"
        ) from error


@dataclass(frozen=True)
class Exported:
    """A model that export_qonnx_model wrote."""

    model: ModelWrapper
    logit_scale: float
    input_shape: tuple[int, int, int]  # (H, W, C)
    classes: int


def load_qonnx(path: Path) -> Exported:
    """Read an exported model.

    Raises:
        FlowError: the file is missing, is not ONNX, or was not written by export_qonnx_model.
    """
    try:
        model = ModelWrapper(onnx.load_model_from_string(path.read_bytes()))
    except (OSError, DecodeError) as error:
        raise FlowError(f"{path}: is not a readable ONNX file ({error}); export again") from error
    scale, inputs = model.get_metadata_prop(LOGIT_SCALE), model.graph.input
    if scale is None or len(inputs) != 1 or len(model.graph.output) != 1:
        raise FlowError(
            f"{path}: has {len(inputs)} inputs and {LOGIT_SCALE} {scale}, not one input "
            "and a scale; only files of steelflow's export step can be used: export again"
        )
    _, height, width, channels = model.get_tensor_shape(inputs[0].name)
    classes = model.get_tensor_shape(model.graph.output[0].name)[-1]
    return Exported(model, float(scale), (height, width, channels), classes)


def qonnx_logits(path: Path, images: Images, report: Report | None = None) -> Logits:
    """Return the logits int32[N, K] that qonnx's own executor computes for uint8[N, H, W, C].

    `report` is called with the images done and the images in all.

    Raises:
        FlowError: the file or the images cannot be used, or the logits are not integers.
    """
    exported = load_qonnx(path)
    check_images(images, exported.input_shape)
    logits = np.zeros((len(images), exported.classes), dtype=np.int32)
    for start in range(0, len(images), _BATCH):
        batch = images[start : start + _BATCH]
        logits[start : start + len(batch)] = _execute(exported, batch, path)
        if report:
            report(start + len(batch), len(images))
    return logits


def _execute(exported: Exported, batch: Images, path: Path) -> NDArray[np.float64]:
    """Run one batch and divide by the scale, insisting on integers."""
    from qonnx.core.onnx_exec import execute_onnx  # noqa: PLC0415 - slow to import

    sized = _with_batch(exported.model, len(batch))
    source, sink = sized.graph.input[0].name, sized.graph.output[0].name
    outputs = execute_onnx(sized, {source: batch.astype(np.float32)})
    values = outputs[sink].astype(np.float64) / exported.logit_scale
    integers: NDArray[np.float64] = np.rint(values)
    error = np.abs(values - integers).max()
    if not error <= _INTEGER_TOLERANCE:  # NaN is refused too
        raise FlowError(
            f"{path}: a logit over the scale {exported.logit_scale} is {error:.3g} from an "
            "integer; the file and its scale do not belong together: export again"
        )
    return integers


def _with_batch(model: ModelWrapper, batch: int) -> ModelWrapper:
    """Copy the model for `batch` images at once, which saves the executor's cost per node."""
    from qonnx.transformation.infer_shapes import InferShapes  # noqa: PLC0415

    sized = ModelWrapper(model.model, make_deepcopy=True)
    source, sink = sized.graph.input[0].name, sized.graph.output[0].name
    del sized.graph.value_info[:]
    for node in sized.get_nodes_by_op_type("Reshape"):
        shape = sized.get_initializer(node.input[1])
        sized.set_initializer(node.input[1], np.array([batch, *shape[1:]], dtype=shape.dtype))
    for name in (source, sink):
        sized.set_tensor_shape(name, [batch, *sized.get_tensor_shape(name)[1:]])
    return sized.transform(InferShapes())

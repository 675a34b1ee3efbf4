# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Reading ONNX files that others wrote."""

from collections import Counter
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx import ModelProto, TensorProto, external_data_helper
from onnx.inliner import inline_local_functions
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.transformation.infer_shapes import InferShapes

from flow.errors import FlowError
from flow.lowering._model_ends import fix_batch, keep_output
from flow.lowering._qoperator import QOPERATORS

__all__ = ["read_model"]

_QUANTIZERS = ("Quant", "IntQuant", "BipolarQuant", "Trunc")
_GENERAL = "qonnx.custom_op.general"
_DOMAINS = ("", "ai.onnx", _GENERAL, "onnx.brevitas", "finn.custom_op.general")
_BAD_FILE = "is not a readable ONNX file"


def read_model(path: Path | str, *, output_name: str | None = None) -> ModelWrapper:
    """Read an ONNX or QONNX classifier; any batch becomes 1.

    Args:
        path: the file.
        output_name: the output that holds the logits; None for the only one.

    Raises:
        FlowError: the file is missing, truncated or not ONNX; its data lies elsewhere; it has
            several inputs, several outputs of which none is named, shapes that are not known, or
            operations of unknown domains.
    """
    path = Path(path)
    proto = _parsed(path)
    _load_external(proto, path)
    if proto.functions:
        proto = inline_local_functions(proto)
    for node in proto.graph.node:
        if node.op_type in _QUANTIZERS:
            node.domain = _GENERAL
    if output_name is not None:
        keep_output(proto, path, output_name)
    _refuse_ends(proto, path)
    _refuse_nodes(proto, path)
    fix_batch(proto, path)
    return _with_shapes(ModelWrapper(proto))


def _with_shapes(model: ModelWrapper) -> ModelWrapper:
    """Add the shapes of inner tensors, which executing a model needs and lowering does not."""
    try:
        return model.transform(InferShapes())
    except Exception:  # onnx and qonnx raise anything; lowering says what is wrong with the graph
        return model


def _parsed(path: Path) -> ModelProto:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise FlowError(f"{path}: cannot be read ({error.strerror}); check the path") from error
    try:
        proto = onnx.load_model_from_string(content)
    except (DecodeError, ValueError) as error:
        raise FlowError(f"{path}: {_BAD_FILE} ({error}); export or copy it again") from error
    if not proto.graph.node or not proto.opset_import:
        raise FlowError(
            f"{path}: {_BAD_FILE} (it has {len(proto.graph.node)} nodes and "
            f"{len(proto.opset_import)} opsets); export or copy it again"
        )
    return proto


def _load_external(proto: ModelProto, path: Path) -> None:
    """Load tensors kept in files beside the model, and in no other folder."""
    folder = path.parent.resolve()
    for tensor in proto.graph.initializer:
        if tensor.data_location != TensorProto.EXTERNAL:
            continue
        location = {item.key: item.value for item in tensor.external_data}.get("location", "")
        place = (folder / location).resolve()
        if not place.is_relative_to(folder) or not place.is_file():
            raise FlowError(
                f"{path}: tensor {tensor.name!r} lies in {location!r}, which is no file in the "
                "model's folder; save the model with its data inside"
            )
    try:
        external_data_helper.load_external_data_for_model(proto, str(folder))
    except (OSError, ValueError, onnx.checker.ValidationError) as error:
        raise FlowError(
            f"{path}: its external data cannot be read ({error}); save the model with its data "
            "inside"
        ) from error


def _refuse_ends(proto: ModelProto, path: Path) -> None:
    constants = {item.name for item in proto.graph.initializer}
    inputs = [item.name for item in proto.graph.input if item.name not in constants]
    outputs = [item.name for item in proto.graph.output]
    producers = {name: node for node in proto.graph.node for name in node.output}
    decisions = {id(producers[name]) for name in outputs if name in producers}
    if len(inputs) == 1 and len(decisions) > 1:
        raise FlowError(
            f"{path}: has {len(outputs)} outputs, {', '.join(outputs)}; set output_name to the one "
            "that holds the logits"
        )
    if len(inputs) != 1 or len(decisions) != 1:
        raise FlowError(
            f"{path}: has inputs {', '.join(inputs) or 'none'} and outputs "
            f"{', '.join(outputs) or 'none'}; a classifier has one image as input and its logits "
            "as output: export it so"
        )


def _refuse_nodes(proto: ModelProto, path: Path) -> None:
    """Refuse unknown domains, and nodes that read what is not computed before them."""
    graph = proto.graph
    unknown = Counter(
        f"{node.domain}.{node.op_type}"
        for node in graph.node
        if node.domain not in _DOMAINS and node.op_type not in QOPERATORS
    )
    if unknown:
        listed = ", ".join(f"{name} ({count})" for name, count in unknown.items())
        raise FlowError(
            f"{path}: has operations of unknown domains: {listed}; export it as QONNX with plain "
            "ONNX operations"
        )
    known = {item.name for item in (*graph.input, *graph.initializer)} | {""}
    for node in graph.node:
        missing = [name for name in node.input if name not in known]
        if missing:
            raise FlowError(
                f"{path}: node {node.name or node.op_type!r} reads {missing[0]!r}, which no node "
                "before it computes; export it again"
            )
        known.update(node.output)

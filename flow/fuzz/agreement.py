# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Integers against float executions of their source, and how near a difference was to a tie."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx

from flow.classifier import Images, Logits
from flow.fuzz.graph import build, smooth_images
from flow.fuzz.spec import GraphSpec
from flow.integer import IntegerNetwork
from flow.integer.native import NativeNetwork
from flow.lowering.constants import attribute
from flow.lowering.lower import lower

__all__ = [
    "TIE",
    "GraphAgreement",
    "Tie",
    "apart",
    "compare_graph",
    "execute",
    "nearest_tie",
    "outputs",
]

TIE = 1e-5  # relative distance from a rounding boundary at which float32 may decide otherwise
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Tie:
    """The value of an execution that comes nearest to a rounding boundary.

    Attributes:
        node: the quantizer that rounds it.
        distance: to the boundary, over the value's size in steps (at least 1).
    """

    node: str
    distance: float


@dataclass(frozen=True, kw_only=True)
class GraphAgreement:
    """What a random graph showed.

    Attributes:
        images: how many were compared.
        engines_differ: images on which the native engine and the integer network differ.
        qonnx_differs: images on which qonnx's executor and they differ.
        ties: those of them with a value within TIE of a rounding boundary.
    """

    images: int
    engines_differ: int
    qonnx_differs: int
    ties: int


def compare_graph(spec: GraphSpec, images: int = 3) -> GraphAgreement:
    """Lower a random graph; run integers, the native engine and qonnx on the same images."""
    model = build(spec)
    network = lower(model).network
    native = NativeNetwork(network, threads=1)
    engines = differ = ties = 0
    for image, ours, theirs in outputs(model, network, spec, images):
        engines += not np.array_equal(native.logits(image[None])[0], ours)
        if apart(ours, theirs):
            differ += 1
            ties += nearest_tie(model, image, nchw=spec.nchw).distance < TIE
    return GraphAgreement(
        images=images, engines_differ=engines, qonnx_differs=differ, ties=ties
    )  # fmt: skip


def outputs(
    model: ModelWrapper, network: IntegerNetwork, spec: GraphSpec, count: int
) -> Iterator[tuple[Images, Logits, Floats]]:
    """Yield images uint8[H, W, C], our logits, and qonnx's in the same steps."""
    rng = np.random.default_rng(spec.seed)
    images = smooth_images(rng, count, network.input_shape).astype(np.uint8)
    for image, logits in zip(images, network.logits(images), strict=True):
        floats = execute(model, image, nchw=spec.nchw).reshape(-1).astype(np.float64)
        yield image, logits, (floats - network.offset) / network.scale


def execute(model: ModelWrapper, image: Images, *, nchw: bool) -> NDArray[np.float32]:
    """Return qonnx's output for one image [H, W, C], fed as the model's own input tensor."""
    source, sink = model.graph.input[0].name, model.graph.output[0].name
    return np.asarray(execute_onnx(model, {source: _tensor(model, image, nchw=nchw)})[sink])


def apart(ours: Logits, theirs: Floats) -> bool:
    """Say whether logits differ by more than float32's error in the last division and sum."""
    tolerance = min(1e-3 + 1e-6 * float(np.abs(ours).max(initial=0)), 0.45)
    return bool(np.abs(ours - theirs).max(initial=0) > tolerance)


def nearest_tie(model: ModelWrapper, image: Images, *, nchw: bool) -> Tie:
    """Return which value of qonnx's execution of an image is nearest to a boundary."""
    feed = {model.graph.input[0].name: _tensor(model, image, nchw=nchw)}
    values = execute_onnx(model, feed, return_full_exec_context=True)
    constants = {item.name for item in model.graph.initializer}
    found = (
        Tie(node.name, _distance(node, values))
        for node in model.graph.node
        if node.input[0] not in constants
    )
    return min(found, key=lambda tie: tie.distance)


def _tensor(model: ModelWrapper, image: Images, *, nchw: bool) -> NDArray[np.float32]:
    tensor = image.transpose(2, 0, 1) if nchw else image
    return tensor.astype(np.float32).reshape(model.get_tensor_shape(model.graph.input[0].name))


def _distance(node: NodeProto, values: dict[str, NDArray[np.float32]]) -> float:
    """Return how near a quantizer's input is to a boundary, relative to its size in steps."""
    read = [values[name].astype(np.float64) for name in node.input if name]
    match node.op_type:
        case "BipolarQuant":
            return float((np.abs(read[0]) / read[1]).min())
        case "MultiThreshold":
            step = attribute(node, "out_scale")
            return float(np.abs(np.moveaxis(read[0], 1, -1)[..., None] - read[1]).min() / step)
        case "Quant" | "Trunc":
            steps = read[0] / read[1] + read[2]
            halves = node.op_type == "Trunc" or attribute(node, "rounding_mode").startswith(
                ("ROUND", "HALF")
            )
            shifted = steps + 0.5 if halves else steps
            return float((np.abs(shifted - np.rint(shifted)) / (1 + np.abs(steps))).min())
    return float("inf")

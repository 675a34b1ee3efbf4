# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A small RGB network as accelerators of several foldings, with FINN's own logits to compare."""

import copy
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from finn.core.onnx_exec import execute_onnx
from finn.transformation.fpgadataflow.set_folding import SetFolding
from numpy.typing import NDArray
from onnx import TensorProto, helper
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp
from qonnx.util.basic import qonnx_make_model
from qonnx_models import GraphBuilder

from flow.config import CompileConfig
from flow.dataflow import fold, generate_rtl, to_dataflow
from flow.integer import (
    IMAGE,
    Add,
    Bias,
    Concat,
    Convolution,
    Dense,
    Flatten,
    IntegerNetwork,
    MaxPool,
    Operation,
    Threshold,
)
from flow.lowering import lower
from hw.accelerator import Accelerator
from hw.finn.session import finn_build_dir
from hw.stitch.stitching import stitch

PART = "xc7z020clg400-1"
SCALE = 0.5
SIZE, CHANNELS, CLASSES = 6, 3, 5


@dataclass(frozen=True)
class Folding:
    """A target for FINN's choice, and attributes that are set after it."""

    target_cycles: int
    attributes: Mapping[str, Mapping[str, int]]


# Sequential: one multiplication a cycle. Parallel: whole pixels in, all logits out in one beat,
# and a first matrix layer that gives a result every cycle (SIMD = MW).
FOLDINGS = {
    "sequential": Folding(10_000, {}),
    "parallel": Folding(
        150,
        {
            "FMPadding_rtl_0": {"SIMD": 3},
            "ConvolutionInputGenerator_rtl_0": {"SIMD": 3},
            "MVAU_rtl_0": {"PE": 2, "SIMD": 27},
            "MVAU_rtl_2": {"PE": 5},
        },
    ),
}


def rgb_qonnx(seed: int = 0) -> ModelWrapper:
    """Images [1, 6, 6, 3] -> two 3x3 convolutions with quantized ReLU -> 5 logits."""
    graph = GraphBuilder(np.random.default_rng(seed))
    graph.then("Transpose", perm=[0, 3, 1, 2])
    inputs = CHANNELS
    for outputs, stride, scale in ((4, 1, 55.0), (6, 2, 3.0)):
        kernel = graph.weights((outputs, inputs, 3, 3), 0.125)
        graph.then("Conv", kernel, kernel_shape=[3, 3], pads=[1] * 4, strides=[stride] * 2)
        graph.then("Relu")
        graph.tensor = graph.quant(graph.tensor, scale, 4, signed=False)
        inputs = outputs
    graph.then("Reshape", graph.constant(np.array([1, -1])))
    graph.then("MatMul", graph.weights((inputs * 9, CLASSES), 0.25))
    images = helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, SIZE, SIZE, CHANNELS])
    logits = helper.make_tensor_value_info(graph.tensor, TensorProto.FLOAT, [1, CLASSES])
    proto = helper.make_graph(graph.nodes, "rgb", [images], [logits], graph.constants)
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("qonnx.custom_op.general", 1)]
    model = ModelWrapper(qonnx_make_model(proto, opset_imports=opsets))
    model.set_tensor_datatype("images", DataType["UINT8"])  # 0 to 255, not 0 to 1
    return model


def dataflow_graph(folder: Path, seed: int = 0) -> ModelWrapper:
    """Return FINN's layers, all RTL, not folded and without FIFOs."""
    with finn_build_dir(folder / "finn"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # qonnx warns of opset 18
        return to_dataflow(lower(rgb_qonnx(seed)).network, PART)


def folded_rtl(model: ModelWrapper, folding: Folding, folder: Path) -> ModelWrapper:
    """Return the graph with a folding, width converters, FIFOs and generated code."""
    with finn_build_dir(folder / "finn"):
        model = copy.deepcopy(model)
        model = model.transform(SetFolding(folding.target_cycles, two_pass_relaxation=False))
        for name, attributes in folding.attributes.items():
            node = getCustomOp(model.get_node_from_name(name))
            for attribute, value in attributes.items():
                node.set_nodeattr(attribute, value)
        for layer in model.get_nodes_by_op_type("MVAU_rtl"):
            getCustomOp(layer).set_nodeattr("unit", "dsp")  # FINN's; the graph with forks has ours
        return generate_rtl(model, PART, 100.0)


def stitched(model: ModelWrapper, folder: Path, name: str = "rgb") -> Accelerator:
    """Stitch a graph with generated code."""
    return stitch(model, folder, name=name, part=PART, clock_mhz=100.0, logit_scale=SCALE)


def finn_logits(model: ModelWrapper, images: NDArray[np.uint8], folder: Path) -> NDArray[np.int32]:
    """Return int32[N, K] as FINN itself executes the dataflow graph, node by node."""
    model = copy.deepcopy(model)
    for node in model.graph.node:
        getCustomOp(node).set_nodeattr("exec_mode", "cppsim")  # numpy, for layers that are RTL
    source, sink = model.graph.input[0].name, model.graph.output[0].name
    with finn_build_dir(folder / "finn"):
        rows = [
            execute_onnx(model, {source: image[None].astype(np.float32)})[sink] for image in images
        ]
    return np.concatenate(rows).reshape(len(images), -1).astype(np.int32)


def _forked_network() -> IntegerNetwork:
    rng = np.random.default_rng(9)
    reach = {"first": 250, "total": 9, "both": 3}  # of the sums, about

    def convolution(name: str, source: str, size: int, shape: tuple[int, int]) -> Operation:
        weights = rng.integers(-3 if size == 3 else -1, 4 if size == 3 else 2, (size, size, *shape))
        padding = (size // 2,) * 4
        return Convolution(name=name, inputs=(source,), weights=weights, padding=padding)

    def threshold(source: str) -> Operation:
        rows = np.sort(rng.integers(-reach[source], reach[source] + 1, (4, 3)), axis=1)
        return Threshold(name=f"{source}_t", inputs=(source,), thresholds=rows, offset=0)

    operations = (
        convolution("first", IMAGE, 3, (2, 4)),
        threshold("first"),
        convolution("branch", "first_t", 3, (4, 4)),
        Add(name="total", inputs=("branch", "first_t"), factors=(1, 2)),
        threshold("total"),
        convolution("left", "total_t", 1, (4, 2)),
        convolution("right", "total_t", 1, (4, 2)),
        Concat(name="both", inputs=("left", "right")),
        threshold("both"),
        MaxPool(name="pool", kernel=(2, 2), stride=(2, 2)),
        Flatten(name="flat"),
        Dense(name="dense", weights=rng.integers(-3, 4, (36, 5))),
        Bias(name="bias", values=rng.integers(-20, 21, 5)),
    )
    return IntegerNetwork(operations, (6, 6, 2), 1.0)


def forked_rtl(folder: Path, *, label: bool) -> tuple[ModelWrapper, IntegerNetwork]:
    """Return a residual and a concatenation, with generated code, and the integers behind it.

    Images [1, 6, 6, 2] -> convolution -> residual 3x3 -> two 1x1 joined -> max-pool -> 5 logits
    with a bias, or their label.
    """
    network = _forked_network()
    with finn_build_dir(folder / "finn"):
        model, _ = fold(to_dataflow(network, PART, label=label), CompileConfig(target_fps=2e5))
        return generate_rtl(model, PART, 100.0), network

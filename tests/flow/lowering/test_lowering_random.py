# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Random graphs: the integers against qonnx, exactly where float32 is exact."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from agreement import executed, pictures
from numpy.typing import NDArray
from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx

from flow.errors import FlowError
from flow.integer import Convolution, Dense, IntegerNetwork
from flow.lowering import lower
from flow.lowering._constants import attribute
from flow.lowering.random_graphs import (
    Block,
    GraphSpec,
    build,
    draw,
    random_qonnx,
    shrink,
    simplest,
)

TIE = 1e-5  # relative distance from a rounding boundary at which float32 may decide otherwise
SOFTWARE = [replace(draw(seed), ending="") for seed in range(70)]
EXACT = [spec for spec in SOFTWARE if spec.dyadic][:25]
ROUNDED = [spec for spec in SOFTWARE if not spec.dyadic][:16]
HARDWARE = [draw(seed, hardware=True) for seed in range(20)]
MEDIUM = [draw(seed, size="medium", hardware=True) for seed in range(3)]


def _outputs(spec: GraphSpec, count: int = 3) -> Iterator[tuple[NDArray, NDArray, NDArray]]:
    """Yield images, our logits, and qonnx's in the same steps."""
    model = build(spec)
    network = lower(model).network
    images = pictures(network, count, spec.seed)
    for image, logits in zip(images, network.logits(images), strict=True):
        floats = executed(model, image[None], nchw=spec.nchw).reshape(-1).astype(np.float64)
        yield image, logits, (floats - network.offset) / network.scale


def _differs(spec: GraphSpec) -> bool:
    return any(_apart(ours, theirs) for _, ours, theirs in _outputs(spec))


def _apart(ours: NDArray, theirs: NDArray) -> bool:
    """Whether logits differ by more than float32's error in the last division and sum."""
    tolerance = min(1e-3 + 1e-6 * float(np.abs(ours).max()), 0.45)
    return bool(np.abs(ours - theirs).max() > tolerance)


@pytest.mark.parametrize("spec", [*EXACT, *HARDWARE, *MEDIUM], ids=lambda spec: f"seed{spec.seed}")
def test_logits_are_qonnx_s_to_the_last_integer(spec: GraphSpec) -> None:
    if _differs(spec):
        pytest.fail(f"differs: {simplest(spec, _differs).to_json()}")


def test_float_scales_differ_only_where_rounding_decides_a_tie() -> None:
    compared = ties = 0
    for spec in ROUNDED:
        for image, ours, theirs in _outputs(spec):
            compared += 1
            if _apart(ours, theirs):
                assert _has_tie(build(spec), image, nchw=spec.nchw), spec.to_json()
                ties += 1
    print(f"{ties} of {compared} images differ, all with a value within {TIE} of a boundary")
    assert compared == 3 * len(ROUNDED)
    assert ties <= 0.1 * compared


def _has_tie(model: ModelWrapper, image: NDArray, *, nchw: bool) -> bool:
    tensor = (image.transpose(2, 0, 1) if nchw else image)[None].astype(np.float32)
    values = execute_onnx(model, {"images": tensor}, return_full_exec_context=True)
    constants = {item.name for item in model.graph.initializer}
    return any(
        _distance(node, values) < TIE for node in model.graph.node if node.input[0] not in constants
    )


def _distance(node: NodeProto, values: dict[str, NDArray]) -> float:
    """Return how near a quantizer's input is to a boundary, relative to its size in steps."""
    read = [values[name].astype(np.float64) for name in node.input]
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


@pytest.mark.parametrize("spec", HARDWARE, ids=lambda spec: f"seed{spec.seed}")
def test_hardware_graphs_keep_to_what_rtl_can_do(spec: GraphSpec) -> None:
    network = lower(build(spec)).network
    for operation in network.operations:
        if isinstance(operation, Convolution | Dense) and "factor" not in operation.name:
            assert np.abs(operation.weights).max() <= 127
        if isinstance(operation, Convolution):
            assert operation.groups in (1, network.shapes[operation.name][2])


def test_most_random_graphs_tell_images_apart() -> None:
    alive = [_tells_apart(lower(build(spec)).network) for spec in HARDWARE]
    assert sum(alive) >= 0.8 * len(alive)


def _tells_apart(network: IntegerNetwork) -> bool:
    return len(np.unique(network.logits(pictures(network, 8)), axis=0)) > 1


def test_a_seed_gives_one_graph() -> None:
    first, second = (random_qonnx(5, hardware=True).model for _ in range(2))
    assert first.SerializeToString(deterministic=True) == second.SerializeToString(
        deterministic=True
    )


@pytest.mark.parametrize("spec", [*SOFTWARE[:10], *MEDIUM], ids=lambda spec: f"seed{spec.seed}")
def test_a_specification_survives_json(spec: GraphSpec) -> None:
    assert GraphSpec.from_json(spec.to_json()) == spec


@pytest.mark.parametrize("text", ["", "[]", "3", '{"seed": 1, "colour": 2}', '{"blocks": [1]}'])
def test_other_text_is_no_specification(text: str) -> None:
    with pytest.raises(FlowError, match=r"graph specification .* is not one .* use what to_json"):
        GraphSpec.from_json(text)


def test_shrinking_ends_at_the_cause() -> None:
    spec = replace(draw(3, size="medium"), blocks=(Block(bits=2), *draw(3, size="medium").blocks))

    def fails(candidate: GraphSpec) -> bool:
        return any(block.bits == 2 for block in candidate.blocks)

    found = simplest(spec, fails)
    assert found.blocks == (Block(bits=2, channels=1),)
    assert found.image == (1, 1, 1)


@pytest.mark.parametrize("seed", range(4))
def test_simpler_graphs_can_be_built(seed: int) -> None:
    for spec in list(shrink(draw(seed)))[:12]:
        lower(build(spec))

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Random graphs: the integers against qonnx, exactly where float32 is exact."""

from dataclasses import fields, replace

import numpy as np
import pytest

from flow.dataflow import to_dataflow
from flow.errors import FlowError
from flow.fuzz import (
    Block,
    GraphSpec,
    build,
    draw,
    random_qonnx,
    shrink,
    simplest,
)
from flow.fuzz.agreement import TIE, compare_graph
from flow.fuzz.graph import smooth_images
from flow.fuzz.kinds.registry import KINDS
from flow.integer import IntegerNetwork, Threshold
from flow.lowering import lower

SOFTWARE = [replace(draw(seed), ending="") for seed in range(70)]
HARDWARE = [draw(seed, hardware=True) for seed in range(24)]
MEDIUM = [draw(seed, size="medium", hardware=True) for seed in range(6)]
EXACT = [
    *[spec for spec in SOFTWARE if spec.dyadic][:20],
    *[spec for spec in (*HARDWARE, *MEDIUM) if spec.dyadic],
]
ROUNDED = [spec for spec in (*SOFTWARE, *HARDWARE) if not spec.dyadic][:20]
PART = "xc7z020clg400-1"


def _differs(spec: GraphSpec) -> bool:
    found = compare_graph(spec)
    return found.qonnx_differs + found.engines_differ > 0


@pytest.mark.parametrize("spec", EXACT, ids=lambda spec: f"seed{spec.seed}")
def test_logits_are_qonnx_s_to_the_last_integer(spec: GraphSpec) -> None:
    if _differs(spec):
        pytest.fail(f"differs: {simplest(spec, _differs).to_json()}")


def test_float_scales_differ_only_where_rounding_decides_a_tie() -> None:
    found = [compare_graph(spec) for spec in ROUNDED]
    differ = sum(graph.qonnx_differs for graph in found)
    images = sum(graph.images for graph in found)
    print(f"{differ} of {images} images differ, all with a value within {TIE} of a boundary")
    assert images == 3 * len(ROUNDED)
    assert all(graph.ties == graph.qonnx_differs for graph in found)
    assert not any(graph.engines_differ for graph in found)
    assert differ <= 0.1 * images


@pytest.mark.parametrize("spec", HARDWARE, ids=lambda spec: f"seed{spec.seed}")
def test_hardware_graphs_keep_to_what_rtl_can_do(spec: GraphSpec) -> None:
    assert to_dataflow(lower(build(spec)).network, PART).graph.node


def test_every_setting_of_every_kind_comes_up() -> None:
    blocks = [block for seed in range(300) for block in draw(seed).blocks]
    assert {block.kind for block in blocks} == set(KINDS)
    for field in fields(Block):
        found = {getattr(block, field.name) for block in blocks}
        assert len(found) >= 2, field.name
    zeros = {block.zero_point for block in blocks if block.bits > 1}
    assert min(zeros) <= -32
    assert max(zeros) >= 256
    assert {block.bits for block in blocks} == set(range(1, 9))


def test_zero_points_reach_the_thresholds() -> None:
    networks = [lower(build(spec)).network for spec in HARDWARE]
    layers = [op for network in networks for op in network.operations if isinstance(op, Threshold)]
    offsets = {layer.offset for layer in layers}
    assert min(offsets) < -128
    assert max(offsets) > 0
    counts = {layer.thresholds.shape[1] for layer in layers}
    assert len(counts - {2**bits - 1 for bits in range(1, 9)}) > 2  # no 2^n - 1
    assert any(len(layer.thresholds) == 1 for layer in layers)


def test_most_random_graphs_tell_images_apart() -> None:
    alive = [_tells_apart(lower(build(spec)).network) for spec in HARDWARE]
    assert sum(alive) >= 0.8 * len(alive)


def _tells_apart(network: IntegerNetwork) -> bool:
    images = smooth_images(np.random.default_rng(0), 8, network.input_shape).astype(np.uint8)
    return len(np.unique(network.logits(images), axis=0)) > 1


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
    assert simplest(spec, fails, tries=0) == spec
    assert found.blocks == (Block(bits=2, channels=1),)
    assert found.image == (1, 1, 1)


@pytest.mark.parametrize("seed", range(4))
def test_simpler_graphs_can_be_built(seed: int) -> None:
    for spec in list(shrink(draw(seed)))[:12]:
        lower(build(spec))

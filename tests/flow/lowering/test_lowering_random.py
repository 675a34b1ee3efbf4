# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Random graphs: the integers against qonnx, exactly where float32 is exact."""

from dataclasses import replace

import numpy as np
import pytest
from agreement import pictures

from flow.errors import FlowError
from flow.integer import Convolution, Dense, IntegerNetwork
from flow.lowering import lower
from flow.lowering.agreement import TIE, compare_graph
from flow.lowering.random_graphs import (
    Block,
    GraphSpec,
    build,
    draw,
    random_qonnx,
    shrink,
    simplest,
)

SOFTWARE = [replace(draw(seed), ending="") for seed in range(70)]
EXACT = [spec for spec in SOFTWARE if spec.dyadic][:25]
ROUNDED = [spec for spec in SOFTWARE if not spec.dyadic][:16]
HARDWARE = [draw(seed, hardware=True) for seed in range(20)]
MEDIUM = [draw(seed, size="medium", hardware=True) for seed in range(3)]


def _differs(spec: GraphSpec) -> bool:
    found = compare_graph(spec)
    return found.qonnx_differs + found.engines_differ > 0


@pytest.mark.parametrize("spec", [*EXACT, *HARDWARE, *MEDIUM], ids=lambda spec: f"seed{spec.seed}")
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

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""FINN's own rtlsim, unchanged, on Verilator: node by node, stitched, and in its builder."""

import copy
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import networks
import numpy as np
import pytest
from finn.core.onnx_exec import execute_onnx
from finn.transformation.fpgadataflow.prepare_ip import PrepareIP
from finn.transformation.fpgadataflow.prepare_rtlsim import PrepareRTLSim
from finn.transformation.fpgadataflow.set_exec_mode import SetExecMode
from numpy.typing import NDArray
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp

from hw.accelerator import Accelerator
from hw.errors import HardwareError
from hw.finn.session import finn_build_dir
from hw.xsi import binding
from hw.xsi.stitched import with_stitched_rtl

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def verilator(build_dir: Path, work: Path) -> Iterator[None]:
    """FINN simulates with Verilator."""
    binding.install(build_dir=build_dir)
    with finn_build_dir(work / "finn_rtlsim"):
        yield
    binding.uninstall()


@pytest.fixture(scope="module")
def layers(graph: ModelWrapper, work: Path) -> ModelWrapper:
    """The layers with generated code, each executed in RTL; no FIFOs between them."""
    model = copy.deepcopy(graph)
    for name, attributes in networks.FOLDINGS["parallel"].attributes.items():
        for attribute, value in attributes.items():
            getCustomOp(model.get_node_from_name(name)).set_nodeattr(attribute, value)
    with finn_build_dir(work / "layers"):
        return model.transform(PrepareIP(networks.PART, 10.0))


def run(model: ModelWrapper, image: NDArray[np.uint8]) -> list[int]:
    """Return the logits as FINN executes the graph."""
    source, sink = model.graph.input[0].name, model.graph.output[0].name
    logits = execute_onnx(model, {source: image[None].astype(np.float32)})[sink]
    return [int(logit) for logit in logits.reshape(-1)]


def test_node_by_node_rtlsim_equals_finns_python(
    layers: ModelWrapper, images: NDArray[np.uint8], expected: NDArray[np.int32]
) -> None:
    model = copy.deepcopy(layers).transform(PrepareRTLSim(num_workers=1))
    model = model.transform(SetExecMode("rtlsim"))
    assert [run(model, image) for image in images[:3]] == expected[:3].tolist()
    cycles = {
        node.name: getCustomOp(node).get_nodeattr("cycles_rtlsim") for node in model.graph.node
    }
    assert all(cycles.values())


def test_stitched_rtlsim_equals_finns_python(
    rtl_graphs: Mapping[str, ModelWrapper],
    accelerators: Mapping[str, Accelerator],
    images: NDArray[np.uint8],
    expected: NDArray[np.int32],
    tmp_path: Path,
) -> None:
    model = with_stitched_rtl(rtl_graphs["parallel"], accelerators["parallel"], tmp_path)
    assert [run(model, image) for image in images] == expected.tolist()
    slowest = accelerators["parallel"].manifest.cycles_per_frame_predicted
    assert slowest < int(model.get_metadata_prop("cycles_rtlsim")) < 3 * slowest


def test_the_accelerator_of_another_graph_is_refused(
    layers: ModelWrapper, accelerators: Mapping[str, Accelerator], tmp_path: Path
) -> None:
    with pytest.raises(
        HardwareError, match=r"accelerator rgb: its layers .* \(only one of them has Stre"
    ):
        with_stitched_rtl(layers, accelerators["parallel"], tmp_path)


def test_a_folder_with_a_space_is_refused(
    rtl_graphs: Mapping[str, ModelWrapper],
    accelerators: Mapping[str, Accelerator],
    tmp_path: Path,
) -> None:
    with pytest.raises(HardwareError, match=r"a b/finn_design_wrapper.v': has a space, .* another"):
        with_stitched_rtl(rtl_graphs["parallel"], accelerators["parallel"], tmp_path / "a b")


@pytest.fixture
def steps(verilator: None) -> ModuleType:  # noqa: ARG001
    """FINN's build steps, which import finn.xsi."""
    pytest.importorskip("mip", reason="finn.builder imports mip, which is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import finn.builder.build_dataflow_steps  # noqa: PLC0415
    return finn.builder.build_dataflow_steps


@pytest.fixture
def config(
    steps: ModuleType, images: NDArray[np.uint8], expected: NDArray[np.int32], tmp_path: Path
) -> Any:  # noqa: ANN401
    """A build that verifies in RTL with two images."""
    np.save(tmp_path / "images.npy", images[:2].astype(np.float32))
    np.save(tmp_path / "logits.npy", expected[:2].astype(np.float32))
    return steps.DataflowBuildConfig(
        output_dir=str(tmp_path),
        synth_clk_period_ns=10.0,
        fpga_part=networks.PART,
        generate_outputs=[],
        verify_steps=["node_by_node_rtlsim", "stitched_ip_rtlsim"],
        verify_input_npy=str(tmp_path / "images.npy"),
        verify_expected_output_npy=str(tmp_path / "logits.npy"),
        save_intermediate_models=True,
    )


def test_the_builders_verification_succeeds(
    steps: ModuleType,
    config: Any,  # noqa: ANN401
    layers: ModelWrapper,
    rtl_graphs: Mapping[str, ModelWrapper],
    accelerators: Mapping[str, Accelerator],
) -> None:
    def partitioned(model: ModelWrapper) -> ModelWrapper:
        return steps.step_create_dataflow_partition(copy.deepcopy(model), config)

    steps.step_hw_ipgen(partitioned(layers), config)
    folder = Path(config.output_dir) / "stitched"
    stitched = partitioned(rtl_graphs["parallel"])
    stitched = with_stitched_rtl(stitched, accelerators["parallel"], folder)
    steps.step_create_stitched_ip(stitched, config)
    results = sorted(p.stem for p in config.get_verification_output_directory().glob("*.npy"))
    assert results == [
        f"verify_{step}_{image}_SUCCESS"
        for step in ("node_by_node_rtlsim", "stitched_ip_rtlsim")
        for image in (0, 1)
    ]

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Stitching: what is in the folder, that it can be moved, and what is refused."""

import copy
import re
from collections.abc import Mapping
from pathlib import Path

import networks
import pytest
from forked_network import Forked
from onnx import helper
from qonnx.core.datatype import DataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp

from hw.accelerator import Accelerator, Estimate, Fifo, Stream
from hw.errors import HardwareError
from hw.finn.library_patches import patch_library_file
from hw.stitch.netlist import Instance, Netlist, module_ports, render_depths, render_top
from hw.stitch.stitching import plan_stitch, stitch, with_fifo_depths


def _plan(model: ModelWrapper, name: str = "rgb") -> object:
    return plan_stitch(model, name=name, part=networks.PART, clock_mhz=100.0, logit_scale=1.0)


@pytest.fixture
def model(rtl_graphs: Mapping[str, ModelWrapper]) -> ModelWrapper:
    """A graph that a test may change."""
    return copy.deepcopy(rtl_graphs["parallel"])


# The folder


def test_manifest_describes_the_streams(accelerators: Mapping[str, Accelerator]) -> None:
    ports = {n: (a.manifest.input, a.manifest.output) for n, a in accelerators.items()}
    widths = {n: (i.stream_width_bits, o.stream_width_bits) for n, (i, o) in ports.items()}
    bits = int(ports["parallel"][1].datatype.removeprefix("INT"))
    assert [i.elements_per_beat for i, _ in ports.values()] == [1, 3]
    assert [o.elements_per_beat for _, o in ports.values()] == [1, 5]
    assert widths == {"sequential": (8, -(-bits // 8) * 8), "parallel": (24, -(-5 * bits // 8) * 8)}
    assert [i.beats_per_frame for i, _ in ports.values()] == [6 * 6 * 3, 6 * 6]


def test_manifest_lists_layers_with_folding_and_files(accelerator: Accelerator) -> None:
    layers = {layer.name: layer for layer in accelerator.manifest.layers}
    first = layers["MVAU_rtl_0"]
    assert first.cycles_predicted == 36 * 4 * 27 // (first.folding["PE"] * first.folding["SIMD"])
    assert first.memory == ("memory/MVAU_rtl_0/memblock.dat",)
    assert first.module == "MVAU_rtl_0_with_weights"
    assert first.estimate.dsp > 0
    assert all(path.is_file() for path in accelerator.paths(first.sources))


def test_sources_are_in_compilation_order(accelerator: Accelerator) -> None:
    sources = accelerator.manifest.sources
    files = {p.relative_to(accelerator.folder).as_posix() for p in accelerator.folder.rglob("*.*v")}
    assert set(sources) == files
    packages = [("_pkg." in name) for name in sources]
    assert packages == sorted(packages, reverse=True)
    assert sources[-1] == "top.sv"


def test_folder_holds_no_absolute_path(accelerator: Accelerator) -> None:
    for path in accelerator.folder.rglob("*"):
        if path.is_file():
            found = re.search(r'"/\w|/tmp|site-packages', path.read_text())
            assert found is None, f"{path}: {found}"


def test_same_graph_gives_the_same_folder(model: ModelWrapper, tmp_path: Path) -> None:
    first, second = (networks.stitched(model, tmp_path / name) for name in ("a", "b"))
    assert first.manifest == second.manifest


def test_existing_folder_is_replaced_and_nothing_else_left(
    model: ModelWrapper, tmp_path: Path
) -> None:
    (tmp_path / "acc").mkdir()
    (tmp_path / "acc" / "stale").touch()
    accelerator = networks.stitched(model, tmp_path / "acc")
    assert not (accelerator.folder / "stale").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["acc"]


def test_new_depths_change_one_source_only(
    accelerators: Mapping[str, Accelerator], tmp_path: Path
) -> None:
    before = accelerators["sequential"]
    after = with_fifo_depths(before, {"StreamingFIFO_rtl_1": 300}, tmp_path / "deep")
    changed = [
        name
        for name in before.manifest.sources
        if (before.folder / name).read_bytes() != (after.folder / name).read_bytes()
    ]
    assert changed == ["rtl/fifo_depths_pkg.sv"]
    fifos = {fifo.name: fifo for fifo in after.manifest.fifos}
    assert fifos["StreamingFIFO_rtl_1"].depth == 300
    assert fifos["StreamingFIFO_rtl_1"].estimate != fifos["StreamingFIFO_rtl_0"].estimate
    assert fifos["StreamingFIFO_rtl_0"].depth == 2


@pytest.mark.parametrize("depths", [{"StreamingFIFO_rtl_0": 1}, {"Nothing": 8}], ids=str)
def test_wrong_depths_are_refused(
    accelerators: Mapping[str, Accelerator], tmp_path: Path, depths: dict[str, int]
) -> None:
    with pytest.raises(HardwareError, match=r"FIFO depths: \w+: \d is no depth of a FIFO of rgb"):
        with_fifo_depths(accelerators["sequential"], depths, tmp_path / "wrong")
    assert not list(tmp_path.iterdir())


def test_place_that_cannot_be_written_stays_as_it_was(model: ModelWrapper, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        networks.stitched(model, tmp_path / "file" / "acc")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


# Forks and joins


def test_every_output_of_a_fork_and_input_of_a_join_is_a_stream(forked: Forked) -> None:
    for accelerator in forked.accelerators:
        streams = accelerator.manifest.streams
        assert len({stream.name for stream in streams}) == len(streams)
        assert len([s for s in streams if s.source == "DuplicateStreams_rtl_0"]) == 2
        assert len([s for s in streams if s.sink == "ElementwiseAdd_rtl_0"]) == 2
        assert len([s for s in streams if s.sink == "StreamingConcat_rtl_0"]) == 2
        bias = [s for s in streams if s.sink == "ElementwiseAdd_rtl_1"]
        assert len(bias) == 1, "the constant is in the memory of its layer"


def test_our_modules_are_in_the_folder_and_none_is_there_twice(forked: Forked) -> None:
    accelerator = forked.accelerators[0]
    layers = {layer.name: layer for layer in accelerator.manifest.layers}
    fork, bias = layers["DuplicateStreams_rtl_0"], layers["ElementwiseAdd_rtl_1"]
    assert "rtl/lib/steelflow/stream_fork.sv" in fork.sources
    assert bias.memory == ("memory/ElementwiseAdd_rtl_1/constant.dat",)
    names = [Path(name).name for name in accelerator.manifest.sources]
    assert len(set(names)) == len(names)


def test_label_is_an_output_of_its_own_kind(forked: Forked) -> None:
    logits, label = (accelerator.manifest.output for accelerator in forked.accelerators)
    assert (logits.kind, logits.shape) == ("logits", (5,))
    assert (label.kind, label.shape, label.datatype) == ("label", (1,), "UINT3")


def test_ends_are_where_images_enter_and_results_leave(forked: Forked) -> None:
    manifest = forked.accelerators[1].manifest
    assert manifest.ends == ("StreamingFIFO_rtl_0", manifest.fifos[-1].name)


# Refusals


def test_every_node_that_is_not_rtl_is_listed(model: ModelWrapper) -> None:
    for node in (model.graph.node[1], model.graph.node[3]):
        node.op_type = node.op_type.replace("_rtl", "_hls")
    first, second = model.graph.node[1], model.graph.node[3]
    with pytest.raises(
        HardwareError,
        match=rf"2 node\(s\) cannot be stitched: {first.name} \({first.op_type} is no RTL layer\), "
        rf"{second.name} \({second.op_type} is no RTL layer\)",
    ):
        _plan(model)


@pytest.mark.parametrize(
    ("attribute", "value", "reason"),
    [
        ("pumpedMemory", 1, "it needs a doubled clock"),
        ("mem_mode", "internal_embedded", "mem_mode internal_embedded is not internal_decoupled"),
        ("code_gen_dir_ipgen", "", "no generated code"),
    ],
)
def test_unfit_matrix_layer_is_refused(
    model: ModelWrapper, attribute: str, value: object, reason: str
) -> None:
    getCustomOp(model.get_node_from_name("MVAU_rtl_1")).set_nodeattr(attribute, value)
    with pytest.raises(HardwareError, match=rf"MVAU_rtl_1 \({reason}"):
        _plan(model)


@pytest.mark.parametrize("name", ["", "8bit", "a-b", "a b"])
def test_name_must_be_an_identifier(model: ModelWrapper, name: str) -> None:
    with pytest.raises(HardwareError, match=f"accelerator name '{name}' is no SystemVerilog"):
        _plan(model, name)


def test_input_must_be_uint8(model: ModelWrapper) -> None:
    model.set_tensor_datatype(model.graph.input[0].name, DataType["INT4"])
    with pytest.raises(HardwareError, match=r"input \w+: INT4\[1, 6, 6, 3\] is no uint8 NHWC"):
        _plan(model)


def test_fork_without_duplication_is_refused(model: ModelWrapper) -> None:
    third, last = model.graph.node[2], model.graph.node[-1]
    last.input[0] = third.output[0]
    with pytest.raises(HardwareError, match=rf"node {third.name}: its stream goes to .*one reader"):
        _plan(model)


def test_second_output_is_refused(model: ModelWrapper) -> None:
    model.graph.output.append(helper.make_tensor_value_info("more", 1, [1]))
    with pytest.raises(HardwareError, match="has 1 inputs and 2 outputs instead of one each"):
        _plan(model)


def test_stream_that_nothing_reads_is_refused(forked: Forked) -> None:
    model = copy.deepcopy(forked.graphs[0])
    fork = model.get_nodes_by_op_type("DuplicateStreams_rtl")[0]
    fork.output.append("loose")
    getCustomOp(fork).set_nodeattr("NumOutputStreams", 3)
    with pytest.raises(HardwareError, match=rf"node {fork.name}: its stream goes to no node; one"):
        _plan(model)


def test_unknown_finn_library_is_refused() -> None:
    with pytest.raises(HardwareError, match=r"FINN's mvu/mvu_vvu_axi\.sv has no single line"):
        patch_library_file("mvu/mvu_vvu_axi.sv", "module mvu_vvu_axi; endmodule")


def test_stitch_reports_what_it_wrote(model: ModelWrapper, tmp_path: Path) -> None:
    arguments = {"name": "rgb", "part": networks.PART, "clock_mhz": 50.0, "logit_scale": 0.25}
    written = stitch(model, tmp_path / "acc", **arguments)
    assert written == Accelerator.load(tmp_path / "acc")
    assert (written.manifest.clock_mhz, written.manifest.output.logit_scale) == (50.0, 0.25)


# Rendering, with no tool and no FINN

_MODULE = """
// input comment_only
module scale #(parameter W = 8) (
    (* X_INTERFACE = "x" *)
    input   ap_clk,
    input\t[W-1:0]  in0_V_TDATA,   // data
    output logic [7:0][3:0] out0_V_TDATA,
    output out0_V_TVALID
);
  function f(input not_a_port); endfunction
endmodule
"""


def test_ports_are_read_from_the_header() -> None:
    ports = module_ports(_MODULE, "scale")
    assert ports.inputs == ("ap_clk", "in0_V_TDATA")
    assert ports.outputs == ("out0_V_TDATA", "out0_V_TVALID")


def test_ports_of_another_module_are_not_found() -> None:
    with pytest.raises(ValueError, match="no module scaler in the given text"):
        module_ports(_MODULE, "scaler")


def test_top_ties_free_inputs_and_connects_streams() -> None:
    instance = Instance(
        name="scale_0",
        module="scale",
        ports=module_ports(_MODULE, "scale"),
        connections={"ap_clk": "ap_clk", "out0_V_TVALID": "a_tvalid"},
        parameters={"W": "4"},
    )
    stream = Stream(name="a", source="scale_0", sink="scale_1", width_bits=24)
    text = render_top(
        Netlist(
            name="x",
            instances=[instance],
            streams=[stream],
            input_width_bits=8,
            output_width_bits=1,
        )
    )
    assert "module x_top import x_fifo_depths_pkg::*;" in text
    assert "  logic [23:0] a_tdata;\n  logic a_tvalid;\n  logic a_tready;\n" in text
    assert "scale #(\n    .W(4)\n  ) scale_0 (\n" in text
    assert ".in0_V_TDATA('0)" in text
    assert ".out0_V_TVALID(a_tvalid)" in text
    assert ".out0_V_TDATA()" in text


def test_depths_are_constants_of_a_package() -> None:
    free = Estimate(lut=0, dsp=0, bram18=0)
    fifo = Fifo(name="F", depth=7, width_bits=8, ram_style="auto", beats_per_frame=9, estimate=free)
    assert "  localparam int unsigned Depth_F = 7;\n" in render_depths("x", [fifo])

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What each node of a FINN dataflow graph brings to the stitched design."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import finn
from finn.custom_op.fpgadataflow.hwcustomop import HWCustomOp
from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp

from hw.accelerator import Estimate
from hw.errors import HardwareError
from hw.finn.library_patches import patch_library_file
from hw.layers.cores import RTL_FOLDER
from hw.layers.estimates import cycles_per_frame, resource_estimate
from hw.layers.weight_memory import WEIGHT_MEMORY
from hw.stitch._weighted_layer import render_weighted_layer
from hw.stitch.netlist import ModulePorts, depth_name, module_ports, string_parameters

__all__ = ["Block", "Handshake", "read_block", "refuse_unsupported"]

_RTLLIB = Path(finn.__file__).parent / "finn-rtllib"
_MEMSTREAM = ("axi/hdl/axilite.sv", "memstream/hdl/memstream_axi.sv", "memstream/hdl/memstream.sv")
_FIFO = "fifo/hdl/fifo.sv"
_WEIGHTED = ("MVAU_rtl", "VVAU_rtl")


@dataclass(frozen=True)
class Handshake:
    """The three ports of one stream of a module."""

    data: str
    valid: str
    ready: str
    width_bits: int

    @classmethod
    def named(cls, prefix: str, width_bits: int) -> "Handshake":
        """Return the ports as FINN names them."""
        return cls(f"{prefix}_TDATA", f"{prefix}_TVALID", f"{prefix}_TREADY", width_bits)


@dataclass(frozen=True, kw_only=True)
class Block:
    """A node as a module with streams; `files` maps a place in the folder to its content."""

    name: str
    op_type: str
    module: str
    ports: ModulePorts
    inputs: tuple[Handshake, ...]
    outputs: tuple[Handshake, ...]
    parameters: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, bytes]
    folding: Mapping[str, int] = field(default_factory=dict)
    cycles: int
    estimate: Estimate
    fifo_depth: int | None = None  # beats
    fifo_ram_style: str = ""

    def files_in(self, folder: str) -> tuple[str, ...]:
        """Return the names of the files below "rtl" or "memory", dependencies first."""
        return tuple(name for name in self.files if name.startswith(f"{folder}/"))


def refuse_unsupported(model: ModelWrapper) -> None:
    """Raise HardwareError listing every node that cannot be stitched, each with its reason."""
    problems = {node.name: _problem(node) for node in model.graph.node}
    listed = [f"{name} ({problem})" for name, problem in problems.items() if problem]
    if listed:
        raise HardwareError(
            f"{len(listed)} node(s) cannot be stitched: {', '.join(listed)}; "
            "specialise every layer to RTL and run PrepareIP"
        )


def _problem(node: NodeProto) -> str:
    if not node.op_type.endswith("_rtl"):
        return f"{node.op_type} is no RTL layer"
    attribute = _attributes(node)
    if attribute.get("pumpedMemory") or attribute.get("pumpedCompute"):
        return "it needs a doubled clock; unset pumpedMemory and pumpedCompute"
    if node.op_type in _WEIGHTED and attribute["mem_mode"] != "internal_decoupled":
        return f"mem_mode {attribute['mem_mode']} is not internal_decoupled"
    if not attribute["code_gen_dir_ipgen"]:
        return "no generated code"
    return ""


def _attributes(node: NodeProto) -> dict[str, Any]:
    instance = getCustomOp(node)
    wanted = ("pumpedMemory", "pumpedCompute", "mem_mode", "code_gen_dir_ipgen", "PE", "SIMD")
    return {n: instance.get_nodeattr(n) for n in wanted if n in instance.get_nodeattr_types()}


def read_block(node: NodeProto, part: str) -> Block:
    """Read a node's generated code and FINN's estimates; paths in the code become relative."""
    instance = getCustomOp(node)
    if node.op_type == "StreamingFIFO_rtl":
        return _fifo(node.name, instance, part)
    module = instance.get_nodeattr("gen_top_module")
    files = _sources(node.name, instance) | _memory(node.name, instance)
    parameters = string_parameters(_declarations(files)[module], f"memory/{node.name}/")
    parameters = {n: f'{{MemoryBase, "{path}"}}' for n, path in parameters.items()}
    if f"{module}_memstream_wrapper" in _declarations(files):
        files, module = _add_weights(node.name, instance, files), f"{module}_with_weights"
        parameters = {"MemoryBase": "MemoryBase"}
    names = instance.get_verilog_top_module_intf_names()
    return Block(
        name=node.name,
        op_type=node.op_type,
        module=module,
        ports=module_ports(_declarations(files)[module], module),
        inputs=tuple(Handshake.named(*port) for port in names["s_axis"]),
        outputs=tuple(Handshake.named(*port) for port in names["m_axis"]),
        parameters=parameters,
        files=files,
        folding={k: v for k, v in _attributes(node).items() if k in ("PE", "SIMD")},
        cycles=cycles_per_frame(instance),
        estimate=resource_estimate(instance, part),
    )


def _fifo(name: str, instance: HWCustomOp, part: str) -> Block:
    """Return FINN's module `fifo` itself: the generated wrapper would only fix its depth."""
    text = (_RTLLIB / _FIFO).read_bytes()
    style = instance.get_nodeattr("ram_style")
    style = "shift" if style == "srl" else style  # FINN's name of it in RTL
    width = int(instance.get_instream_width_padded())
    depth = depth_name(name)
    return Block(
        name=name,
        op_type="StreamingFIFO_rtl",
        module="fifo",
        ports=module_ports(text.decode(), "fifo"),
        inputs=(Handshake("idat", "ivld", "irdy", width),),
        outputs=(Handshake("odat", "ovld", "ordy", width),),
        parameters={"DEPTH": depth, "DATA_WIDTH": str(width), "RAM_STYLE": f'"{style}"'},
        files={f"rtl/lib/{_FIFO}": text},
        cycles=0,
        estimate=resource_estimate(instance, part),
        fifo_depth=int(instance.get_nodeattr("depth")),
        fifo_ram_style=style,
    )


def _sources(name: str, instance: HWCustomOp) -> dict[str, bytes]:
    """Return library and generated sources, dependencies as FINN lists them."""
    folder = Path(instance.get_nodeattr("code_gen_dir_ipgen"))
    paths = [Path(path) for path in instance.get_rtl_file_list(abspath=True)]
    streamers = sorted(folder.glob("*_memstream_wrapper.v"))
    if streamers:
        finns = any("memstream_axi" in path.read_text() for path in streamers)
        paths += [_RTLLIB / path for path in _MEMSTREAM] if finns else [*WEIGHT_MEMORY]
        paths += streamers
    return {_place(path, name): _relocated(path, folder, name) for path in paths}


def _place(path: Path, name: str) -> str:
    if path.is_relative_to(_RTLLIB):
        return f"rtl/lib/{path.relative_to(_RTLLIB).as_posix()}"
    if path.is_relative_to(RTL_FOLDER):
        return f"rtl/lib/steelflow/{path.relative_to(RTL_FOLDER).as_posix()}"
    return f"rtl/layers/{name}/{path.name}"


def _relocated(path: Path, folder: Path, name: str) -> bytes:
    """Return a source whose memory files are found in memory/<name>/, not where FINN wrote them."""
    text = path.read_text()
    if path.is_relative_to(_RTLLIB):
        return patch_library_file(path.relative_to(_RTLLIB).as_posix(), text).encode()
    text = text.replace(f'"{folder}/', f'"memory/{name}/')
    text = re.sub(r'(\bTHRESHOLDS_PATH\s*=\s*")\./', rf"\1memory/{name}/", text)
    return text.encode()


def _memory(name: str, instance: HWCustomOp) -> dict[str, bytes]:
    folder = Path(instance.get_nodeattr("code_gen_dir_ipgen"))
    return {f"memory/{name}/{p.name}": p.read_bytes() for p in sorted(folder.glob("*.dat"))}


def _declarations(files: Mapping[str, bytes]) -> dict[str, str]:
    """Return, for each module of the generated files, the text that declares it."""
    texts = [files[name].decode() for name in files if name.startswith("rtl/layers/")]
    return {m: text for text in texts for m in re.findall(r"^\s*module\s+(\w+)", text, re.M)}


def _add_weights(name: str, instance: HWCustomOp, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the files and one more: the layer with its weight memory."""
    layer = instance.get_nodeattr("gen_top_module")
    memory = f"{layer}_memstream_wrapper"
    texts = _declarations(files)
    widths = {
        "in0_V": int(instance.get_instream_width_padded(0)),
        "in1_V": int(instance.get_instream_width_padded(1)),
        "out0_V": int(instance.get_outstream_width_padded(0)),
    }
    paths = string_parameters(texts[memory], f"memory/{name}/")
    parameters = {n: f'{{MemoryBase, "{path}"}}' for n, path in paths.items()}
    module = f"{layer}_with_weights"
    text = render_weighted_layer(
        module,
        layer=layer,
        memory=memory,
        texts=texts,
        widths_bits=widths,
        memory_parameters=parameters,
    )
    return {**files, f"rtl/layers/{name}/{module}.sv": text.encode()}

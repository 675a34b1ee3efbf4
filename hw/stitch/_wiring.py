# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Which stream joins which nodes: from the edges of a dataflow graph to a netlist."""

from collections.abc import Sequence

from qonnx.core.modelwrapper import ModelWrapper

from hw.accelerator import Stream
from hw.errors import HardwareError
from hw.stitch._blocks import Block, Handshake
from hw.stitch.netlist import Instance, Netlist

__all__ = ["connect"]

_INPUT, _OUTPUT = "s_axis_0", "m_axis_0"


def connect(model: ModelWrapper, blocks: Sequence[Block], name: str) -> Netlist:
    """Return the netlist of a feed-forward graph with one input and one output.

    Tensors with a constant value are no streams: they are in the memory of their layer.

    Raises:
        HardwareError: several inputs or outputs, or a tensor that several nodes read, or none.
    """
    readers = _readers(model)
    wires = _wires(model)
    instances, streams = [], []
    widths: dict[str, int] = {}
    for node, block in zip(model.graph.node, blocks, strict=True):
        inputs = [tensor for tensor in node.input if model.get_initializer(tensor) is None]
        into = [(wires[t], port) for t, port in zip(inputs, block.inputs, strict=True)]
        out = [(wires[t], port) for t, port in zip(node.output, block.outputs, strict=True)]
        instances.append(_instance(block, [*into, *out]))
        widths |= {wire: port.width_bits for wire, port in [*into, *out]}
        for tensor in (t for t in node.output if wires[t] != _OUTPUT):
            ends = {"source": node.name, "sink": readers[tensor]}
            streams.append(Stream(name=wires[tensor], width_bits=widths[wires[tensor]], **ends))
    return Netlist(
        name=name,
        instances=instances,
        streams=streams,
        input_width_bits=widths[_INPUT],
        output_width_bits=widths[_OUTPUT],
    )


def _wires(model: ModelWrapper) -> dict[str, str]:
    """Return the wire of each tensor that is a stream, named after the node that it comes from."""
    wires = {model.graph.input[0].name: _INPUT, model.graph.output[0].name: _OUTPUT}
    for node in model.graph.node:
        several = len(node.output) > 1
        for index, tensor in enumerate(node.output):
            wires.setdefault(tensor, node.name.lower() + (f"_out{index}" if several else ""))
    return wires


def _readers(model: ModelWrapper) -> dict[str, str]:
    """Return the name of the one node that reads each stream; the output's reader is "output"."""
    ends = len(model.graph.input), len(model.graph.output)
    if ends != (1, 1):
        raise HardwareError(
            f"the dataflow graph has {ends[0]} inputs and {ends[1]} outputs instead of one each"
        )
    image, result = model.graph.input[0].name, model.graph.output[0].name
    sources = {tensor: f"node {n.name}" for n in model.graph.node for tensor in n.output}
    found = {}
    for tensor, source in ({image: f"input {image}"} | sources).items():
        names = [n.name for n in model.graph.node for t in n.input if t == tensor]
        names += ["output"] if tensor == result else []
        if len(names) != 1:
            raise HardwareError(
                f"{source}: its stream goes to {', '.join(names) or 'no node'}; "
                "one reader each: insert a stream duplication, or remove what nothing reads"
            )
        found[tensor] = names[0]
    return found


def _instance(block: Block, wired: Sequence[tuple[str, Handshake]]) -> Instance:
    connections = {"clk": "ap_clk", "rst": "!ap_rst_n"} if block.module == "fifo" else {}
    connections |= {p: "ap_clk" for p in block.ports.inputs if p in ("ap_clk", "ap_clk2x")}
    connections |= {p: "ap_rst_n" for p in block.ports.inputs if p == "ap_rst_n"}
    for wire, port in wired:
        connections |= {
            port.data: f"{wire}_tdata",
            port.valid: f"{wire}_tvalid",
            port.ready: f"{wire}_tready",
        }
    return Instance(
        name=block.name,
        module=block.module,
        ports=block.ports,
        connections=connections,
        parameters=block.parameters,
    )

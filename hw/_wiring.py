# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Which stream joins which nodes: from the edges of a dataflow graph to a netlist."""

from collections.abc import Sequence

from qonnx.core.modelwrapper import ModelWrapper

from hw._blocks import Block, Handshake
from hw._netlist import Instance, Netlist
from hw.accelerator import Stream
from hw.errors import HardwareError

__all__ = ["connect"]

_INPUT, _OUTPUT = "s_axis_0", "m_axis_0"


def connect(model: ModelWrapper, blocks: Sequence[Block], name: str) -> Netlist:
    """Return the netlist of a feed-forward graph with one input and one output.

    Tensors with a constant value are no streams: they are in the memory of their layer.

    Raises:
        HardwareError: several inputs or outputs, or a tensor that several nodes read, or none.
    """
    readers = _readers(model)
    nodes = list(model.graph.node)
    wires = {model.graph.input[0].name: _INPUT, model.graph.output[0].name: _OUTPUT}
    for node in nodes:
        for index, tensor in enumerate(node.output):
            many = len(node.output) > 1
            wires.setdefault(tensor, node.name.lower() + (f"_out{index}" if many else ""))
    instances = []
    streams = []
    widths: dict[str, int] = {}
    for node, block in zip(nodes, blocks, strict=True):
        inputs = [t for t in node.input if model.get_initializer(t) is None]
        tensors, ports = [*inputs, *node.output], [*block.inputs, *block.outputs]
        pairs = list(zip(tensors, ports, strict=True))
        instances.append(_instance(block, [(wires[tensor], port) for tensor, port in pairs]))
        widths |= {wires[tensor]: port.width_bits for tensor, port in pairs}
        for tensor, port in zip(node.output, block.outputs, strict=True):
            if wires[tensor] != _OUTPUT:
                streams.append(_stream(wires[tensor], node.name, readers[tensor], port))
    return Netlist(
        name=name,
        instances=instances,
        streams=streams,
        input_width_bits=widths[_INPUT],
        output_width_bits=widths[_OUTPUT],
    )


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


def _stream(name: str, source: str, sink: str, port: Handshake) -> Stream:
    return Stream(name=name, source=source, sink=sink, width_bits=port.width_bits)


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

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A matrix layer and the memory that streams its weights, as one module with two streams."""

from collections.abc import Mapping

from hw.accelerator import Stream
from hw.stitch.netlist import Instance, module_ports, render_module

__all__ = ["render_weighted_layer"]

_CLOCK = {"ap_clk": "ap_clk", "ap_clk2x": "ap_clk", "ap_rst_n": "ap_rst_n"}  # never pumped
_STREAMS = ("in0_V", "out0_V")
_SUFFIXES = ("TDATA", "TVALID", "TREADY")


def render_weighted_layer(
    name: str,
    *,
    layer: str,
    memory: str,
    texts: Mapping[str, str],
    widths_bits: Mapping[str, int],
    memory_parameters: Mapping[str, str],
) -> str:
    """Return the module `name`: `layer` with `memory` on its weight stream.

    FINN makes the same connections in MVAU.code_generation_ipi, as Tcl for Vivado.

    Args:
        name: of the module, with FINN's streams in0_V and out0_V.
        layer: FINN's module with a weight stream in1_V.
        memory: FINN's memory streamer.
        texts: Verilog that declares the two modules.
        widths_bits: of the streams in0_V, in1_V and out0_V.
        memory_parameters: name -> expression, says where the weights are.
    """
    weights = Stream(name="weights", source=memory, sink=layer, width_bits=widths_bits["in1_V"])
    outer = {f"{stream}_{suffix}" for stream in _STREAMS for suffix in _SUFFIXES}
    streamer = Instance(
        name="weight_memory",
        module=memory,
        ports=module_ports(texts[memory], memory),
        connections=_CLOCK | {f"m_axis_0_{s.lower()}": f"weights_{s.lower()}" for s in _SUFFIXES},
        parameters=memory_parameters,
    )
    unit = Instance(
        name="matrix_unit",
        module=layer,
        ports=module_ports(texts[layer], layer),
        connections=_CLOCK
        | {f"in1_V_{s}": f"weights_{s.lower()}" for s in _SUFFIXES}
        | {port: port for port in sorted(outer)},
    )
    purpose = f"{layer} and the memory that streams its weights."
    return render_module(
        name,
        purpose=purpose,
        instances=[streamer, unit],
        streams=[weights],
        ports=_ports(widths_bits),
    )


def _ports(widths_bits: Mapping[str, int]) -> list[tuple[str, int, str]]:
    return [
        ("input", widths_bits["in0_V"], "in0_V_TDATA"),
        ("input", 1, "in0_V_TVALID"),
        ("output", 1, "in0_V_TREADY"),
        ("output", widths_bits["out0_V"], "out0_V_TDATA"),
        ("output", 1, "out0_V_TVALID"),
        ("input", 1, "out0_V_TREADY"),
    ]

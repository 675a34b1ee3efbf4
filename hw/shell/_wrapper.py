# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The module `<name>_kernel` as text: shell and accelerator under the names that tools expect."""

from collections.abc import Mapping

__all__ = ["CONTROL", "MEMORY", "Port", "kernel_ports", "render_kernel"]

Port = tuple[str, int, str]  # direction, bits, name

# AXI4-Lite: direction, bits, suffix of s_axi_control_, port of kernel_shell.
CONTROL: tuple[tuple[str, int, str, str], ...] = (
    ("input", 1, "awvalid", "ctl_aw_valid_i"),
    ("output", 1, "awready", "ctl_aw_ready_o"),
    ("input", 12, "awaddr", "ctl_aw_addr_i"),
    ("input", 1, "wvalid", "ctl_w_valid_i"),
    ("output", 1, "wready", "ctl_w_ready_o"),
    ("input", 32, "wdata", "ctl_w_data_i"),
    ("input", 4, "wstrb", "ctl_w_strb_i"),
    ("output", 1, "bvalid", "ctl_b_valid_o"),
    ("input", 1, "bready", "ctl_b_ready_i"),
    ("output", 2, "bresp", ""),
    ("input", 1, "arvalid", "ctl_ar_valid_i"),
    ("output", 1, "arready", "ctl_ar_ready_o"),
    ("input", 12, "araddr", "ctl_ar_addr_i"),
    ("output", 1, "rvalid", "ctl_r_valid_o"),
    ("input", 1, "rready", "ctl_r_ready_i"),
    ("output", 32, "rdata", "ctl_r_data_o"),
    ("output", 2, "rresp", ""),
)

# AXI4: the same of m_axi_gmem_; 0 bits: a beat's data, -1: a bit for each of its bytes.
MEMORY: tuple[tuple[str, int, str, str], ...] = (
    ("output", 1, "arvalid", "mem_ar_valid_o"),
    ("input", 1, "arready", "mem_ar_ready_i"),
    ("output", 64, "araddr", "mem_ar_addr_o"),
    ("output", 8, "arlen", "mem_ar_len_o"),
    ("input", 1, "rvalid", "mem_r_valid_i"),
    ("output", 1, "rready", "mem_r_ready_o"),
    ("input", 0, "rdata", "mem_r_data_i"),
    ("input", 2, "rresp", "mem_r_resp_i"),
    ("input", 1, "rlast", ""),
    ("input", 1, "rid", ""),
    ("output", 1, "awvalid", "mem_aw_valid_o"),
    ("input", 1, "awready", "mem_aw_ready_i"),
    ("output", 64, "awaddr", "mem_aw_addr_o"),
    ("output", 8, "awlen", "mem_aw_len_o"),
    ("output", 1, "wvalid", "mem_w_valid_o"),
    ("input", 1, "wready", "mem_w_ready_i"),
    ("output", 0, "wdata", "mem_w_data_o"),
    ("output", -1, "wstrb", "mem_w_strb_o"),
    ("output", 1, "wlast", "mem_w_last_o"),
    ("input", 1, "bvalid", "mem_b_valid_i"),
    ("output", 1, "bready", "mem_b_ready_o"),
    ("input", 2, "bresp", "mem_b_resp_i"),
    ("input", 1, "bid", ""),
)

# What never changes of an address: one ID, INCR, normal memory that may be buffered.
_ADDRESS = (("id", 1, "1'b0"), ("burst", 2, "2'b01"), ("lock", 1, "1'b0"), ("cache", 4, "4'b0011"))
_REST = (("prot", 3, "3'b000"), ("qos", 4, "4'b0000"))


def kernel_ports(data_bits: int) -> list[Port]:
    """Return the ports of both buses, in the module's order."""
    return [
        *((way, bits, f"s_axi_control_{suffix}") for way, bits, suffix, _ in CONTROL),
        *(
            (way, _width(bits, data_bits // 8), f"m_axi_gmem_{suffix}")
            for way, bits, suffix, _ in MEMORY
        ),
        *(("output", bits, port) for port, bits, _ in _constants(data_bits // 8)),
    ]


def _constants(data_bytes: int) -> list[tuple[str, int, str]]:
    """Return (port, bits, value) of what never changes of an address."""
    size = f"3'd{data_bytes.bit_length() - 1}"
    return [
        (f"m_axi_gmem_{side}{suffix}", bits, value)
        for side in ("ar", "aw")
        for suffix, bits, value in (*_ADDRESS, *_REST, ("size", 3, size))
    ]


def render_kernel(name: str, accelerator: str, data_bytes: int, values: Mapping[str, str]) -> str:
    """Return the module `<name>_kernel`.

    Args:
        name: of the accelerator.
        accelerator: its module.
        data_bytes: of a beat.
        values: parameters of kernel_shell but DataBytes.
    """
    ports = kernel_ports(8 * data_bytes)
    fixed = [(port, value) for port, _, value in _constants(data_bytes)]
    fixed += [(f"s_axi_control_{suffix}", "2'b00") for suffix in ("bresp", "rresp")]
    return _TEMPLATE.format(
        name=name,
        accelerator=accelerator,
        values=values,
        ports=",\n".join(_declared(*port) for port in ports),
        fixed="\n".join(f"  assign {port} = {value};" for port, value in fixed),
        parameters=",\n".join(
            f"    .{key}({value})" for key, value in {"DataBytes": data_bytes, **values}.items()
        ),
        connections=",\n".join(_connections()),
    )


def _width(bits: int, data_bytes: int) -> int:
    return {0: 8 * data_bytes, -1: data_bytes}.get(bits, bits)


def _declared(way: str, bits: int, name: str) -> str:
    size = f"[{bits - 1}:0] " if bits > 1 else ""
    text = f"  {way:6} logic {size}{name}"
    if name.endswith(("rlast", "rid", "bid")):  # one ID, and bursts are counted: nothing to read
        return f"  // verilator lint_off UNUSEDSIGNAL\n{text}"
    return text


def _connections() -> list[str]:
    sides = (("s_axi_control_", CONTROL), ("m_axi_gmem_", MEMORY))
    return [
        f"    .{inner}({prefix}{suffix})"
        for prefix, table in sides
        for _, _, suffix, inner in table
        if inner
    ]


_TEMPLATE = """\
// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
// Generated by steelflow; changes are lost when the kernel is written again.
// Kernel {name}: images and logits in memory. Registers: shell_control.sv.
// MemoryBase: the accelerator's folder, with a trailing slash.
module {name}_kernel #(
  parameter MemoryBase = "./accelerator/"
) (
  input  logic ap_clk,
  input  logic ap_rst_n,
  output logic interrupt,
{ports}
);
  // verilator lint_on UNUSEDSIGNAL

{fixed}

  logic acc_rst_n;
  logic acc_in_valid, acc_in_ready, acc_out_valid, acc_out_ready;
  logic [8*{values[InBytes]}-1:0] acc_in_data;
  logic [8*{values[OutBytes]}-1:0] acc_out_data;

  kernel_shell #(
{parameters}
  ) shell (
    .clk_i(ap_clk),
    .rst_ni(ap_rst_n),
    .interrupt_o(interrupt),
{connections},
    .acc_rst_no(acc_rst_n),
    .acc_in_valid_o(acc_in_valid),
    .acc_in_ready_i(acc_in_ready),
    .acc_in_data_o(acc_in_data),
    .acc_out_valid_i(acc_out_valid),
    .acc_out_ready_o(acc_out_ready),
    .acc_out_data_i(acc_out_data)
  );

  {accelerator} #(
    .MemoryBase(MemoryBase)
  ) accelerator (
    .ap_clk(ap_clk),
    .ap_rst_n(acc_rst_n),
    .s_axis_0_tdata(acc_in_data),
    .s_axis_0_tvalid(acc_in_valid),
    .s_axis_0_tready(acc_in_ready),
    .m_axis_0_tdata(acc_out_data),
    .m_axis_0_tvalid(acc_out_valid),
    .m_axis_0_tready(acc_out_ready)
  );

endmodule : {name}_kernel
"""

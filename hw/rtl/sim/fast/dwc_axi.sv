// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Data width converter with the parameters, ports and cycle behaviour of FINN's dwc/hdl/dwc_axi.sv,
// for fast simulation: FINN's (with its core vpc.sv) is a register a bit. Port names are FINN's.
//
// Streams:  beats of IBITS bits in, of OBITS bits out; the bits keep their order, the lowest of a
//           beat first.
// Timing:   as FINN's: a beat is taken while at most OBITS bits are held, and offered while at
//           least OBITS are; both in one cycle if need be.

module dwc_axi #(
  parameter int unsigned IBITS = 8,
  parameter int unsigned OBITS = 8,

  localparam int unsigned AXI_IBITS = (IBITS + 7) / 8 * 8,
  localparam int unsigned AXI_OBITS = (OBITS + 7) / 8 * 8
) (
  input  logic                 ap_clk,
  input  logic                 ap_rst_n,

  output logic                 s_axis_tready,
  input  logic                 s_axis_tvalid,
  // verilator lint_off UNUSEDSIGNAL
  input  logic [AXI_IBITS-1:0] s_axis_tdata,  // padded
  // verilator lint_on UNUSEDSIGNAL

  input  logic                 m_axis_tready,
  output logic                 m_axis_tvalid,
  output logic [AXI_OBITS-1:0] m_axis_tdata
);

  if (IBITS == OBITS) begin : gen_wire
    logic unused;
    assign unused        = ^{ap_clk, ap_rst_n};
    assign s_axis_tready = m_axis_tready;
    assign m_axis_tvalid = s_axis_tvalid;
    assign m_axis_tdata  = AXI_OBITS'(s_axis_tdata[IBITS-1:0]);
  end else begin : gen_convert
    localparam int unsigned Bits = IBITS + OBITS;
    logic [Bits-1:0] held_q;
    int unsigned level_q;  // bits held

    logic take, give;
    assign s_axis_tready = level_q <= OBITS;
    assign m_axis_tvalid = level_q >= OBITS;
    assign m_axis_tdata  = AXI_OBITS'(held_q[OBITS-1:0]);
    assign take = s_axis_tvalid && s_axis_tready;
    assign give = m_axis_tvalid && m_axis_tready;

    always_ff @(posedge ap_clk) begin
      if (!ap_rst_n) begin
        level_q <= 0;
        held_q  <= '0;
      end else if (take || give) begin
        automatic int unsigned level = give ? level_q - OBITS : level_q;
        automatic logic [Bits-1:0] held = give ? held_q >> OBITS : held_q;
        if (take) held = held | (Bits'(s_axis_tdata[IBITS-1:0]) << level);
        held_q  <= held;
        level_q <= take ? level + IBITS : level;
      end
    end
  end

endmodule : dwc_axi

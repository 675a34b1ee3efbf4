// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Endless stream of the words of a memory with the parameters, ports and cycle behaviour of FINN's
// memstream/hdl/memstream_axi.sv, for fast simulation: FINN's moves each word through twelve
// registers, and carries an AXI-Lite port that accelerators leave open. Port names are FINN's.
//
// Stream:   words 0 to DEPTH-1 of INIT_FILE on m_axis_0, again and again.
// Timing:   as FINN's: a word is offered six cycles after it was asked for, at most eight are asked
//           for and not yet taken.
// Not here: several sets, a doubled clock, and writing or reading through AXI-Lite.

module memstream_axi #(
  parameter int unsigned SETS = 1,
  parameter int unsigned DEPTH = 1,
  parameter int unsigned WIDTH = 8,
  parameter              INIT_FILE = "",
  // verilator lint_off UNUSEDPARAM
  parameter              RAM_STYLE = "auto",
  // verilator lint_on UNUSEDPARAM
  parameter bit          PUMPED_MEMORY = 0,

  localparam int unsigned AXILITE_ADDR_WIDTH =
      $clog2(SETS * DEPTH * (2 ** $clog2((WIDTH + 31) / 32))) + 2,
  localparam int unsigned SET_BITS = SETS > 2 ? $clog2(SETS) : 1
) (
  // verilator lint_off UNUSEDSIGNAL
  input  logic clk,
  input  logic clk2x,
  input  logic rst,

  output logic awready,
  input  logic awvalid,
  input  logic [2:0] awprot,
  input  logic [AXILITE_ADDR_WIDTH-1:0] awaddr,

  output logic wready,
  input  logic wvalid,
  input  logic [31:0] wdata,
  input  logic [3:0] wstrb,

  input  logic bready,
  output logic bvalid,
  output logic [1:0] bresp,

  output logic arready,
  input  logic arvalid,
  input  logic [2:0] arprot,
  input  logic [AXILITE_ADDR_WIDTH-1:0] araddr,

  input  logic rready,
  output logic rvalid,
  output logic [1:0] rresp,
  output logic [31:0] rdata,

  output logic s_axis_0_tready,
  input  logic s_axis_0_tvalid,
  input  logic [SET_BITS-1:0] s_axis_0_tdata,
  // verilator lint_on UNUSEDSIGNAL

  input  logic m_axis_0_tready,
  output logic m_axis_0_tvalid,
  output logic [((WIDTH + 7) / 8) * 8 - 1:0] m_axis_0_tdata
);

  if (SETS != 1 || PUMPED_MEMORY) begin : gen_illegal
    $error("memstream_axi: SETS=%0d, PUMPED_MEMORY=%0d; only 1 and 0 here", SETS, PUMPED_MEMORY);
  end

  assign {awready, wready, bvalid, bresp, arready, rvalid, rresp, rdata} = '0;
  assign s_axis_0_tready = 1'b0;

  localparam int unsigned Credit = 8;
  localparam int unsigned PointerWidth = DEPTH > 1 ? $clog2(DEPTH) : 1;
  typedef logic [PointerWidth-1:0] pointer_t;

  // verilator lint_off UNDRIVEN
  logic [WIDTH-1:0] mem[DEPTH];  // without INIT_FILE
  // verilator lint_on UNDRIVEN
  if (INIT_FILE != "") begin : gen_contents
    initial $readmemh(INIT_FILE, mem);
  end

  logic [3:0] owed_q;     // words asked for and not yet taken
  logic [2:0] reading_q;  // in the memory's pipeline
  logic [3:0] stored_q;   // read, and before the output register
  logic valid_q;
  pointer_t pointer_q;
  logic [WIDTH-1:0] data_q;

  logic ask, load, taken;
  assign ask   = owed_q != 4'(Credit);
  assign taken = valid_q && m_axis_0_tready;
  assign load  = !valid_q || m_axis_0_tready;

  always_ff @(posedge clk) begin
    if (rst) begin
      owed_q    <= '0;
      reading_q <= '0;
      stored_q  <= '0;
      valid_q   <= 1'b0;
      pointer_q <= '0;
    end else begin
      owed_q    <= owed_q + 4'(ask) - 4'(taken);
      reading_q <= {reading_q[1:0], ask};
      stored_q  <= stored_q + 4'(reading_q[2]) - 4'(load && stored_q != '0);
      if (load) begin
        valid_q <= stored_q != '0;
        if (stored_q != '0) begin
          pointer_q <= (pointer_q == pointer_t'(DEPTH - 1)) ? '0 : pointer_q + 1'b1;
        end
      end
    end
  end

  always_ff @(posedge clk) begin
    if (load && stored_q != '0) data_q <= mem[pointer_q];
  end

  assign m_axis_0_tvalid = valid_q;
  always_comb begin
    m_axis_0_tdata = '0;
    m_axis_0_tdata[WIDTH-1:0] = data_q;
  end

endmodule : memstream_axi

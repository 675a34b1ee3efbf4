// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Stream FIFO with the parameters and ports of FINN's fifo/hdl/fifo.sv, for Verilator, which does
// not elaborate FINN's (a constant function returns a struct). Port names are FINN's.
//
// Stream:    idat/ivld/irdy in, odat/ovld/ordy out, one beat a cycle, in order.
// Timing:    a beat is offered two cycles after it was taken (memory, then output register), as
//            in FINN's shift-register and LUTRAM implementations; irdy does not depend on ordy.
// Capacity:  max(DEPTH, 5) beats, as FINN's shift-register implementation. FINN's block RAM
//            implementations hold at least DEPTH and take one cycle more: throughput is the same.
// Occupancy: count is what is held, maxcount its maximum since reset.
// Simulation only: the plusarg `depth_<instance path>=<beats>` lowers the capacity at run time,
//            so one compiled model serves every FIFO depth up to DEPTH.

module fifo #(
  parameter int unsigned DEPTH,
  parameter int unsigned DATA_WIDTH,
  // verilator lint_off UNUSEDPARAM
  parameter              RAM_STYLE = "auto",  // has no effect on simulation
  // verilator lint_on UNUSEDPARAM

  localparam int unsigned CountWidth = $clog2(DEPTH + 1) + 1
) (
  input  logic                  clk,
  input  logic                  rst,

  input  logic [DATA_WIDTH-1:0] idat,
  input  logic                  ivld,
  output logic                  irdy,

  output logic [DATA_WIDTH-1:0] odat,
  output logic                  ovld,
  input  logic                  ordy,

  output logic [CountWidth-1:0] count,
  output logic [CountWidth-1:0] maxcount
);

  if (DEPTH < 2) begin : gen_illegal_depth
    $error("fifo: DEPTH must be at least 2");
  end

  localparam int unsigned MinMemory = 4;  // FINN's shortest shift register
  localparam int unsigned Memory = (DEPTH > MinMemory + 1) ? DEPTH - 1 : MinMemory;
  localparam int unsigned PointerWidth = $clog2(Memory);

  typedef logic [PointerWidth-1:0] pointer_t;
  typedef logic [CountWidth-1:0] count_t;

  // The last memory slot in use; the output register holds one beat more.
  pointer_t last_slot = pointer_t'(Memory - 1);

`ifndef SYNTHESIS
  int unsigned depth;
  initial begin
    if ($value$plusargs($sformatf("depth_%m=%%d"), depth)) begin
      last_slot = pointer_t'((depth > MinMemory + 1) ? depth - 2 : MinMemory - 1);
    end
  end
`endif

  logic [DATA_WIDTH-1:0] mem[Memory];
  pointer_t write_q, read_q;
  count_t stored_q;  // beats in the memory
  count_t max_q;
  logic valid_q;
  logic [DATA_WIDTH-1:0] data_q;

  logic push, pop, give;
  assign irdy = stored_q <= count_t'(last_slot);
  assign push = ivld && irdy;
  assign pop  = (stored_q != '0) && (!valid_q || ordy);
  assign give = valid_q && ordy;

  // One block that does nothing in most cycles: there are many FIFOs, and few beats.
  always_ff @(posedge clk) begin
    if (rst) begin
      write_q  <= '0;
      read_q   <= '0;
      stored_q <= '0;
      valid_q  <= 1'b0;
      max_q    <= '0;
    end else if (push || pop || give) begin
      automatic count_t stored = stored_q + count_t'(push) - count_t'(pop);
      automatic logic valid = pop || (valid_q && !give);
      automatic count_t held = stored + count_t'(valid);
      if (push) write_q <= (write_q == last_slot) ? '0 : write_q + 1'b1;
      if (pop) read_q <= (read_q == last_slot) ? '0 : read_q + 1'b1;
      stored_q <= stored;
      valid_q  <= valid;
      if (held > max_q) max_q <= held;
    end
  end

  always_ff @(posedge clk) begin
    if (push) mem[write_q] <= idat;
    if (pop) data_q <= mem[read_q];
  end

  assign ovld  = valid_q;
  assign odat  = data_q;
  assign count = stored_q + count_t'(valid_q);
  assign maxcount = max_q;

endmodule : fifo

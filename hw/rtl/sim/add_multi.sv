// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Pipelined sum with the parameters and ports of FINN's mvu/add_multi.sv, for Verilator, which
// does not elaborate FINN's (a constant function in a generate block). Port names are FINN's.
//
// Formula:  sum = arg[0] + ... + arg[N-1]; the addends are signed if ARG_LO < 0.
// Latency:  DEPTH cycles, initiation interval 1. As in FINN's tree, the first $clog2(N) stages
//           move while `en`, the others always. FINN spreads the first ones over the levels of
//           the tree; here they stand behind it, which is the same function of the inputs.
// Reset:    the sum of no addends if RESET_ZERO, else unknown.

module add_multi
  import mvu_pkg::*;
#(
  parameter int unsigned N,
  parameter int unsigned DEPTH,
  parameter int unsigned ARG_WIDTH,
  parameter int          ARG_LO = 0,
  parameter int          ARG_HI = 0,
  parameter bit          RESET_ZERO = 1,

  localparam int unsigned SUM_WIDTH = sumwidth(N, ARG_WIDTH, longint'(ARG_LO), longint'(ARG_HI))
) (
  input  logic                 clk,
  input  logic                 rst,
  input  logic                 en,

  input  logic [ARG_WIDTH-1:0] arg[N],
  output logic [SUM_WIDTH-1:0] sum
);

  localparam int unsigned Levels = $clog2(N);
  localparam int unsigned Gated = (Levels < DEPTH) ? Levels : DEPTH;  // stages that obey `en`
  localparam int unsigned Free = DEPTH - Gated;

  typedef logic [SUM_WIDTH-1:0] sum_t;
  localparam sum_t ResetSum = {SUM_WIDTH{RESET_ZERO ? 1'b0 : 1'bx}};

  sum_t total;
  always_comb begin
    total = '0;
    for (int unsigned i = 0; i < N; i++) begin
      total += (ARG_LO < 0) ? sum_t'($signed(arg[i])) : sum_t'(arg[i]);
    end
  end

  sum_t gated;
  if (Gated == 0) begin : gen_no_gated
    assign gated = total;
  end else begin : gen_gated
    sum_t stage_q[Gated];
    always_ff @(posedge clk) begin
      if (rst) begin
        for (int unsigned i = 0; i < Gated; i++) stage_q[i] <= ResetSum;
      end else if (en) begin
        stage_q[0] <= total;
        for (int unsigned i = 1; i < Gated; i++) stage_q[i] <= stage_q[i-1];
      end
    end
    assign gated = stage_q[Gated-1];
  end

  if (Free == 0) begin : gen_no_free
    assign sum = gated;
  end else begin : gen_free
    sum_t stage_q[Free];
    always_ff @(posedge clk) begin
      if (rst) begin
        for (int unsigned i = 0; i < Free; i++) stage_q[i] <= ResetSum;
      end else begin
        stage_q[0] <= gated;
        for (int unsigned i = 1; i < Free; i++) stage_q[i] <= stage_q[i-1];
      end
    end
    assign sum = stage_q[Free-1];
  end

  if (DEPTH == 0) begin : gen_combinational
    logic unused_clock;
    assign unused_clock = ^{clk, rst, en};
  end

endmodule : add_multi

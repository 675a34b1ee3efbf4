// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Matrix unit core with the parameters, ports and cycle behaviour of FINN's mvu/mvu.sv, for fast
// simulation: FINN's models every DSP slice. Port names are FINN's.
//
// Formula:  p[i] = sum of w[i][s] * a[s] over s and over the inputs from the one after `last` to
//           the next `last`, modulo 2^ACCU_WIDTH; inputs with `zero` count as 0. Weights are
//           signed, activations signed if SIGNED_ACTIVATIONS.
// Timing:   vld follows `last` by as many cycles with `en` as FINN's pipeline has stages; p is the
//           sum while vld is set, and anything else at other times.

module mvu #(
  parameter int unsigned VERSION = 1,
  parameter int unsigned PE = 1,
  parameter int unsigned SIMD = 1,
  parameter int unsigned WEIGHT_WIDTH = 2,
  parameter int unsigned ACTIVATION_WIDTH = 2,
  parameter int unsigned ACCU_WIDTH = 8,
  parameter bit          SIGNED_ACTIVATIONS = 0,
  parameter bit          NARROW_WEIGHTS = 0,
  parameter bit          FORCE_BEHAVIORAL = 0
) (
  input  logic clk,
  input  logic rst,
  input  logic en,

  input  logic last,
  input  logic zero,
  input  logic signed [PE-1:0][SIMD-1:0][WEIGHT_WIDTH-1:0] w,
  input  logic [SIMD-1:0][ACTIVATION_WIDTH-1:0] a,

  output logic vld,
  output logic signed [PE-1:0][ACCU_WIDTH-1:0] p
);

  if (VERSION < 1 || VERSION > 3 || (NARROW_WEIGHTS & FORCE_BEHAVIORAL & 0)) begin : gen_illegal
    $error("mvu: VERSION=%0d is no DSP of FINN's", VERSION);
  end
  if (ACCU_WIDTH > 32) begin : gen_too_wide
    $error("mvu: ACCU_WIDTH=%0d is above 32", ACCU_WIDTH);
  end

  localparam int unsigned Depth = 4 + $clog2(SIMD) + int'(SIMD == 1);
  localparam int unsigned PointerWidth = $clog2(Depth + 1);

  logic [Depth-1:0] last_q;  // bit 0 is the newest
  assign vld = last_q[Depth-1];

  // Sums, modulo 2^32, wait here until their time comes.
  logic [PE-1:0][ACCU_WIDTH-1:0] sums_q[2**PointerWidth];
  logic [PointerWidth-1:0] write_q, read_q;
  assign p = sums_q[read_q];

  int acts[SIMD];
  for (genvar s = 0; s < SIMD; s++) begin : gen_act
    assign acts[s] = SIGNED_ACTIVATIONS ? int'($signed(a[s])) : int'(a[s]);
  end

  for (genvar i = 0; i < PE; i++) begin : gen_pe
    int total_q;
    always_ff @(posedge clk) begin
      if (rst) begin
        total_q <= 0;
      end else if (en && !zero) begin
        automatic int total = total_q;
        // verilator unroll_full
        for (int s = 0; s < SIMD; s++) total += int'($signed(w[i][s])) * acts[s];
        sums_q[write_q][i] <= ACCU_WIDTH'(total);
        total_q <= last ? 0 : total;
      end
    end
  end

  always_ff @(posedge clk) begin
    if (rst) begin
      last_q  <= '0;
      write_q <= '0;
      read_q  <= '0;
    end else if (en) begin
      last_q <= {last_q[Depth-2:0], last};
      if (last) write_q <= write_q + 1'b1;
      if (vld) read_q <= read_q + 1'b1;
    end
  end

endmodule : mvu

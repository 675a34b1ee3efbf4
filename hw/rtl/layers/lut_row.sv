// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// One output channel of a matrix unit: dot products, accumulated.
//
// Formula:  out = Init + sum of the dot products from the beat marked first to that marked last,
//           modulo 2^OutBits, by mul_dot if PerMultiplier says how many products a multiplier
//           computes, by lut_dot if it is 0.
// Layout:   plane i of a vector in bits [i*Simd +: Simd], element s in bit s of it.
// Timing:   stages 0 to 2 in mul_dot or lut_dot, 3 holds the result. Stage s takes what stands
//           before it when move_i[s] is set.

module lut_row import lut_pkg::*; #(
  parameter int unsigned PerMultiplier = 0,
  parameter int unsigned Simd          = 4,
  parameter operand_t    Weight        = '{bits: 2, is_signed: 1'b1, bipolar: 1'b0},
  parameter operand_t    Act           = '{bits: 2, is_signed: 1'b0, bipolar: 1'b0},
  parameter bit          Popcount      = 1'b0,  // both bipolar: count equal places, dot = sums[0]
  parameter int          Init          = 0,
  parameter bit          Accumulate    = 1'b1,  // 0: every beat is first and last
  parameter int unsigned OutBits       = 8,

  localparam int unsigned SumBits = Act.bits + $clog2(Simd + 1)
) (
  input  logic                        clk_i,
  input  logic [3:0]                  move_i,
  input  logic                        first_i,
  input  logic                        last_i,
  input  logic [Weight.bits*Simd-1:0] weight_i,
  input  logic [Act.bits*Simd-1:0]    act_i,
  input  logic [SumBits-1:0]          act_sum_i,
  output logic [OutBits-1:0]          out_o
);

  typedef logic [OutBits-1:0] out_t;

  out_t dot;
  if (PerMultiplier != 0) begin : gen_multipliers
    mul_dot #(
      .PerMultiplier(PerMultiplier), .Simd(Simd), .Weight(Weight), .Act(Act), .OutBits(OutBits)
    ) products (
      .clk_i, .move_i(move_i[2:0]), .weight_i, .act_i, .act_sum_i, .dot_o(dot)
    );
  end else begin : gen_planes
    lut_dot #(
      .Simd(Simd), .Weight(Weight), .Act(Act), .Popcount(Popcount), .OutBits(OutBits)
    ) planes (
      .clk_i, .move_i(move_i[2:0]), .weight_i, .act_i, .act_sum_i, .dot_o(dot)
    );
  end

  out_t out_q;
  if (Accumulate) begin : gen_accumulate
    out_t total_q;
    always_ff @(posedge clk_i) begin
      if (move_i[3]) begin
        automatic out_t total = (first_i ? out_t'(Init) : total_q) + dot;
        total_q <= total;
        if (last_i) out_q <= total;
      end
    end
  end else begin : gen_single
    logic unused;
    always_ff @(posedge clk_i) begin
      if (move_i[3]) out_q <= out_t'(Init) + dot;
    end
    assign unused = ^{first_i, last_i};
  end
  assign out_o = out_q;

endmodule : lut_row

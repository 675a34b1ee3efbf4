// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// One output channel of a matrix unit without multipliers: dot products of bit planes, accumulated.
//
// Formula:  out = Init + sum of the dot products from the beat marked first to that marked last,
//           modulo 2^OutBits. With sums[j] as in lut_planes and b the bit that stands for 2b - 1:
//             integers                   dot = sum over j of Sign(j) 2^j sums[j]
//             bipolar weights            dot = 2 sums[0] - sum of the activations
//             bipolar activations, -w = ~w + 1 in two's complement: planes compared, not masked,
//                                        dot = sum over j of Sign(j) 2^j sums[j] + zeros,
//                                        less 2^WeightBits zeros if the weights are unsigned
//             both bipolar               dot = 2 sums[0], less Simd, which Init holds
//           where Sign is -1 for the top plane of signed weights, else 1; the sum of the
//           activations or the number of zeros among them comes as act_sum_i, with the timing of
//           sums.
// Layout:   plane i of a vector in bits [i*Simd +: Simd], element s in bit s of it.
// Timing:   stages 0 and 1 in lut_planes, 2 holds the dot product (left out if it is one sum), 3
//           the result. Stage s takes what stands before it when move_i[s] is set.

module lut_row #(
  parameter int unsigned Simd          = 4,
  parameter int unsigned WeightBits    = 2,
  parameter int unsigned ActBits       = 2,
  parameter bit          WeightSigned  = 1'b1,
  parameter bit          WeightBipolar = 1'b0,
  parameter bit          ActSigned     = 1'b0,
  parameter bit          ActBipolar    = 1'b0,
  parameter bit          Popcount      = 1'b0,  // both bipolar: count equal places, dot = sums[0]
  parameter int          Init          = 0,
  parameter bit          Accumulate    = 1'b1,  // 0: every beat is first and last
  parameter int unsigned OutBits       = 8,

  localparam int unsigned SumBits = ActBits + $clog2(Simd + 1)
) (
  input  logic                       clk_i,
  input  logic [3:0]                 move_i,
  input  logic                       first_i,
  input  logic                       last_i,
  input  logic [WeightBits*Simd-1:0] weight_i,
  input  logic [ActBits*Simd-1:0]    act_i,
  input  logic [SumBits-1:0]         act_sum_i,
  output logic [OutBits-1:0]         out_o
);

  localparam bit ActSum = WeightBipolar != ActBipolar;
  localparam int unsigned Doubled = (WeightBipolar && !Popcount) ? 1 : 0;  // as a shift

  typedef logic [OutBits-1:0] out_t;
  typedef logic [SumBits-1:0] sum_t;

  // Modulo 2^OutBits, so that a narrow result does without the upper bits of its terms.
  /* verilator lint_off UNUSEDSIGNAL */
  function automatic out_t extended(input sum_t value);
    return ActSigned ? out_t'($signed(value)) : out_t'(value);
  endfunction
  /* verilator lint_on UNUSEDSIGNAL */

  logic [WeightBits-1:0][SumBits-1:0] sums;
  lut_planes #(
    .Simd(Simd), .WeightBits(WeightBits), .ActBits(ActBits), .ActSigned(ActSigned),
    .Equal(ActBipolar)
  ) planes (
    .clk_i, .move_i(move_i[1:0]), .weight_i, .act_i, .sums_o(sums)
  );

  out_t dot;
  if (WeightBits == 1 && !WeightSigned && !ActSum) begin : gen_one_sum
    logic unused;
    assign dot    = extended(sums[0]) << Doubled;
    assign unused = ^{act_sum_i, move_i[2]};
  end else begin : gen_dot
    out_t dot_q;
    always_ff @(posedge clk_i) begin
      if (move_i[2]) begin
        automatic out_t total = '0;
        for (int unsigned j = 0; j < WeightBits; j++) begin
          if (WeightSigned && j == WeightBits - 1) total -= extended(sums[j]) << j;
          else total += extended(sums[j]) << (j + Doubled);
        end
        if (WeightBipolar && !ActBipolar) total -= extended(act_sum_i);
        if (ActBipolar && !WeightBipolar) begin
          total += extended(act_sum_i);
          if (!WeightSigned) total -= extended(act_sum_i) << WeightBits;
        end
        dot_q <= total;
      end
    end
    assign dot = dot_q;
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

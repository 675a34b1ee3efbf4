// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Dot product of a beat without multipliers, from sums over bit planes.
//
// Formula:  modulo 2^OutBits, with sums[j] as in lut_planes and b the bit that stands for 2b - 1:
//             integers                   dot = sum over j of Sign(j) 2^j sums[j]
//             bipolar weights            dot = 2 sums[0] - sum of the activations
//             bipolar activations, -w = ~w + 1 in two's complement: planes compared, not masked,
//                                        dot = sum over j of Sign(j) 2^j sums[j] + zeros,
//                                        less 2^Weight.bits zeros if the weights are unsigned
//             both bipolar               dot = 2 sums[0], from which Simd is to be taken
//             Popcount (both bipolar)    dot = sums[0]
//           where Sign is -1 for the top plane of signed weights, else 1; the sum of the
//           activations or the number of zeros among them comes as act_sum_i, with the timing of
//           sums.
// Layout:   plane i of a vector in bits [i*Simd +: Simd], element s in bit s of it.
// Timing:   stages 0 and 1 in lut_planes, 2 holds the dot product (left out if it is one sum).
//           Stage s takes what stands before it when move_i[s] is set.

module lut_dot import lut_pkg::*; #(
  parameter int unsigned Simd          = 4,
  parameter operand_t    Weight        = '{bits: 2, is_signed: 1'b1, bipolar: 1'b0},
  parameter operand_t    Act           = '{bits: 2, is_signed: 1'b0, bipolar: 1'b0},
  parameter bit          Popcount      = 1'b0,
  parameter int unsigned OutBits       = 8,

  localparam int unsigned SumBits = Act.bits + $clog2(Simd + 1)
) (
  input  logic                        clk_i,
  input  logic [2:0]                  move_i,
  input  logic [Weight.bits*Simd-1:0] weight_i,
  input  logic [Act.bits*Simd-1:0]    act_i,
  input  logic [SumBits-1:0]          act_sum_i,
  output logic [OutBits-1:0]          dot_o
);

  localparam bit ActSum = Weight.bipolar != Act.bipolar;
  localparam int unsigned Doubled = (Weight.bipolar && !Popcount) ? 1 : 0;  // as a shift

  typedef logic [OutBits-1:0] out_t;
  typedef logic [SumBits-1:0] sum_t;

  // Modulo 2^OutBits, so that a narrow result does without the upper bits of its terms.
  /* verilator lint_off UNUSEDSIGNAL */
  function automatic out_t extended(input sum_t value);
    return Act.is_signed ? out_t'($signed(value)) : out_t'(value);
  endfunction
  /* verilator lint_on UNUSEDSIGNAL */

  logic [Weight.bits-1:0][SumBits-1:0] sums;
  lut_planes #(
    .Simd(Simd), .WeightBits(Weight.bits), .ActBits(Act.bits), .ActSigned(Act.is_signed),
    .Equal(Act.bipolar)
  ) planes (
    .clk_i, .move_i(move_i[1:0]), .weight_i, .act_i, .sums_o(sums)
  );

  if (Weight.bits == 1 && !Weight.is_signed && !ActSum) begin : gen_one_sum
    logic unused;
    assign dot_o  = extended(sums[0]) << Doubled;
    assign unused = ^{act_sum_i, move_i[2]};
  end else begin : gen_dot
    out_t dot_q;
    always_ff @(posedge clk_i) begin
      if (move_i[2]) begin
        automatic out_t total = '0;
        for (int unsigned j = 0; j < Weight.bits; j++) begin
          if (Weight.is_signed && j == Weight.bits - 1) total -= extended(sums[j]) << j;
          else total += extended(sums[j]) << (j + Doubled);
        end
        if (Weight.bipolar && !Act.bipolar) total -= extended(act_sum_i);
        if (Act.bipolar && !Weight.bipolar) begin
          total += extended(act_sum_i);
          if (!Weight.is_signed) total -= extended(act_sum_i) << Weight.bits;
        end
        dot_q <= total;
      end
    end
    assign dot_o = dot_q;
  end

endmodule : lut_dot

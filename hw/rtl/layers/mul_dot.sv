// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Dot product of a beat by the part's multipliers, with one or two products in each.
//
// Formula:  dot = sum over s of act[s] * weight[s], modulo 2^OutBits. With two products in each
//           multiplier, signed weights count as weight[s] + Offset, Offset = 2^(Weight.bits-1), so
//           that nothing is negative; (w0 + w1 X) (a1 + a0 X) then has the field w0 a0 + w1 a1 at
//           X, and Offset times act_sum_i, the sum of the activations, is taken from their sum.
// Layout:   plane i of a vector in bits [i*Simd +: Simd], element s in bit s of it.
// Timing:   stage 0 holds the products, 1 their sum (act_sum_i is of that time), 2 the dot product
//           (left out if nothing is taken from it). Stage s moves when move_i[s] is set.

module mul_dot import lut_pkg::*; #(
  parameter int unsigned PerMultiplier = 2,
  parameter int unsigned Simd          = 4,
  parameter operand_t    Weight        = '{bits: 4, is_signed: 1'b1, bipolar: 1'b0},
  parameter operand_t    Act           = '{bits: 4, is_signed: 1'b0, bipolar: 1'b0},
  parameter int unsigned OutBits       = 16,

  localparam int unsigned SumBits = Act.bits + $clog2(Simd + 1)
) (
  input  logic                        clk_i,
  input  logic [2:0]                  move_i,
  input  logic [Weight.bits*Simd-1:0] weight_i,
  input  logic [Act.bits*Simd-1:0]    act_i,
  input  logic [SumBits-1:0]          act_sum_i,
  output logic [OutBits-1:0]          dot_o
);

  if (PerMultiplier != 1 && PerMultiplier != 2) begin : gen_illegal_count
    $error("mul_dot: PerMultiplier=%0d is neither 1 nor 2", PerMultiplier);
  end
  if (PerMultiplier == 2 && Act.is_signed) begin : gen_illegal_act
    $error("mul_dot: activations with a sign need PerMultiplier=1");
  end
  if (Weight.bipolar || Act.bipolar || Act.bits < 2) begin : gen_illegal_operands
    $error("mul_dot: operands are integers, activations of 2 bits and more");
  end

  localparam bit Paired = PerMultiplier == 2;
  localparam bit Offset = Paired && Weight.is_signed;
  localparam int unsigned Count = (Simd + PerMultiplier - 1) / PerMultiplier;
  localparam int unsigned Padded = Count * PerMultiplier;  // elements; missing ones are zero
  localparam int unsigned Levels = $clog2(Count);
  localparam int unsigned TermBits = Weight.bits + Act.bits + 1;

  typedef logic [OutBits-1:0] out_t;

  logic [Padded-1:0][Weight.bits-1:0] weight;
  logic [Padded-1:0][Act.bits-1:0] act;
  always_comb begin
    weight = '0;
    act    = '0;
    for (int unsigned s = 0; s < Simd; s++) begin
      for (int unsigned j = 0; j < Weight.bits; j++) weight[s][j] = weight_i[j*Simd+s];
      for (int unsigned i = 0; i < Act.bits; i++) act[s][i] = act_i[i*Simd+s];
      if (Offset) weight[s][Weight.bits-1] = !weight_i[(Weight.bits-1)*Simd+s];
    end
  end

  logic [2**Levels-1:0][TermBits-1:0] term_q;  // not negative if Paired, else signed
  for (genvar k = 0; k < 2 ** Levels; k++) begin : gen_term
    if (k >= Count) begin : gen_none
      assign term_q[k] = '0;
    end else if (Paired) begin : gen_pair
      logic [TermBits+Weight.bits-1:0] left;
      logic [TermBits+Act.bits-1:0] right;
      /* verilator lint_off UNUSEDSIGNAL */
      logic [3*TermBits-2:0] product;  // of which the lowest and the highest field have no use
      /* verilator lint_on UNUSEDSIGNAL */
      assign left    = {weight[2*k+1], {Act.bits + 1{1'b0}}, weight[2*k]};
      assign right   = {act[2*k], {Weight.bits + 1{1'b0}}, act[2*k+1]};
      assign product = left * right;
      always_ff @(posedge clk_i) if (move_i[0]) term_q[k] <= product[TermBits+:TermBits];
    end else begin : gen_single
      logic signed [Weight.bits:0] left;
      logic signed [Act.bits:0] right;
      assign left  = {Weight.is_signed && weight[k][Weight.bits-1], weight[k]};
      assign right = {Act.is_signed && act[k][Act.bits-1], act[k]};
      always_ff @(posedge clk_i) if (move_i[0]) term_q[k] <= TermBits'(left * right);
    end
  end

  // A tree of adders with a carry chain each: without keep, Yosys makes carry-save adders of
  // them, which take more than twice the LUTs.
  for (genvar l = 0; l <= Levels; l++) begin : gen_level
    (* keep *) logic [2**(Levels-l)-1:0][TermBits+l-1:0] sum;
    for (genvar i = 0; i < 2 ** (Levels - l); i++) begin : gen_sum
      if (l == 0) begin : gen_leaf
        assign sum[i] = term_q[i];
      end else begin : gen_add
        logic [TermBits+l-2:0] left, right;
        assign left   = gen_level[l-1].sum[2*i];
        assign right  = gen_level[l-1].sum[2*i+1];
        assign sum[i] = {!Paired && left[TermBits+l-2], left}
                      + {!Paired && right[TermBits+l-2], right};
      end
    end
  end

  out_t sum_q;
  /* verilator lint_off UNUSEDSIGNAL */
  logic [TermBits+Levels-1:0] whole;
  /* verilator lint_on UNUSEDSIGNAL */
  assign whole = gen_level[Levels].sum[0];
  always_ff @(posedge clk_i) begin
    if (move_i[1]) sum_q <= Paired ? out_t'(whole) : out_t'($signed(whole));
  end

  if (Offset) begin : gen_offset
    out_t dot_q;
    always_ff @(posedge clk_i) begin
      if (move_i[2]) dot_q <= sum_q - (out_t'(act_sum_i) << (Weight.bits - 1));
    end
    assign dot_o = dot_q;
  end else begin : gen_sum_alone
    logic unused;
    assign dot_o  = sum_q;
    assign unused = ^{act_sum_i, move_i[2]};
  end

endmodule : mul_dot

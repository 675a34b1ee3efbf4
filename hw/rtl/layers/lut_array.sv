// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Pe rows of a matrix unit side by side (lut_row), with the flow control of their pipeline.
//
// Streams:  a beat in holds the weights of all rows and one vector of activations (ActPe 1), or one
//           for each row (ActPe Pe); first_i and last_i mark the beats of a result. A beat out
//           holds the Pe results.
// Layout:   row p of the weights in bits [p*Weight.bits*Simd +: Weight.bits*Simd], likewise the
//           activations, each as bit planes (lut_row); result p in bits [p*OutBits +: OutBits].
// Timing:   one beat in a cycle; two to four cycles from the last beat to the result. All stages
//           stand still while a result has no place to go; valid_i may come and go.
//           Registered: they never do, and no signal passes through in a cycle: results wait in a
//           queue (two cycles more), and beats are taken while it has places for all under way.

module lut_array import lut_pkg::*; #(
  parameter int unsigned PerMultiplier = 0,  // products in each multiplier; 0: none, in LUTs
  parameter int unsigned Pe            = 2,
  parameter int unsigned ActPe         = 1,
  parameter int unsigned Simd          = 4,
  parameter operand_t    Weight        = '{bits: 2, is_signed: 1'b1, bipolar: 1'b0},
  parameter operand_t    Act           = '{bits: 2, is_signed: 1'b0, bipolar: 1'b0},
  parameter bit          Popcount      = 1'b0,
  parameter int          Init          = 0,
  parameter bit          Accumulate    = 1'b1,
  parameter int unsigned OutBits       = 8,
  parameter bit          Registered    = 1'b0
) (
  input  logic                           clk_i,
  input  logic                           rst_ni,

  input  logic                           valid_i,
  output logic                           ready_o,
  input  logic                           first_i,
  input  logic                           last_i,
  input  logic [Pe*Weight.bits*Simd-1:0] weight_i,
  input  logic [ActPe*Act.bits*Simd-1:0] act_i,

  output logic                           out_valid_o,
  input  logic                           out_ready_i,
  output logic [Pe*OutBits-1:0]          out_data_o
);

  if (ActPe != 1 && ActPe != Pe) begin : gen_illegal_act_pe
    $error("lut_array: ActPe=%0d is neither 1 nor Pe=%0d", ActPe, Pe);
  end
  if (Weight.bipolar && (Weight.bits != 1 || Weight.is_signed)) begin : gen_illegal_weights
    $error("lut_array: bipolar weights are one bit without sign");
  end
  if (Act.bipolar && (Act.bits != 1 || Act.is_signed)) begin : gen_illegal_acts
    $error("lut_array: bipolar activations are one bit without sign");
  end
  if (Popcount && !(Weight.bipolar && Act.bipolar)) begin : gen_illegal_popcount
    $error("lut_array: Popcount is for bipolar weights and activations");
  end

  localparam int unsigned SumBits = Act.bits + $clog2(Simd + 1);
  localparam bit Multiply = PerMultiplier != 0;
  localparam bit ActSum = Multiply ? PerMultiplier == 2 && Weight.is_signed
                                   : Weight.bipolar != Act.bipolar;

  // Which stages there are between the first and the last, as in mul_dot or lut_dot.
  localparam bit SumStage = Multiply || Act.bits > 1 || Act.is_signed || Simd > 32;
  localparam bit DotStage = Multiply ? ActSum : Weight.bits > 1 || Weight.is_signed || ActSum;

  // Marks of the beat that stands before a stage.
  logic sum_valid, sum_first, sum_last;
  logic dot_valid, dot_first, dot_last;
  logic out_valid, out_first, out_last;
  logic advance, entering;
  logic [3:0] move;
  logic [Pe*OutBits-1:0] result;

  lut_stage #(.Present(1'b1)) count_stage (
    .clk_i, .rst_ni, .advance_i(advance), .valid_i(entering), .first_i, .last_i,
    .valid_o(sum_valid), .first_o(sum_first), .last_o(sum_last)
  );
  lut_stage #(.Present(SumStage)) sum_stage (
    .clk_i, .rst_ni, .advance_i(advance),
    .valid_i(sum_valid), .first_i(sum_first), .last_i(sum_last),
    .valid_o(dot_valid), .first_o(dot_first), .last_o(dot_last)
  );
  lut_stage #(.Present(DotStage)) dot_stage (
    .clk_i, .rst_ni, .advance_i(advance),
    .valid_i(dot_valid), .first_i(dot_first), .last_i(dot_last),
    .valid_o(out_valid), .first_o(out_first), .last_o(out_last)
  );

  logic out_valid_q;  // a result stands behind the rows
  if (Registered) begin : gen_registered
    localparam int unsigned Places = 8;  // six or seven results are under way at one a cycle
    typedef logic [$clog2(Places+1)-1:0] count_t;
    count_t owed_q, owed_d;  // results that have begun to leave, and have not left
    logic ready_q, unused;

    assign entering = valid_i && ready_q;
    assign owed_d   = owed_q + count_t'(entering && last_i) - count_t'(out_valid_o && out_ready_i);
    always_ff @(posedge clk_i) begin
      if (!rst_ni) begin
        owed_q      <= '0;
        ready_q     <= 1'b0;
        out_valid_q <= 1'b0;
      end else begin
        owed_q      <= owed_d;
        ready_q     <= owed_d < count_t'(Places);
        out_valid_q <= out_valid && out_last;
      end
    end

    assign advance = 1'b1;
    assign move    = {out_valid, 3'b111};  // what is not valid is not accumulated
    assign ready_o = ready_q;

    stream_queue #(.Width(Pe * OutBits), .Depth(Places)) results (
      .clk_i, .rst_ni, .in_valid_i(out_valid_q), .in_ready_o(unused), .in_data_i(result),
      .out_valid_o, .out_ready_i, .out_data_o
    );
  end else begin : gen_stalling
    always_ff @(posedge clk_i) begin
      if (!rst_ni) out_valid_q <= 1'b0;
      else out_valid_q <= (out_valid && out_last) || (out_valid_q && !out_ready_i);
    end

    assign entering    = valid_i;
    assign advance     = !(out_valid && out_last && out_valid_q && !out_ready_i);
    assign move        = {out_valid, dot_valid, sum_valid, valid_i} & {4{advance}};
    assign ready_o     = advance;
    assign out_valid_o = out_valid_q;
    assign out_data_o  = result;

    stream_rule #(.Width(Pe * OutBits)) rule (
      .clk_i, .rst_ni, .valid_i(out_valid_o), .ready_i(out_ready_i), .data_i(out_data_o)
    );
  end

  // Rows.
  logic [ActPe-1:0][SumBits-1:0] act_sum;
  for (genvar p = 0; p < ActPe; p++) begin : gen_act_sum
    if (ActSum) begin : gen_sum
      lut_planes #(
        .Simd(Simd), .WeightBits(1), .ActBits(Act.bits), .ActSigned(Act.is_signed),
        .Equal(Act.bipolar)
      ) planes (
        .clk_i,
        .move_i(move[1:0]),
        .weight_i({Simd{!Act.bipolar}}),
        .act_i(act_i[p*Act.bits*Simd+:Act.bits*Simd]),
        .sums_o(act_sum[p])
      );
    end else begin : gen_none
      assign act_sum[p] = '0;
    end
  end

  for (genvar p = 0; p < Pe; p++) begin : gen_row
    localparam int unsigned Lane = (ActPe == 1) ? 0 : p;
    lut_row #(
      .PerMultiplier(PerMultiplier), .Simd(Simd), .Weight(Weight), .Act(Act),
      .Popcount(Popcount), .Init(Init), .Accumulate(Accumulate), .OutBits(OutBits)
    ) row (
      .clk_i,
      .move_i(move),
      .first_i(out_first),
      .last_i(out_last),
      .weight_i(weight_i[p*Weight.bits*Simd+:Weight.bits*Simd]),
      .act_i(act_i[Lane*Act.bits*Simd+:Act.bits*Simd]),
      .act_sum_i(act_sum[Lane]),
      .out_o(result[p*OutBits+:OutBits])
    );
  end

endmodule : lut_array

// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Matrix-vector product in LUTs, for operands of a few bits, or by multipliers.
//
// Formula:  out[h] = sum over w < MatrixWidth of act[w] * weight[w][h], modulo 2^OutBits. Operands
//           are integers, signed or not, or bipolar: one bit b that stands for 2b - 1. With
//           Popcount both are bipolar and out[h] counts the w at which they are equal.
// Streams:  act: vectors, MatrixWidth/Simd beats each. Weight: for each vector, for each fold of Pe
//           outputs, MatrixWidth/Simd beats. Out: MatrixHeight/Pe beats for each vector.
// Layout:   act: element s of a beat in bits [s*ActBits +: ActBits]. Weight: of output p of the
//           fold, bit j of element s in bit (p*WeightBits + j)*Simd + s. Out: p in [p*OutBits +:
//           OutBits].
// Registered: flip-flops stand at every stream, so that no path passes through the unit; results
//           come up to four cycles later, as often.
// Timing:   MatrixHeight/Pe * MatrixWidth/Simd cycles a vector without stalls; each beat of weights
//           is taken together with one of activations.

module mvu_lut #(
  parameter int unsigned MatrixWidth   = 8,
  parameter int unsigned MatrixHeight  = 4,
  parameter int unsigned Pe            = 2,
  parameter int unsigned Simd          = 4,
  parameter int unsigned WeightBits    = 2,
  parameter int unsigned ActBits       = 2,
  parameter bit          WeightSigned  = 1'b1,
  parameter bit          WeightBipolar = 1'b0,
  parameter bit          ActSigned     = 1'b0,
  parameter bit          ActBipolar    = 1'b0,
  parameter bit          Popcount      = 1'b0,
  parameter int unsigned PerMultiplier = 0,  // products in each multiplier; 0: none, in LUTs
  parameter int unsigned OutBits       = 8,
  parameter bit          Registered    = 1'b0
) (
  input  logic                          clk_i,
  input  logic                          rst_ni,

  input  logic                          act_valid_i,
  output logic                          act_ready_o,
  input  logic [ActBits*Simd-1:0]       act_data_i,

  input  logic                          weight_valid_i,
  output logic                          weight_ready_o,
  input  logic [Pe*WeightBits*Simd-1:0] weight_data_i,

  output logic                          out_valid_o,
  input  logic                          out_ready_i,
  output logic [Pe*OutBits-1:0]         out_data_o
);

  if (Simd < 1 || MatrixWidth % Simd != 0) begin : gen_illegal_simd
    $error("mvu_lut: Simd=%0d does not divide MatrixWidth=%0d", Simd, MatrixWidth);
  end
  if (Pe < 1 || MatrixHeight % Pe != 0) begin : gen_illegal_pe
    $error("mvu_lut: Pe=%0d does not divide MatrixHeight=%0d", Pe, MatrixHeight);
  end

  localparam lut_pkg::operand_t Weight =
    '{bits: WeightBits, is_signed: WeightSigned, bipolar: WeightBipolar};
  localparam lut_pkg::operand_t Act =
    '{bits: ActBits, is_signed: ActSigned, bipolar: ActBipolar};

  localparam int unsigned Folds = MatrixWidth / Simd;
  localparam int Init = (WeightBipolar && ActBipolar && !Popcount) ? -int'(MatrixWidth) : 0;

  logic [ActBits*Simd-1:0] elements, planes, act;
  logic in_valid, in_ready, act_valid, act_ready, first, last, ready;

  if (Registered) begin : gen_queue
    stream_queue #(.Width(ActBits * Simd)) queue (
      .clk_i, .rst_ni, .in_valid_i(act_valid_i), .in_ready_o(act_ready_o), .in_data_i(act_data_i),
      .out_valid_o(in_valid), .out_ready_i(in_ready), .out_data_o(elements)
    );
  end else begin : gen_direct
    assign in_valid    = act_valid_i;
    assign act_ready_o = in_ready;
    assign elements    = act_data_i;
  end

  lut_transpose #(.Rows(Simd), .Cols(ActBits)) transpose (
    .elements_i(elements), .planes_o(planes)
  );
  mvu_replay #(.Length(Folds), .Repeats(MatrixHeight / Pe), .Width(ActBits * Simd)) replay (
    .clk_i, .rst_ni,
    .valid_i(in_valid), .ready_o(in_ready), .data_i(planes),
    .valid_o(act_valid), .ready_i(act_ready), .data_o(act), .first_o(first), .last_o(last)
  );

  // As stream_join has it; written so, Yosys makes three LUTs fewer of TFC 1w2a.
  assign act_ready      = ready && weight_valid_i;
  assign weight_ready_o = ready && act_valid;

  lut_array #(
    .PerMultiplier(PerMultiplier), .Pe(Pe), .ActPe(1), .Simd(Simd), .Weight(Weight), .Act(Act),
    .Popcount(Popcount), .Init(Init), .Accumulate(Folds > 1), .OutBits(OutBits),
    .Registered(Registered)
  ) array (
    .clk_i, .rst_ni,
    .valid_i(act_valid && weight_valid_i), .ready_o(ready), .first_i(first), .last_i(last),
    .weight_i(weight_data_i), .act_i(act),
    .out_valid_o, .out_ready_i, .out_data_o
  );

endmodule : mvu_lut

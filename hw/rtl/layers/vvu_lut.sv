// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Depthwise convolution in LUTs or by multipliers: each channel's window times its own kernel.
//
// Formula:  out[c] = sum over k < Window of act[c][k] * weight[c][k], modulo 2^OutBits. Operands
//           are integers, signed or not, or bipolar: one bit b that stands for 2b - 1. With
//           Popcount both are bipolar and out[c] counts the k at which they are equal.
// Streams:  act and weight: for each pixel, for each fold of Pe channels, Window/Simd beats. Out:
//           for each pixel Channels/Pe beats; Channels does not matter here.
// Layout:   act: channel p of place s in bits [(s*Pe + p)*ActBits +: ActBits], as FINN's depthwise
//           sliding window writes it. Weight: of channel p, bit j of place s in bit
//           (p*WeightBits + j)*Simd + s. Out: channel p in bits [p*OutBits +: OutBits].
// Registered: flip-flops stand at every stream, so that no path passes through the unit; results
//           come up to four cycles later, as often.
// Timing:   Window/Simd cycles a fold without stalls; each beat of weights is taken together with
//           one of activations.

module vvu_lut #(
  parameter int unsigned Window        = 9,
  parameter int unsigned Pe            = 2,
  parameter int unsigned Simd          = 3,
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
  input  logic [Pe*ActBits*Simd-1:0]    act_data_i,

  input  logic                          weight_valid_i,
  output logic                          weight_ready_o,
  input  logic [Pe*WeightBits*Simd-1:0] weight_data_i,

  output logic                          out_valid_o,
  input  logic                          out_ready_i,
  output logic [Pe*OutBits-1:0]         out_data_o
);

  if (Simd < 1 || Window % Simd != 0) begin : gen_illegal_simd
    $error("vvu_lut: Simd=%0d does not divide Window=%0d", Simd, Window);
  end

  localparam lut_pkg::operand_t Weight =
    '{bits: WeightBits, is_signed: WeightSigned, bipolar: WeightBipolar};
  localparam lut_pkg::operand_t Act =
    '{bits: ActBits, is_signed: ActSigned, bipolar: ActBipolar};

  localparam int unsigned Folds = Window / Simd;
  localparam int Init = (WeightBipolar && ActBipolar && !Popcount) ? -int'(Window) : 0;

  logic [Pe*ActBits*Simd-1:0] elements, planes, act;
  logic in_valid, in_ready, act_valid, act_ready, first, last, valid, ready;

  if (Registered) begin : gen_queue
    stream_queue #(.Width(Pe * ActBits * Simd)) queue (
      .clk_i, .rst_ni, .in_valid_i(act_valid_i), .in_ready_o(act_ready_o), .in_data_i(act_data_i),
      .out_valid_o(in_valid), .out_ready_i(in_ready), .out_data_o(elements)
    );
  end else begin : gen_direct
    assign in_valid    = act_valid_i;
    assign act_ready_o = in_ready;
    assign elements    = act_data_i;
  end

  lut_transpose #(.Rows(Simd), .Cols(Pe * ActBits)) transpose (
    .elements_i(elements), .planes_o(planes)
  );
  mvu_replay #(.Length(Folds), .Repeats(1), .Width(Pe * ActBits * Simd)) place (
    .clk_i, .rst_ni,
    .valid_i(in_valid), .ready_o(in_ready), .data_i(planes),
    .valid_o(act_valid), .ready_i(act_ready), .data_o(act), .first_o(first), .last_o(last)
  );

  stream_join #(.Inputs(2)) operands (
    .in_valid_i({weight_valid_i, act_valid}), .in_ready_o({weight_ready_o, act_ready}),
    .out_valid_o(valid), .out_ready_i(ready)
  );

  lut_array #(
    .PerMultiplier(PerMultiplier), .Pe(Pe), .ActPe(Pe), .Simd(Simd), .Weight(Weight), .Act(Act),
    .Popcount(Popcount), .Init(Init), .Accumulate(Folds > 1), .OutBits(OutBits),
    .Registered(Registered)
  ) array (
    .clk_i, .rst_ni,
    .valid_i(valid), .ready_o(ready), .first_i(first), .last_i(last),
    .weight_i(weight_data_i), .act_i(act),
    .out_valid_o, .out_ready_i, .out_data_o
  );

endmodule : vvu_lut

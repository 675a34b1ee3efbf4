// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Sums of activations, one for each bit plane of the weights, by counting.
//
// Formula:  sums_o[j] = sum over i of Sign(i) 2^i C(j, i), where C(j, i) counts the places at which
//           bit plane j of the weights and bit plane i of the activations are both set (if Equal:
//           are equal), and Sign(i) is -1 for the top plane of signed activations, else 1.
// Layout:   plane i of a vector in bits [i*Simd +: Simd], element s in bit s of it.
// Timing:   stage 0 holds the counts, of at most 32 places each; stage 1 their sum, and is left out
//           if ActBits is 1 and Simd at most 32. Stage s moves when move_i[s] is set.

module lut_planes #(
  parameter int unsigned Simd       = 4,
  parameter int unsigned WeightBits = 2,
  parameter int unsigned ActBits    = 2,
  parameter bit          ActSigned  = 1'b0,
  parameter bit          Equal      = 1'b0,

  localparam int unsigned SumBits = ActBits + $clog2(Simd + 1)
) (
  input  logic                               clk_i,
  input  logic [1:0]                         move_i,
  input  logic [WeightBits*Simd-1:0]         weight_i,
  input  logic [ActBits*Simd-1:0]            act_i,
  output logic [WeightBits-1:0][SumBits-1:0] sums_o
);

  localparam int unsigned Chunk = (Simd < 32) ? Simd : 32;  // places counted in one stage
  localparam int unsigned Chunks = (Simd + Chunk - 1) / Chunk;
  localparam int unsigned CountBits = $clog2(Chunk + 1);

  typedef logic [SumBits-1:0] sum_t;
  typedef logic [Chunks*Chunk-1:0] padded_t;

  for (genvar j = 0; j < WeightBits; j++) begin : gen_plane
    logic [ActBits-1:0][Chunks-1:0][CountBits-1:0] count_q;

    always_ff @(posedge clk_i) begin
      if (move_i[0]) begin
        for (int unsigned i = 0; i < ActBits; i++) begin
          automatic logic [Simd-1:0] weight = weight_i[j*Simd+:Simd];
          automatic logic [Simd-1:0] act = act_i[i*Simd+:Simd];
          automatic logic [Simd-1:0] hits = Equal ? ~(weight ^ act) : weight & act;
          automatic padded_t places = padded_t'(hits);
          for (int unsigned c = 0; c < Chunks; c++) begin
            count_q[i][c] <= CountBits'($countones(places[c*Chunk+:Chunk]));
          end
        end
      end
    end

    if (ActBits == 1 && Chunks == 1 && !ActSigned) begin : gen_single
      logic unused;
      assign sums_o[j] = sum_t'(count_q);
      assign unused    = move_i[1];
    end else begin : gen_sum
      sum_t sum_q;
      always_ff @(posedge clk_i) begin
        if (move_i[1]) begin
          automatic sum_t sum = '0;
          for (int unsigned i = 0; i < ActBits; i++) begin
            for (int unsigned c = 0; c < Chunks; c++) begin
              if (ActSigned && i == ActBits - 1) sum -= sum_t'(count_q[i][c]) << i;
              else sum += sum_t'(count_q[i][c]) << i;
            end
          end
          sum_q <= sum;
        end
      end
      assign sums_o[j] = sum_q;
    end
  end

endmodule : lut_planes

// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Multiplies each pixel of a stream by an integer of its own: y = factor * x modulo 2^OutBits.
//
// In:      Folds beats a pixel, and one beat of the factors, which is taken with the last of them.
// Lanes:   lane p in bits [p*Bits +: Bits]; two's complement if Signed. A factor has no sign.
// Timing:  latency one cycle, one beat a cycle while there is a factor.

module stream_scale #(
  parameter int unsigned Folds      = 1,
  parameter int unsigned Pe         = 1,
  parameter int unsigned InBits     = 8,
  parameter bit          Signed     = 1'b0,
  parameter int unsigned FactorBits = 4,
  parameter int unsigned OutBits    = 12
) (
  input  logic                  clk_i,
  input  logic                  rst_ni,

  input  logic                  in_valid_i,
  output logic                  in_ready_o,
  input  logic [Pe*InBits-1:0]  in_data_i,

  input  logic                  factor_valid_i,
  output logic                  factor_ready_o,
  input  logic [FactorBits-1:0] factor_data_i,

  output logic                  out_valid_o,
  input  logic                  out_ready_i,
  output logic [Pe*OutBits-1:0] out_data_o
);

  if (Folds < 1 || Pe < 1 || InBits < 1 || FactorBits < 1 || OutBits < 1) begin : gen_illegal_size
    $error("stream_scale: Folds, Pe, InBits, FactorBits and OutBits must be at least 1");
  end

  localparam int unsigned FoldBits = (Folds > 1) ? $clog2(Folds) : 1;

  logic [FoldBits-1:0] fold_q;
  logic last, valid, free, factor_used;
  logic [Pe*OutBits-1:0] product;

  stream_join #(.Inputs(2)) operands (
    .in_valid_i({factor_valid_i, in_valid_i}), .in_ready_o({factor_used, in_ready_o}),
    .out_valid_o(valid), .out_ready_i(free)
  );

  assign last           = fold_q == FoldBits'(Folds - 1);
  assign factor_ready_o = factor_used && last;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) fold_q <= '0;
    else if (valid && free) fold_q <= last ? '0 : fold_q + 1'b1;
  end

  // A row of adders for each bit of the factor, which has few: no DSP slice is worth it.
  for (genvar p = 0; p < Pe; p++) begin : gen_lane
    // verilator lint_off UNUSEDSIGNAL
    logic [InBits-1:0] element;  // its top does not matter to a narrower product
    // verilator lint_on UNUSEDSIGNAL
    logic [OutBits-1:0] value, total;
    assign element = in_data_i[p*InBits+:InBits];
    assign value   = Signed ? OutBits'($signed(element)) : OutBits'(element);
    always_comb begin
      total = '0;
      for (int unsigned b = 0; b < FactorBits; b++) begin
        if (factor_data_i[b]) total += value << b;
      end
    end
    assign product[p*OutBits+:OutBits] = total;
  end

  stream_register #(.Width(Pe*OutBits)) out_register (
    .clk_i, .rst_ni, .in_valid_i(valid), .in_ready_o(free), .in_data_i(product),
    .out_valid_o, .out_ready_i, .out_data_o
  );

endmodule : stream_scale

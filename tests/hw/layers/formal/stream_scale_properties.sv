// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// stream_scale gives every beat times its factor, which is taken with its last beat.

module stream_scale_properties (
  input logic       clk_i,
  input logic       in_valid_i,
  input logic [2:0] in_data_i,
  input logic       factor_valid_i,
  input logic [1:0] factor_data_i,
  input logic       out_ready_i
);

  logic rst_n = 1'b0;
  always_ff @(posedge clk_i) rst_n <= 1'b1;

  logic in_ready, factor_ready, out_valid, taken;
  logic [4:0] out_data;

  stream_scale #(.Folds(3), .InBits(3), .Signed(1'b1), .FactorBits(2), .OutBits(5)) dut (
    .clk_i, .rst_ni(rst_n), .in_valid_i, .in_ready_o(in_ready), .in_data_i, .factor_valid_i,
    .factor_ready_o(factor_ready), .factor_data_i, .out_valid_o(out_valid), .out_ready_i,
    .out_data_o(out_data)
  );

  stream_assumed #(.Width(3)) in_source (
    .clk_i, .rst_ni(rst_n), .valid_i(in_valid_i), .ready_i(in_ready), .data_i(in_data_i)
  );
  stream_assumed #(.Width(2)) factor_source (
    .clk_i, .rst_ni(rst_n), .valid_i(factor_valid_i), .ready_i(factor_ready), .data_i(factor_data_i)
  );

  assign taken = in_valid_i && in_ready;
  one_place #(.Width(5)) place (
    .clk_i, .rst_ni(rst_n), .offered_i(in_valid_i && factor_valid_i), .taken_i(taken),
    .data_i(5'($signed(in_data_i) * $signed({1'b0, factor_data_i}))),
    .out_valid_i(out_valid), .out_ready_i, .out_data_i(out_data)
  );

  logic [1:0] fold_q = '0;
  always_ff @(posedge clk_i) if (rst_n && taken) fold_q <= (fold_q == 2'd2) ? '0 : fold_q + 2'd1;
  always_comb if (rst_n) begin
    with_the_last: assert ((factor_valid_i && factor_ready) == (taken && fold_q == 2'd2));
  end

endmodule : stream_scale_properties

// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// stream_add gives the sum of every pair of beats, once.

module stream_add_properties (
  input logic       clk_i,
  input logic       a_valid_i,
  input logic [3:0] a_data_i,
  input logic       b_valid_i,
  input logic [3:0] b_data_i,
  input logic       out_ready_i
);

  logic rst_n = 1'b0;
  always_ff @(posedge clk_i) rst_n <= 1'b1;

  logic a_ready, b_ready, out_valid, taken;
  logic [4:0] out_data;

  stream_add #(.ABits(4), .BBits(4), .BSigned(1'b0), .OutBits(5)) dut (
    .clk_i, .rst_ni(rst_n), .a_valid_i, .a_ready_o(a_ready), .a_data_i, .b_valid_i,
    .b_ready_o(b_ready), .b_data_i, .out_valid_o(out_valid), .out_ready_i, .out_data_o(out_data)
  );

  stream_assumed #(.Width(4)) a_source (
    .clk_i, .rst_ni(rst_n), .valid_i(a_valid_i), .ready_i(a_ready), .data_i(a_data_i)
  );
  stream_assumed #(.Width(4)) b_source (
    .clk_i, .rst_ni(rst_n), .valid_i(b_valid_i), .ready_i(b_ready), .data_i(b_data_i)
  );

  assign taken = a_valid_i && a_ready;
  one_place #(.Width(5)) place (
    .clk_i, .rst_ni(rst_n), .offered_i(a_valid_i && b_valid_i), .taken_i(taken),
    .data_i({a_data_i[3], a_data_i} + {1'b0, b_data_i}),
    .out_valid_i(out_valid), .out_ready_i, .out_data_i(out_data)
  );

  always_comb if (rst_n) begin
    in_pairs: assert (taken == (b_valid_i && b_ready));
  end

endmodule : stream_add_properties

// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// stream_concat gives two beats of stream 0, then one of stream 1, again and again.

module stream_concat_properties (
  input logic       clk_i,
  input logic [1:0] in_valid_i,
  input logic [7:0] in_data_i,
  input logic       out_ready_i
);

  logic rst_n = 1'b0;
  always_ff @(posedge clk_i) rst_n <= 1'b1;

  logic [1:0] in_ready;
  logic out_valid;
  logic [3:0] out_data;

  stream_concat #(.Inputs(2), .Width(4), .Folds({32'd1, 32'd2})) dut (
    .clk_i, .rst_ni(rst_n), .in_valid_i, .in_ready_o(in_ready), .in_data_i,
    .out_valid_o(out_valid), .out_ready_i, .out_data_o(out_data)
  );

  for (genvar i = 0; i < 2; i++) begin : gen_source
    stream_assumed #(.Width(4)) source (
      .clk_i, .rst_ni(rst_n), .valid_i(in_valid_i[i]), .ready_i(in_ready[i]),
      .data_i(in_data_i[4*i+:4])
    );
  end

  logic [1:0] beat_q = '0;
  logic turn;
  assign turn = beat_q == 2'd2;
  always_ff @(posedge clk_i) begin
    if (rst_n && in_valid_i[turn] && in_ready[turn]) beat_q <= turn ? '0 : beat_q + 2'd1;
  end
  one_place #(.Width(4)) place (
    .clk_i, .rst_ni(rst_n), .offered_i(in_valid_i[turn]), .taken_i(in_valid_i[turn] && in_ready[turn]),
    .data_i(in_data_i[4*turn+:4]),
    .out_valid_i(out_valid), .out_ready_i, .out_data_i(out_data)
  );

  always_comb if (rst_n) begin
    in_turn: assert (!in_ready[!turn]);
  end

endmodule : stream_concat_properties

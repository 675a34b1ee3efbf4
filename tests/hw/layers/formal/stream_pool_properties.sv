// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// stream_pool gives the sum over each window of three beats, for two channels by themselves.

module stream_pool_properties (
  input logic       clk_i,
  input logic       in_valid_i,
  input logic [2:0] in_data_i,
  input logic       out_ready_i
);

  logic rst_n = 1'b0;
  always_ff @(posedge clk_i) rst_n <= 1'b1;

  logic in_ready, out_valid, taken, last;
  logic [4:0] out_data;

  stream_pool #(
    .Window(3), .Folds(2), .InBits(3), .OutBits(5), .Signed(1'b1), .Max(1'b0)
  ) dut (
    .clk_i, .rst_ni(rst_n), .in_valid_i, .in_ready_o(in_ready), .in_data_i,
    .out_valid_o(out_valid), .out_ready_i, .out_data_o(out_data)
  );

  stream_assumed #(.Width(3)) in_source (
    .clk_i, .rst_ni(rst_n), .valid_i(in_valid_i), .ready_i(in_ready), .data_i(in_data_i)
  );

  logic [2:0] beat_q = '0;  // 0 to 5: place of the window * 2 + channel
  logic [1:0][4:0] sum_q;
  logic [4:0] sum;
  assign taken = in_valid_i && in_ready;
  assign last  = beat_q >= 3'd4;
  assign sum   = 5'($signed(in_data_i)) + (beat_q < 3'd2 ? '0 : sum_q[beat_q[0]]);
  always_ff @(posedge clk_i) begin
    if (rst_n && taken) beat_q <= (beat_q == 3'd5) ? '0 : beat_q + 3'd1;
    if (rst_n && taken) sum_q[beat_q[0]] <= sum;
  end
  one_place #(.Width(5)) place (
    .clk_i, .rst_ni(rst_n), .offered_i(in_valid_i && last), .taken_i(taken && last),
    .data_i(sum),
    .out_valid_i(out_valid), .out_ready_i, .out_data_i(out_data)
  );

  always_comb if (rst_n) begin
    adds_at_once: assert (last || in_ready);
  end

endmodule : stream_pool_properties

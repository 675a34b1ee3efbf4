// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// stream_repeat gives each block of two beats three times.

module stream_repeat_properties (
  input logic       clk_i,
  input logic       in_valid_i,
  input logic [3:0] in_data_i,
  input logic       out_ready_i
);

  logic rst_n = 1'b0;
  always_ff @(posedge clk_i) rst_n <= 1'b1;

  logic in_ready, out_valid, taken;
  logic [3:0] out_data;

  stream_repeat #(.Block(2), .Times(3), .Bits(4)) dut (
    .clk_i, .rst_ni(rst_n), .in_valid_i, .in_ready_o(in_ready), .in_data_i,
    .out_valid_o(out_valid), .out_ready_i, .out_data_o(out_data)
  );

  stream_assumed #(.Width(4)) in_source (
    .clk_i, .rst_ni(rst_n), .valid_i(in_valid_i), .ready_i(in_ready), .data_i(in_data_i)
  );

  logic [2:0] beat_q = '0;  // 0 to 5
  logic [1:0][3:0] block_q;
  logic first, free;
  assign first = beat_q < 3'd2;
  assign free  = !out_valid || out_ready_i;
  assign taken = first ? in_valid_i && in_ready : free;
  always_ff @(posedge clk_i) begin
    if (rst_n && taken) beat_q <= (beat_q == 3'd5) ? '0 : beat_q + 3'd1;
    if (rst_n && taken && first) block_q[beat_q[0]] <= in_data_i;
  end
  one_place #(.Width(4)) place (
    .clk_i, .rst_ni(rst_n), .offered_i(in_valid_i || !first), .taken_i(taken),
    .data_i(first ? in_data_i : block_q[beat_q[0]]),
    .out_valid_i(out_valid), .out_ready_i, .out_data_i(out_data)
  );

  always_comb if (rst_n) begin
    takes_the_first_time: assert (first || !in_ready);
  end

endmodule : stream_repeat_properties

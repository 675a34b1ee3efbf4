// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// stream_argmax gives the lowest index of the largest of four values that come in two beats.

module stream_argmax_properties (
  input logic       clk_i,
  input logic       in_valid_i,
  input logic [5:0] in_data_i,
  input logic       out_ready_i
);

  logic rst_n = 1'b0;
  always_ff @(posedge clk_i) rst_n <= 1'b1;

  logic in_ready, out_valid;
  logic [1:0] out_data;

  stream_argmax #(.Labels(4), .Pe(2), .InBits(3), .OutBits(2)) dut (
    .clk_i, .rst_ni(rst_n), .in_valid_i, .in_ready_o(in_ready), .in_data_i,
    .out_valid_o(out_valid), .out_ready_i, .out_data_o(out_data)
  );

  stream_assumed #(.Width(6)) in_source (
    .clk_i, .rst_ni(rst_n), .valid_i(in_valid_i), .ready_i(in_ready), .data_i(in_data_i)
  );

  // The labels that are owed, at most two: a frame in the pipeline while the one before waits.
  logic half_q = 1'b0;
  logic signed [2:0] low, high;
  logic signed [2:0] best_q, best;
  logic [1:0] label_q, winner;
  logic [1:0][1:0] owed_q;
  logic [1:0] count_q = '0;
  logic taken, given;
  assign {high, low} = in_data_i;
  assign taken = in_valid_i && in_ready;
  assign given = out_valid && out_ready_i;
  always_comb begin
    best   = half_q ? best_q : low;
    winner = half_q ? label_q : 2'd0;
    if (half_q && low > best) {best, winner} = {low, 2'd2};
    if (high > best) {best, winner} = {high, half_q, 1'b1};
  end
  always_ff @(posedge clk_i) begin
    if (rst_n) begin
      if (taken) half_q <= !half_q;
      if (taken) {best_q, label_q} <= {best, winner};
      if (given) owed_q[0] <= owed_q[1];
      if (taken && half_q) owed_q[count_q - 2'(given)] <= winner;
      count_q <= count_q + 2'(taken && half_q) - 2'(given);
    end
  end
  always_comb if (rst_n) begin
    few_owed: assert (count_q <= 2'd2);
    nothing_invented: assert (!out_valid || count_q != '0);
    right_label: assert (!out_valid || out_data == owed_q[0]);
    takes_when_idle: assert (in_ready || out_valid);
  end

endmodule : stream_argmax_properties

// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// stream_queue gives the beats in their order, uses its places, and lets no beat wait behind none.

module stream_queue_properties (
  input logic       clk_i,
  input logic       in_valid_i,
  input logic [2:0] in_data_i,
  input logic       out_ready_i
);

  logic rst_n = 1'b0;
  logic begun_q = 1'b0;  // the first cycle after reset is over
  always_ff @(posedge clk_i) begin
    rst_n   <= 1'b1;
    begun_q <= rst_n;
  end

  logic in_ready, out_valid, taken, given;
  logic [2:0] out_data;

  stream_queue #(.Width(3), .Depth(2)) dut (
    .clk_i, .rst_ni(rst_n), .in_valid_i, .in_ready_o(in_ready), .in_data_i,
    .out_valid_o(out_valid), .out_ready_i, .out_data_o(out_data)
  );

  stream_assumed #(.Width(3)) in_source (
    .clk_i, .rst_ni(rst_n), .valid_i(in_valid_i), .ready_i(in_ready), .data_i(in_data_i)
  );

  // All beats that are held, the oldest first.
  logic [2:0][2:0] beats_q;
  logic [1:0] held_q = '0;
  logic waited_q = 1'b0;  // one of them was held in the cycle before
  assign taken = in_valid_i && in_ready;
  assign given = out_valid && out_ready_i;
  always_ff @(posedge clk_i) begin
    waited_q <= rst_n && held_q > 2'(given);
    if (rst_n) begin
      if (given) beats_q <= beats_q >> 3;
      if (taken) beats_q[2'(held_q - 2'(given))] <= in_data_i;
      held_q <= held_q + 2'(taken) - 2'(given);
    end
  end
  always_comb if (rst_n) begin
    room: assert (!taken || held_q < 2'd3);
    room_is_used: assert (!begun_q || held_q >= 2'd2 || in_ready);
    nothing_invented: assert (!out_valid || held_q != '0);
    right_beat: assert (!out_valid || out_data == beats_q[0]);
    given_in_time: assert (!waited_q || out_valid);
  end

endmodule : stream_queue_properties

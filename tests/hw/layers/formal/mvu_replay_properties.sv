// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// mvu_replay gives each vector of two beats three times, with its ends marked.

module mvu_replay_properties (
  input logic       clk_i,
  input logic       in_valid_i,
  input logic [2:0] in_data_i,
  input logic       out_ready_i
);

  logic rst_n = 1'b0;
  always_ff @(posedge clk_i) rst_n <= 1'b1;

  logic in_ready, out_valid, first, last, taken, given;
  logic [2:0] out_data;

  mvu_replay #(.Length(2), .Repeats(3), .Width(3)) dut (
    .clk_i, .rst_ni(rst_n), .valid_i(in_valid_i), .ready_o(in_ready), .data_i(in_data_i),
    .valid_o(out_valid), .ready_i(out_ready_i), .data_o(out_data), .first_o(first), .last_o(last)
  );

  stream_assumed #(.Width(3)) in_source (
    .clk_i, .rst_ni(rst_n), .valid_i(in_valid_i), .ready_i(in_ready), .data_i(in_data_i)
  );

  // All beats that are still owed, the oldest first; one that was given for the last time goes.
  logic [3:0][2:0] beats_q;
  logic [2:0] held_q = '0;   // of them
  logic place_q = 1'b0;      // in the vector
  logic [1:0] time_q = '0;
  logic gone;
  assign taken = in_valid_i && in_ready;
  assign given = out_valid && out_ready_i;
  assign gone  = given && time_q == 2'd2;
  always_ff @(posedge clk_i) begin
    if (rst_n) begin
      if (given) place_q <= !place_q;
      if (given && place_q) time_q <= (time_q == 2'd2) ? '0 : time_q + 2'd1;
      if (gone) beats_q <= beats_q >> 3;
      if (taken) beats_q[2'(held_q - 3'(gone))] <= in_data_i;
      held_q <= held_q + 3'(taken) - 3'(gone);
    end
  end
  logic [2:0] ahead;  // beats before the one that is given
  assign ahead = time_q == 2'd2 ? '0 : 3'(place_q);
  always_comb if (rst_n) begin
    room: assert (held_q <= 3'd3);
    nothing_invented: assert (!out_valid || held_q > ahead);
    right_beat: assert (!out_valid || out_data == beats_q[2'(ahead)]);
    ends_marked: assert (!out_valid || (first == !place_q && last == place_q));
  end

endmodule : mvu_replay_properties

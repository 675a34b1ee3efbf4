// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// stream_fork gives every beat to each of three readers, once.

module stream_fork_properties (
  input logic       clk_i,
  input logic       in_valid_i,
  input logic [3:0] in_data_i,
  input logic [2:0] out_ready_i
);

  logic rst_n = 1'b0;
  always_ff @(posedge clk_i) rst_n <= 1'b1;

  logic in_ready, taken;
  logic [2:0] out_valid;
  logic [3:0] out_data;

  stream_fork #(.Width(4), .Outputs(3)) dut (
    .clk_i, .rst_ni(rst_n), .in_valid_i, .in_ready_o(in_ready), .in_data_i,
    .out_valid_o(out_valid), .out_ready_i, .out_data_o(out_data)
  );

  stream_assumed #(.Width(4)) in_source (
    .clk_i, .rst_ni(rst_n), .valid_i(in_valid_i), .ready_i(in_ready), .data_i(in_data_i)
  );

  logic [2:0] owed_q = '0;
  logic [3:0] data_q;
  assign taken = in_valid_i && in_ready;
  always_ff @(posedge clk_i) begin
    if (rst_n) owed_q <= taken ? '1 : owed_q & ~(out_valid & out_ready_i);
    if (taken) data_q <= in_data_i;
  end
  always_comb if (rst_n) begin
    each_once: assert (out_valid == owed_q);
    unchanged: assert (owed_q == '0 || out_data == data_q);
    taken_in_time: assert (in_ready == ((owed_q & ~out_ready_i) == '0));
  end

endmodule : stream_fork_properties

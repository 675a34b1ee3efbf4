// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// stream_select gives the pixels of the rows and columns that it keeps, and drops the rest at once.

module stream_select_properties (
  input logic       clk_i,
  input logic       in_valid_i,
  input logic [3:0] in_data_i,
  input logic       out_ready_i
);

  logic rst_n = 1'b0;
  always_ff @(posedge clk_i) rst_n <= 1'b1;

  logic in_ready, out_valid, taken, keep;
  logic [3:0] out_data;

  stream_select #(
    .Height(2), .Width(3), .Folds(2), .Bits(4), .Rows(2'b10), .Columns(3'b101)
  ) dut (
    .clk_i, .rst_ni(rst_n), .in_valid_i, .in_ready_o(in_ready), .in_data_i,
    .out_valid_o(out_valid), .out_ready_i, .out_data_o(out_data)
  );

  stream_assumed #(.Width(4)) in_source (
    .clk_i, .rst_ni(rst_n), .valid_i(in_valid_i), .ready_i(in_ready), .data_i(in_data_i)
  );

  logic [3:0] beat_q = '0;  // 0 to 11: (row * 3 + column) * 2 + fold
  assign taken = in_valid_i && in_ready;
  assign keep  = beat_q == 4'd6 || beat_q == 4'd7 || beat_q == 4'd10 || beat_q == 4'd11;
  always_ff @(posedge clk_i) begin
    if (rst_n && taken) beat_q <= (beat_q == 4'd11) ? '0 : beat_q + 4'd1;
  end
  one_place #(.Width(4)) place (
    .clk_i, .rst_ni(rst_n), .offered_i(in_valid_i && keep), .taken_i(taken && keep),
    .data_i(in_data_i),
    .out_valid_i(out_valid), .out_ready_i, .out_data_i(out_data)
  );

  always_comb if (rst_n) begin
    drops_at_once: assert (keep || in_ready);
  end

endmodule : stream_select_properties

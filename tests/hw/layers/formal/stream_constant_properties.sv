// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// stream_constant gives the words of its memory in turn, from either kind of memory.

module stream_constant_properties (
  input logic       clk_i,
  input logic [1:0] out_ready_i
);

  logic rst_n = 1'b0;
  always_ff @(posedge clk_i) rst_n <= 1'b1;

  for (genvar i = 0; i < 2; i++) begin : gen_kind
    logic out_valid;
    logic [3:0] out_data;
    stream_constant #(
      .Width(4), .Depth(3), .InitFile("words.dat"), .RamStyle(i ? "block" : "distributed")
    ) dut (
      .clk_i, .rst_ni(rst_n), .out_valid_o(out_valid), .out_ready_i(out_ready_i[i]),
      .out_data_o(out_data)
    );

    logic [1:0] word_q = '0;
    logic [1:0] cycle_q = '0;
    always_ff @(posedge clk_i) begin
      if (rst_n && out_valid && out_ready_i[i]) word_q <= (word_q == 2'd2) ? '0 : word_q + 2'd1;
      if (rst_n && cycle_q != 2'd3) cycle_q <= cycle_q + 2'd1;
    end
    always_comb if (rst_n) begin
      in_turn: assert (!out_valid || out_data == (word_q == 2'd0 ? 4'h9 : word_q == 2'd1 ? 4'h3 : 4'hc));
      every_cycle: assert (out_valid == (cycle_q > 2'(i)));
    end
  end

endmodule : stream_constant_properties

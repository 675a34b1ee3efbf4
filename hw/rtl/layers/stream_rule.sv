// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// The rule of every stream, as an assertion: a beat that is offered stays until it is taken.

module stream_rule #(
  parameter int unsigned Width = 8
) (
  input logic             clk_i,
  input logic             rst_ni,
  input logic             valid_i,
  input logic             ready_i,
  input logic [Width-1:0] data_i
);

  logic             waits_q;
  logic [Width-1:0] data_q;

  always_ff @(posedge clk_i) begin
    waits_q <= rst_ni && valid_i && !ready_i;
    data_q  <= data_i;
  end

  // Without |=> and $stable, which Yosys cannot read.
  beat_stays :
  assert property (@(posedge clk_i) disable iff (!rst_ni) !waits_q || (valid_i && data_i == data_q));

endmodule : stream_rule

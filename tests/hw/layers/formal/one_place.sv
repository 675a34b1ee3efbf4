// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// What a stream with one register owes: each beat that is taken is offered in the next cycle, alone
// and unchanged, until it is given; and a beat is taken when there is one and a place for it.

module one_place #(
  parameter int unsigned Width = 8
) (
  input logic             clk_i,
  input logic             rst_ni,
  input logic             offered_i,  // there is a beat for the register
  input logic             taken_i,
  input logic [Width-1:0] data_i,     // that the register should hold then
  input logic             out_valid_i,
  input logic             out_ready_i,
  input logic [Width-1:0] out_data_i
);

  logic             full_q = 1'b0;
  logic [Width-1:0] data_q;
  logic             free;
  assign free = !full_q || out_ready_i;

  always_ff @(posedge clk_i) begin
    full_q <= rst_ni && (taken_i || !free);
    if (taken_i) data_q <= data_i;
  end

  always_comb begin
    if (rst_ni) begin
      offered_alone: assert (out_valid_i == full_q);
      unchanged: assert (!full_q || out_data_i == data_q);
      taken_in_time: assert (taken_i == (offered_i && free));
    end
  end

endmodule : one_place

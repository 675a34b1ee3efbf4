// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// A register between two streams: it takes a beat when it is empty or hands its own on.
//
// Timing:  latency one cycle, one beat a cycle; in_ready_o depends on out_ready_i.

module stream_register #(
  parameter int unsigned Width = 8
) (
  input  logic             clk_i,
  input  logic             rst_ni,

  input  logic             in_valid_i,
  output logic             in_ready_o,
  input  logic [Width-1:0] in_data_i,

  output logic             out_valid_o,
  input  logic             out_ready_i,
  output logic [Width-1:0] out_data_o
);

  if (Width < 1) begin : gen_illegal_size
    $error("stream_register: Width must be at least 1");
  end

  logic             accept, out_valid_q;
  logic [Width-1:0] out_data_q;

  assign in_ready_o = !out_valid_q || out_ready_i;
  assign accept     = in_valid_i && in_ready_o;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) out_valid_q <= 1'b0;
    else if (in_ready_o) out_valid_q <= accept;  // not in_valid_i: one LUT for both registers
  end

  always_ff @(posedge clk_i) begin
    if (accept) out_data_q <= in_data_i;
  end

  assign out_valid_o = out_valid_q;
  assign out_data_o  = out_data_q;

  stream_rule #(.Width(Width)) rule (
    .clk_i, .rst_ni, .valid_i(out_valid_o), .ready_i(out_ready_i), .data_i(out_data_o)
  );

endmodule : stream_register

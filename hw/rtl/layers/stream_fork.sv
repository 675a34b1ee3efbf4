// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Hands every beat of a stream to each of several readers.
//
// Out:     stream i takes a beat with out_ready_i[i]; the data are the same for all. A reader may
//          be one beat ahead of another, no more: put a FIFO behind a stream that has to wait.
// Timing:  latency one cycle, one beat a cycle while every reader is ready.

module stream_fork #(
  parameter int unsigned Width   = 8,
  parameter int unsigned Outputs = 2
) (
  input  logic               clk_i,
  input  logic               rst_ni,

  input  logic               in_valid_i,
  output logic               in_ready_o,
  input  logic [Width-1:0]   in_data_i,

  output logic [Outputs-1:0] out_valid_o,
  input  logic [Outputs-1:0] out_ready_i,
  output logic [Width-1:0]   out_data_o
);

  if (Width < 1 || Outputs < 1) begin : gen_illegal_size
    $error("stream_fork: Width and Outputs must be at least 1");
  end

  logic [Outputs-1:0] waiting;  // streams that still hold the beat after this cycle
  logic accept;
  logic [Outputs-1:0] out_valid_q;
  logic [Width-1:0]   out_data_q;

  assign waiting    = out_valid_q & ~out_ready_i;
  assign in_ready_o = waiting == '0;
  assign accept     = in_valid_i && in_ready_o;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) out_valid_q <= '0;
    else out_valid_q <= accept ? '1 : waiting;
  end

  always_ff @(posedge clk_i) begin
    if (accept) out_data_q <= in_data_i;
  end

  assign out_valid_o = out_valid_q;
  assign out_data_o  = out_data_q;

  for (genvar i = 0; i < Outputs; i++) begin : gen_rule
    stream_rule #(.Width(Width)) rule (
      .clk_i, .rst_ni, .valid_i(out_valid_o[i]), .ready_i(out_ready_i[i]), .data_i(out_data_o)
    );
  end

endmodule : stream_fork

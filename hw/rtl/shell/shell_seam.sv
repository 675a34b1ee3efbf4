// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// A place in a stream where flip-flops can stand both ways: a queue of two beats and an output
// register if Registered, else wires.

module shell_seam #(
  parameter int unsigned Width      = 64,
  parameter bit          Registered = 1'b0
) (
  input  logic             clk_i,
  input  logic             rst_ni,
  input  logic             clear_i,

  input  logic             in_valid_i,
  output logic             in_ready_o,
  input  logic [Width-1:0] in_data_i,

  output logic             out_valid_o,
  input  logic             out_ready_i,
  output logic [Width-1:0] out_data_o
);

  if (Registered) begin : gen_queue
    shell_fifo #(
      .Width(Width),
      .Depth(2)
    ) u_fifo (
      .clk_i,
      .rst_ni,
      .clear_i,
      .in_valid_i,
      .in_ready_o,
      .in_data_i,
      .out_valid_o,
      .out_ready_i,
      .out_data_o
    );
  end else begin : gen_wires
    logic unused;
    assign out_valid_o = in_valid_i;
    assign in_ready_o  = out_ready_i;
    assign out_data_o  = in_data_i;
    assign unused      = ^{clk_i, rst_ni, clear_i};
  end

endmodule : shell_seam

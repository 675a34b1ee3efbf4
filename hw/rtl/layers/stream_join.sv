// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// One beat of each of several streams, all taken in the same cycle; without registers.
//
// The ready of a stream depends on the valid of the others, not on its own.

module stream_join #(
  parameter int unsigned Inputs = 2
) (
  input  logic [Inputs-1:0] in_valid_i,
  output logic [Inputs-1:0] in_ready_o,

  output logic              out_valid_o,
  input  logic              out_ready_i
);

  if (Inputs < 1) begin : gen_illegal_size
    $error("stream_join: Inputs must be at least 1");
  end

  for (genvar i = 0; i < Inputs; i++) begin : gen_input
    assign in_ready_o[i] = out_ready_i && &(in_valid_i | Inputs'(1) << i);
  end
  assign out_valid_o = &in_valid_i;

endmodule : stream_join

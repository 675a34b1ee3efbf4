// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Signals a cycle later if Registered, else wires.

module shell_stage #(
  parameter int unsigned Width      = 1,
  parameter bit          Registered = 1'b0
) (
  input  logic             clk_i,
  input  logic             rst_ni,
  input  logic [Width-1:0] data_i,
  output logic [Width-1:0] data_o
);

  if (Registered) begin : gen_register
    always_ff @(posedge clk_i) begin
      if (!rst_ni) data_o <= '0;
      else data_o <= data_i;
    end
  end else begin : gen_wires
    logic unused;
    assign data_o = data_i;
    assign unused = ^{clk_i, rst_ni};
  end

endmodule : shell_stage

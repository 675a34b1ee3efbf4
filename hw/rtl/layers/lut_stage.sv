// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// The marks of a beat (valid, first, last) past one stage of a pipeline; wires if not Present.

module lut_stage #(
  parameter bit Present = 1'b1
) (
  input  logic clk_i,
  input  logic rst_ni,
  input  logic advance_i,
  input  logic valid_i,
  input  logic first_i,
  input  logic last_i,
  output logic valid_o,
  output logic first_o,
  output logic last_o
);

  if (Present) begin : gen_registers
    always_ff @(posedge clk_i) begin
      if (!rst_ni) valid_o <= 1'b0;
      else if (advance_i) valid_o <= valid_i;
    end
    always_ff @(posedge clk_i) begin
      if (advance_i) begin
        first_o <= first_i;
        last_o  <= last_i;
      end
    end
  end else begin : gen_wires
    logic unused;
    assign valid_o = valid_i;
    assign first_o = first_i;
    assign last_o  = last_i;
    assign unused  = ^{clk_i, rst_ni, advance_i};
  end

endmodule : lut_stage

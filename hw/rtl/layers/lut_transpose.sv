// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Elements to bit planes: bit c of element r becomes bit r of plane c. Wires only.
//
// Layout:  in: element r in bits [r*Cols +: Cols]; out: plane c in bits [c*Rows +: Rows].

module lut_transpose #(
  parameter int unsigned Rows = 4,
  parameter int unsigned Cols = 2
) (
  input  logic [Rows*Cols-1:0] elements_i,
  output logic [Rows*Cols-1:0] planes_o
);

  always_comb begin
    for (int unsigned r = 0; r < Rows; r++) begin
      for (int unsigned c = 0; c < Cols; c++) planes_o[c*Rows+r] = elements_i[r*Cols+c];
    end
  end

endmodule : lut_transpose

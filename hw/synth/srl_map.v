// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// slang reads an indexed bit or word as $bmux; Yosys' extraction of shift registers knows one-bit
// $shiftx only. One $shiftx for each bit of the word.
module \$bmux (A, S, Y);
  parameter WIDTH = 1;
  parameter S_WIDTH = 1;
  input [(WIDTH << S_WIDTH)-1:0] A;
  input [S_WIDTH-1:0] S;
  output [WIDTH-1:0] Y;
  genvar i, j;
  generate
    for (i = 0; i < WIDTH; i = i + 1) begin : gen_bit
      wire [(1 << S_WIDTH)-1:0] column;
      for (j = 0; j < (1 << S_WIDTH); j = j + 1) begin : gen_word
        assign column[j] = A[j*WIDTH+i];
      end
      \$shiftx #(
        .A_SIGNED(0), .B_SIGNED(0), .A_WIDTH(1 << S_WIDTH), .B_WIDTH(S_WIDTH), .Y_WIDTH(1)
      ) pick (.A(column), .B(S), .Y(Y[i]));
    end
  endgenerate
endmodule

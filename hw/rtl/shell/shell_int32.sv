// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// A beat of results as int32 words, at once.
//
// beat_i:  Lanes values of ValueBits bits, the first in the lowest bits, padded to Bytes bytes;
//          two's complement if Signed.
// words_o: the values in the same order.

module shell_int32 #(
  parameter int unsigned Bytes     = 2,
  parameter int unsigned Lanes     = 1,
  parameter int unsigned ValueBits = 13,
  parameter bit          Signed    = 1'b1
) (
  // verilator lint_off UNUSEDSIGNAL
  input  logic [8*Bytes-1:0]  beat_i,  // padded
  // verilator lint_on UNUSEDSIGNAL
  output logic [32*Lanes-1:0] words_o
);

  if (ValueBits < 1 || ValueBits > 32 || Lanes * ValueBits > 8 * Bytes) begin : gen_illegal
    $error("shell_int32: Lanes=%0d of ValueBits=%0d do not fit Bytes=%0d", Lanes, ValueBits, Bytes);
  end

  for (genvar i = 0; i < Lanes; i++) begin : gen_lane
    logic [ValueBits-1:0] value;
    assign value = beat_i[ValueBits*i+:ValueBits];
    if (Signed) begin : gen_signed
      assign words_o[32*i+:32] = 32'(signed'(value));
    end else begin : gen_unsigned
      assign words_o[32*i+:32] = 32'(value);
    end
  end

endmodule : shell_int32

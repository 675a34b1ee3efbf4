// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// The memories of rom_library.txt as LUT6, MUXF7 and MUXF8, which 7-series and UltraScale+ share.

module \$__STEELFLOW_ROM64_ (PORT_R_ADDR, PORT_R_RD_DATA);
  parameter [63:0] INIT = 64'bx;
  input [5:0] PORT_R_ADDR;
  output PORT_R_RD_DATA;
  LUT6 #(.INIT(INIT)) word (
    .I0(PORT_R_ADDR[0]), .I1(PORT_R_ADDR[1]), .I2(PORT_R_ADDR[2]),
    .I3(PORT_R_ADDR[3]), .I4(PORT_R_ADDR[4]), .I5(PORT_R_ADDR[5]), .O(PORT_R_RD_DATA)
  );
endmodule

module \$__STEELFLOW_ROM128_ (PORT_R_ADDR, PORT_R_RD_DATA);
  parameter [127:0] INIT = 128'bx;
  input [6:0] PORT_R_ADDR;
  output PORT_R_RD_DATA;
  wire [1:0] half;
  genvar i;
  generate
    for (i = 0; i < 2; i = i + 1) begin : gen_half
      \$__STEELFLOW_ROM64_ #(.INIT(INIT[64*i +: 64])) words (
        .PORT_R_ADDR(PORT_R_ADDR[5:0]), .PORT_R_RD_DATA(half[i])
      );
    end
  endgenerate
  MUXF7 pick (.I0(half[0]), .I1(half[1]), .S(PORT_R_ADDR[6]), .O(PORT_R_RD_DATA));
endmodule

module \$__STEELFLOW_ROM256_ (PORT_R_ADDR, PORT_R_RD_DATA);
  parameter [255:0] INIT = 256'bx;
  input [7:0] PORT_R_ADDR;
  output PORT_R_RD_DATA;
  wire [1:0] half;
  genvar i;
  generate
    for (i = 0; i < 2; i = i + 1) begin : gen_half
      \$__STEELFLOW_ROM128_ #(.INIT(INIT[128*i +: 128])) words (
        .PORT_R_ADDR(PORT_R_ADDR[6:0]), .PORT_R_RD_DATA(half[i])
      );
    end
  endgenerate
  MUXF8 pick (.I0(half[0]), .I1(half[1]), .S(PORT_R_ADDR[7]), .O(PORT_R_RD_DATA));
endmodule

// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Cells of a placed ECP5 design that Yosys' library has no model of, or none that can be read:
// flip-flops are Yosys' own. Pins that a placed cell leaves to their multiplexers have been given
// constants, see _gates.py.

// A LUT of four inputs, half of a carry stage, or 16 bits of LUT RAM; and the multiplexer by which
// two of them are a LUT of five inputs, or two of these one of six. As Yosys' LUT4, CCU2C, PFUMX,
// L6MUX21 and TRELLIS_DPR16X4.
module TRELLIS_COMB(
  input A, B, C, D, M,
  input FCI, F1, FXA, FXB,
  input WD, WAD0, WAD1, WAD2, WAD3, WRE, WCK,
  output F, FCO, OFX
);
  parameter MODE = "LOGIC";
  parameter [15:0] INITVAL = 16'h0;
  parameter CCU2_INJECT1 = "NO";
  parameter WREMUX = "WRE";
  parameter IS_Z1 = 1'b0;
  generate
    if (MODE == "DPRAM") begin : gen_ram
      reg [15:0] ram;
      initial ram = INITVAL;
      always @(posedge WCK) if (WRE) ram[{WAD3, WAD2, WAD1, WAD0}] <= WD;
      assign F = ram[{A, C, B, D}];
      assign FCO = 1'b0;
    end else begin : gen_logic
      wire four;
      assign four = INITVAL >> {D, C, B, A};
      if (MODE == "CCU2") begin : gen_carry
        wire two;
        assign two = INITVAL[3:0] >> {B, A};
        assign F = four ^ (CCU2_INJECT1 == "YES" ? 1'b0 : FCI);
        assign FCO = four ? FCI : CCU2_INJECT1 == "YES" ? 1'b0 : two;
      end else begin : gen_lut
        assign F = four;
        assign FCO = 1'b0;
      end
    end
  endgenerate
  assign OFX = IS_Z1 ? (M ? FXB : FXA) : (M ? F1 : F);
endmodule

// The PLL as a wire: a simulation has one clock, which stands for the one that the PLL makes.
module EHXPLLL(
  input CLKI, CLKFB, PHASESEL1, PHASESEL0, PHASEDIR, PHASESTEP, PHASELOADREG,
  input STDBY, PLLWAKESYNC, RST, ENCLKOP,
  output CLKOP, LOCK
);
  parameter CLKI_DIV = 1;
  parameter CLKFB_DIV = 1;
  parameter CLKOP_DIV = 8;
  parameter CLKOP_CPHASE = 0;
  parameter CLKOP_FPHASE = 0;
  parameter CLKOP_ENABLE = "ENABLED";
  parameter FEEDBK_PATH = "CLKOP";
  parameter PLLRST_ENA = "DISABLED";
  parameter INTFB_WAKE = "DISABLED";
  parameter STDBY_ENABLE = "DISABLED";
  parameter DPHASE_SOURCE = "DISABLED";
  parameter OUTDIVIDER_MUXA = "DIVA";
  assign CLKOP = CLKI;
  assign LOCK = 1'b1;
endmodule

// A global clock buffer.
module DCCA(input CLKI, CE, output CLKO);
  assign CLKO = CLKI;
endmodule

// Write port of a LUT RAM: as in Project Trellis' slices, WAD and WD by way of the LUTs' inputs.
module TRELLIS_RAMW(
  input A0, B0, C0, D0, A1, B1, C1, D1,
  output WDO0, WDO1, WDO2, WDO3, WADO0, WADO1, WADO2, WADO3
);
  assign {WDO3, WDO2, WDO1, WDO0} = {B1, D1, A1, C1};
  assign {WADO3, WADO2, WADO1, WADO0} = {A0, C0, B0, D0};
endmodule

// 18 kbit block RAM, two ports of 1 to 18 bits, or one to write and one to read with 36: words of
// 9 bits, of which widths 1 to 4 use eight. The 36 bits of the writing port are {DIB, DIA}, those
// of the reading one, B, {DOB, DOA}. The upper half of a word narrower than 36 read so is at DOB.
module DP16KD(
  input DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9,
  input DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0,
  input ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0,
  input CEA, OCEA, CLKA, WEA, RSTA, CSA2, CSA1, CSA0,
  output DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9,
  output DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2, DOA1, DOA0,
  input DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9,
  input DIB8, DIB7, DIB6, DIB5, DIB4, DIB3, DIB2, DIB1, DIB0,
  input ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0,
  input CEB, OCEB, CLKB, WEB, RSTB, CSB2, CSB1, CSB0,
  output DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9,
  output DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2, DOB1, DOB0
);
  parameter DATA_WIDTH_A = 18;
  parameter DATA_WIDTH_B = 18;
  parameter REGMODE_A = "NOREG";
  parameter REGMODE_B = "NOREG";
  parameter WRITEMODE_A = "NORMAL";
  parameter WRITEMODE_B = "NORMAL";
  parameter RESETMODE = "SYNC";
  parameter ASYNC_RESET_RELEASE = "SYNC";
  parameter CSDECODE_A = "0b000";
  parameter CSDECODE_B = "0b000";
  parameter GSR = "DISABLED";
  parameter [18431:0] CONTENTS = 18432'd0;  // INITVAL_*, joined

  localparam Wide = DATA_WIDTH_A == 36 || DATA_WIDTH_B == 36;

  // Bits of a word that starts at unit u: 9 * u + 8 down to 9 * u.
  reg [8:0] memory [0:2047];
  integer i;
  initial for (i = 0; i < 2048; i = i + 1) memory[i] = CONTENTS[9*i +: 9];

  wire [13:0] ada = {ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0};
  wire [13:0] adb = {ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0};
  wire [17:0] dia = {DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9,
                     DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2, DIA1, DIA0};
  wire [17:0] dib = {DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9,
                     DIB8, DIB7, DIB6, DIB5, DIB4, DIB3, DIB2, DIB1, DIB0};
  wire active_a = CEA && {CSA2, CSA1, CSA0} == 3'b000;
  wire active_b = CEB && {CSB2, CSB1, CSB0} == 3'b000;
  wire [13:0] unit_a = DATA_WIDTH_A == 36 ? {3'b000, ada[13:5], 2'b00} :
                       DATA_WIDTH_A == 18 ? {3'b000, ada[13:4], 1'b0} : {3'b000, ada[13:3]};
  wire [13:0] unit_b = DATA_WIDTH_B == 36 ? {3'b000, adb[13:5], 2'b00} :
                       DATA_WIDTH_B == 18 ? {3'b000, adb[13:4], 1'b0} : {3'b000, adb[13:3]};

  // What is at an address, in the lowest bits.
  wire [35:0] word_a = {memory[unit_a[10:0] | 11'd3], memory[unit_a[10:0] | 11'd2],
                        memory[unit_a[10:0] | 11'd1], memory[unit_a[10:0]]};
  wire [35:0] word_b = {memory[unit_b[10:0] | 11'd3], memory[unit_b[10:0] | 11'd2],
                        memory[unit_b[10:0] | 11'd1], memory[unit_b[10:0]]};
  wire [2:0] low_a = DATA_WIDTH_A == 4 ? {ada[2], 2'b00} : DATA_WIDTH_A == 2 ? {ada[2:1], 1'b0} :
                     DATA_WIDTH_A == 1 ? ada[2:0] : 3'd0;
  wire [2:0] low_b = DATA_WIDTH_B == 4 ? {adb[2], 2'b00} : DATA_WIDTH_B == 2 ? {adb[2:1], 1'b0} :
                     DATA_WIDTH_B == 1 ? adb[2:0] : 3'd0;
  localparam [8:0] MaskA = DATA_WIDTH_A == 4 ? 9'h00F : DATA_WIDTH_A == 2 ? 9'h003 :
                           DATA_WIDTH_A == 1 ? 9'h001 : 9'h1FF;
  localparam [8:0] MaskB = DATA_WIDTH_B == 4 ? 9'h00F : DATA_WIDTH_B == 2 ? 9'h003 :
                           DATA_WIDTH_B == 1 ? 9'h001 : 9'h1FF;

  wire [8:0] keep_a = ~(MaskA << low_a), keep_b = ~(MaskB << low_b);
  wire write_a = active_a && WEA, write_b = active_b && WEB;
  wire [8:0] new_a = word_a[8:0] & keep_a | (dia[8:0] & MaskA) << low_a;
  wire [8:0] new_b = word_b[8:0] & keep_b | (dib[8:0] & MaskB) << low_b;

  generate
    if (DATA_WIDTH_A < 18) begin : gen_narrow_a
      always @(posedge CLKA) if (write_a) memory[unit_a[10:0]] <= new_a;
    end else begin : gen_wide_a
      always @(posedge CLKA) if (write_a && ada[0]) memory[unit_a[10:0]] <= dia[8:0];
      always @(posedge CLKA) if (write_a && ada[1]) memory[unit_a[10:0] | 11'd1] <= dia[17:9];
    end
    if (DATA_WIDTH_A == 36) begin : gen_widest_a
      always @(posedge CLKA) if (write_a && ada[2]) memory[unit_a[10:0] | 11'd2] <= dib[8:0];
      always @(posedge CLKA) if (write_a && ada[3]) memory[unit_a[10:0] | 11'd3] <= dib[17:9];
    end
    if (DATA_WIDTH_B < 18) begin : gen_narrow_b
      always @(posedge CLKB) if (write_b) memory[unit_b[10:0]] <= new_b;
    end else if (DATA_WIDTH_B == 18) begin : gen_wide_b
      always @(posedge CLKB) if (write_b && adb[0]) memory[unit_b[10:0]] <= dib[8:0];
      always @(posedge CLKB) if (write_b && adb[1]) memory[unit_b[10:0] | 11'd1] <= dib[17:9];
    end
  endgenerate

  reg [17:0] a_q, a2_q;
  reg [35:0] b_q, b2_q;
  wire [17:0] a_old = word_a[17:0] >> low_a, a_new = DATA_WIDTH_A == 18 ? dia : {9'd0, new_a} >> low_a;
  wire [35:0] b_old = word_b >> low_b, b_new = DATA_WIDTH_B == 18 ? {18'd0, dib} : {27'd0, new_b} >> low_b;
  initial {a_q, a2_q, b_q, b2_q} = 108'd0;
  generate
    if (RESETMODE == "ASYNC") begin : gen_async
      always @(posedge CLKA or posedge RSTA) begin
        if (RSTA) a_q <= 18'd0;
        else if (active_a && (!WEA || WRITEMODE_A != "NORMAL")) begin
          a_q <= WEA && WRITEMODE_A == "WRITETHROUGH" ? a_new : a_old;
        end
      end
      always @(posedge CLKB or posedge RSTB) begin
        if (RSTB) b_q <= 36'd0;
        else if (active_b && (!WEB || WRITEMODE_B != "NORMAL")) begin
          b_q <= WEB && WRITEMODE_B == "WRITETHROUGH" ? b_new : b_old;
        end
      end
    end else begin : gen_sync
      always @(posedge CLKA) begin
        if (RSTA) a_q <= 18'd0;
        else if (active_a && (!WEA || WRITEMODE_A != "NORMAL")) begin
          a_q <= WEA && WRITEMODE_A == "WRITETHROUGH" ? a_new : a_old;
        end
      end
      always @(posedge CLKB) begin
        if (RSTB) b_q <= 36'd0;
        else if (active_b && (!WEB || WRITEMODE_B != "NORMAL")) begin
          b_q <= WEB && WRITEMODE_B == "WRITETHROUGH" ? b_new : b_old;
        end
      end
    end
  endgenerate
  always @(posedge CLKA) if (OCEA) a2_q <= a_q;
  always @(posedge CLKB) if (OCEB) b2_q <= b_q;
  wire [17:0] a = REGMODE_A == "OUTREG" ? a2_q : a_q;
  wire [35:0] b = REGMODE_B == "OUTREG" ? b2_q : b_q;

  wire [17:0] doa = Wide ? b[17:0] : a;
  wire [17:0] dob = DATA_WIDTH_B == 36 ? b[35:18] : b[17:0];
  assign {DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9,
          DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2, DOA1, DOA0} = doa;
  assign {DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9,
          DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2, DOB1, DOB0} = dob;
endmodule

// 18 by 18 bit multiplier without registers: Yosys asks for none, and a cell that has them is refused
// for its parameters. SOURCE is high for operands of a neighbour.
module MULT18X18D(
  input A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0,
  input B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0,
  input SIGNEDA, SIGNEDB, SOURCEA, SOURCEB,
  output P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18,
  output P17, P16, P15, P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0
);
  wire signed [18:0] a = {SIGNEDA && A17, A17, A16, A15, A14, A13, A12, A11, A10, A9,
                          A8, A7, A6, A5, A4, A3, A2, A1, A0};
  wire signed [18:0] b = {SIGNEDB && B17, B17, B16, B15, B14, B13, B12, B11, B10, B9,
                          B8, B7, B6, B5, B4, B3, B2, B1, B0};
  wire signed [35:0] product = SOURCEA || SOURCEB ? 36'sbx : a * b;
  assign {P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18,
          P17, P16, P15, P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0} = product;
endmodule

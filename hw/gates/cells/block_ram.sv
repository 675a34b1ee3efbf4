// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// RAMB18E1 and RAMB36E1 (Big) of Xilinx' 7 series, after UG473: two ports, or one that reads (A)
// and one that writes (B) of twice the width. Without output registers, cascades, inverted pins and
// error correction; gates.py refuses these. Words of nine bits, of which widths 1 to 4 use eight.
// A word written and read at the same time by different ports reads as the old one.

module block_ram #(
  parameter bit BIG = 0,
  parameter RAM_MODE = "TDP",
  parameter int READ_WIDTH_A = 0,
  parameter int READ_WIDTH_B = 0,
  parameter int WRITE_WIDTH_A = 0,
  parameter int WRITE_WIDTH_B = 0,
  parameter WRITE_MODE_A = "WRITE_FIRST",
  parameter WRITE_MODE_B = "WRITE_FIRST",
  parameter logic [35:0] INIT_A = '0,
  parameter logic [35:0] INIT_B = '0,
  parameter logic [35:0] SRVAL_A = '0,
  parameter logic [35:0] SRVAL_B = '0,
  parameter logic [(BIG ? 36864 : 18432)-1:0] CONTENTS = '0
) (
  input logic CLKARDCLK, CLKBWRCLK, ENARDEN, ENBWREN, RSTRAMARSTRAM, RSTRAMB,
  input logic [(BIG ? 16 : 14)-1:0] ADDRARDADDR, ADDRBWRADDR,
  input logic [(BIG ? 32 : 16)-1:0] DIADI, DIBDI,
  input logic [(BIG ? 4 : 2)-1:0] DIPADIP, DIPBDIP, WEA,
  input logic [(BIG ? 8 : 4)-1:0] WEBWE,
  output logic [(BIG ? 32 : 16)-1:0] DOADO, DOBDO,
  output logic [(BIG ? 4 : 2)-1:0] DOPADOP, DOPBDOP
);
  localparam int Half = BIG ? 4 : 2;  // bytes of a port
  localparam int Bytes = BIG ? 4096 : 2048;
  localparam int AddressBits = BIG ? 15 : 14;
  localparam bit Simple = RAM_MODE == "SDP";

  logic [8:0] memory [Bytes];
  initial for (int i = 0; i < Bytes; i++) memory[i] = CONTENTS[9*i +: 9];

  // Bytes that a port of this width sees at once, and the first one of an address.
  function automatic int lanes(int width);
    return width < 9 ? 1 : width / 9;
  endfunction
  function automatic int first(logic [AddressBits-1:0] address, int width);
    return int'(address >> 3) & ~(lanes(width) - 1);
  endfunction

  // What is at an address: nine bits a lane; narrow words in the lowest bits.
  function automatic logic [71:0] fetch(logic [AddressBits-1:0] address, int width);
    logic [71:0] word;
    word = '0;
    if (width == 0) return word;
    for (int i = 0; i < lanes(width); i++) word[9*i +: 9] = memory[first(address, width) + i];
    if (width < 9) word = (word >> (address[2:0] & ~3'(width - 1))) & ((72'd1 << width) - 72'd1);
    return word;
  endfunction

  // A byte after a write of its lane `i`.
  function automatic logic [8:0] written(
    logic [8:0] old, logic [71:0] data, int i, logic [AddressBits-1:0] address, int width
  );
    logic [8:0] mask;
    if (width >= 9) return data[9*i +: 9];
    mask = 9'((1 << width) - 1) << (address[2:0] & ~3'(width - 1));
    return (old & ~mask) | ((data[8:0] << (address[2:0] & ~3'(width - 1))) & mask);
  endfunction

  // {parity, data} as ports have them, to nine bits a byte and back.
  function automatic logic [71:0] joined(logic [7:0] parity, logic [63:0] data);
    for (int i = 0; i < 8; i++) joined[9*i +: 9] = {parity[i], data[8*i +: 8]};
  endfunction
  function automatic logic [71:0] reset(logic [35:0] a, logic [35:0] b, int width);
    logic [35:0] low;
    low = width >= 18 ? value(a, width > 9 * Half ? Half : lanes(width)) : a;
    reset = {36'd0, low};
    if (width > 9 * Half) reset |= {36'd0, value(b, Half)} << (9 * Half);
  endfunction
  function automatic logic [35:0] value(logic [35:0] from, int count);
    value = '0;
    for (int i = 0; i < count; i++) value[9*i +: 9] = {from[8*count + i], from[8*i +: 8]};
  endfunction

  wire [AddressBits-1:0] address_a = ADDRARDADDR[AddressBits-1:0];
  wire [AddressBits-1:0] address_b = ADDRBWRADDR[AddressBits-1:0];
  wire [71:0] data_a = joined(8'(DIPADIP), 64'(DIADI));
  wire [71:0] low_b = joined(8'(DIPBDIP), 64'(DIBDI));
  wire [71:0] data_b = Simple && WRITE_WIDTH_B > 9 * Half ? data_a | low_b << (9 * Half) : low_b;
  wire writes_a = ENARDEN && !Simple && WRITE_WIDTH_A != 0;
  wire writes_b = ENBWREN && WRITE_WIDTH_B != 0;

  logic [71:0] a_q = reset(INIT_A, INIT_B, READ_WIDTH_A);
  logic [71:0] b_q = reset(INIT_B, '0, READ_WIDTH_B);

  always_ff @(posedge CLKARDCLK) begin
    if (ENARDEN) begin
      if (RSTRAMARSTRAM) a_q <= reset(SRVAL_A, SRVAL_B, READ_WIDTH_A);
      else if (!(writes_a && WEA[0]) || WRITE_MODE_A == "READ_FIRST") begin
        a_q <= fetch(address_a, READ_WIDTH_A);
      end else if (WRITE_MODE_A == "WRITE_FIRST") a_q <= data_a;
    end
    if (writes_a) begin
      for (int i = 0; i < lanes(WRITE_WIDTH_A); i++) begin
        if (WEA[i]) begin
          memory[first(address_a, WRITE_WIDTH_A) + i] <=
            written(memory[first(address_a, WRITE_WIDTH_A) + i], data_a, i, address_a, WRITE_WIDTH_A);
        end
      end
    end
  end

  always_ff @(posedge CLKBWRCLK) begin
    if (ENBWREN && !Simple) begin
      if (RSTRAMB) b_q <= reset(SRVAL_B, '0, READ_WIDTH_B);
      else if (!(writes_b && WEBWE[0]) || WRITE_MODE_B == "READ_FIRST") begin
        b_q <= fetch(address_b, READ_WIDTH_B);
      end else if (WRITE_MODE_B == "WRITE_FIRST") b_q <= data_b;
    end
    if (writes_b) begin
      for (int i = 0; i < lanes(WRITE_WIDTH_B); i++) begin
        if (WEBWE[i]) begin
          memory[first(address_b, WRITE_WIDTH_B) + i] <=
            written(memory[first(address_b, WRITE_WIDTH_B) + i], data_b, i, address_b, WRITE_WIDTH_B);
        end
      end
    end
  end

  wire [71:0] out_b = Simple ? a_q >> (9 * Half) : b_q;
  for (genvar i = 0; i < Half; i++) begin : gen_bytes
    assign {DOPADOP[i], DOADO[8*i +: 8]} = a_q[9*i +: 9];
    assign {DOPBDOP[i], DOBDO[8*i +: 8]} = out_b[9*i +: 9];
  end

endmodule : block_ram

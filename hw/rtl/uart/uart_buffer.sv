// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Images between the receiver and the accelerator: Slots of them, each handed on once it is whole.
//
// write_i puts a byte into the slot that is being filled, commit_i closes it; both are for when
// room_o has been high since the image began. What was written of a slot and never committed is overwritten.
// out_*: the bytes of committed images in order; out_first_o marks an image's first byte.

module uart_buffer #(
  parameter int unsigned FrameBytes = 64,
  parameter int unsigned Slots      = 4,  // a power of two, at least 2
  localparam int unsigned ByteBits  = (FrameBytes > 1) ? $clog2(FrameBytes) : 1
) (
  input  logic                clk_i,
  input  logic                rst_ni,

  output logic                room_o,
  input  logic                write_i,
  input  logic [ByteBits-1:0] byte_i,
  input  logic [7:0]          data_i,
  input  logic                commit_i,

  output logic                out_valid_o,
  input  logic                out_ready_i,
  output logic [7:0]          out_data_o,
  output logic                out_first_o
);

  if (Slots < 2 || 2 ** $clog2(Slots) != Slots) begin : gen_illegal_slots
    $error("uart_buffer: Slots=%0d must be a power of two, at least 2", Slots);
  end

  localparam int unsigned SlotBits = $clog2(Slots);
  typedef logic [SlotBits-1:0] slot_t;
  localparam logic [ByteBits-1:0] LastByte = ByteBits'(FrameBytes - 1);

  logic [7:0] memory [2 ** (SlotBits + ByteBits)];
  logic [7:0] word_q;
  slot_t write_q, read_q;
  logic [SlotBits:0] filled_q;  // slots that are committed and not read to their end
  logic [ByteBits-1:0] byte_q;
  logic valid_q, first_q, step, pop, last;

  assign room_o      = filled_q != (SlotBits + 1)'(Slots);
  assign out_valid_o = valid_q;
  assign out_data_o  = word_q;
  assign out_first_o = first_q;
  assign step        = !valid_q || out_ready_i;
  assign pop         = filled_q != '0 && step;
  assign last        = pop && byte_q == LastByte;

  always_ff @(posedge clk_i) begin
    if (write_i) memory[{write_q, byte_i}] <= data_i;
    if (step) word_q <= memory[{read_q, byte_q}];
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      write_q  <= '0;
      read_q   <= '0;
      filled_q <= '0;
      byte_q   <= '0;
      valid_q  <= 1'b0;
    end else begin
      if (commit_i) write_q <= write_q + 1'b1;
      if (last) read_q <= read_q + 1'b1;
      if (commit_i != last) filled_q <= commit_i ? filled_q + 1'b1 : filled_q - 1'b1;
      if (pop) byte_q <= last ? '0 : byte_q + 1'b1;
      if (step) valid_q <= pop;
      if (step) first_q <= byte_q == '0;
    end
  end

endmodule : uart_buffer

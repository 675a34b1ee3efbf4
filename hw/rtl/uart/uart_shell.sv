// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// An accelerator behind a UART: images in, results out, by the frames of uart_pkg.
//
// Streams: acc_* as kernel_shell has them. Results leave as int32, sign-extended if Signed.
// Images are buffered whole, and only what came undamaged reaches the accelerator, so that it needs
// no reset but that of power-up. At most Slots images are held from the line to the answer's end;
// the host has no more unanswered. Cycles count while the accelerator has an image, fed by a byte a
// cycle.

module uart_shell
  import uart_pkg::*;
#(
  parameter int unsigned  ClockHz       = 60_000_000,
  parameter int unsigned  Baud          = 3_000_000,
  parameter int unsigned  InBytes       = 1,
  parameter int unsigned  InFrameBeats  = 64,
  parameter int unsigned  OutBytes      = 2,
  parameter int unsigned  OutFrameBeats = 10,
  parameter int unsigned  Lanes         = 1,
  parameter int unsigned  ValueBits     = 13,
  parameter bit           Signed        = 1'b1,
  parameter int unsigned  Slots         = 4,
  parameter logic [127:0] Digest        = '0
) (
  input  logic                  clk_i,
  input  logic                  rst_ni,
  input  logic                  rx_i,
  output logic                  tx_o,
  output logic                  busy_o,     // the accelerator has an image
  output logic                  dropped_o,  // some request was, since reset

  output logic                  acc_in_valid_o,
  input  logic                  acc_in_ready_i,
  output logic [8*InBytes-1:0]  acc_in_data_o,
  input  logic                  acc_out_valid_i,
  output logic                  acc_out_ready_o,
  input  logic [8*OutBytes-1:0] acc_out_data_i
);

  localparam int unsigned FrameBytes  = InBytes * InFrameBeats;
  localparam int unsigned ResultBytes = 4 * Lanes * OutFrameBeats;
  localparam int unsigned IdleCycles  = ClockHz / 10;
  localparam int unsigned ByteBits    = (FrameBytes > 1) ? $clog2(FrameBytes) : 1;
  localparam int unsigned SlotBits    = $clog2(Slots);

  logic       rx_valid, rx_broken, tx_valid, tx_ready;
  logic [7:0] rx_data, tx_data;

  uart_rx #(
    .ClockHz(ClockHz),
    .Baud   (Baud)
  ) u_rx (
    .clk_i,
    .rst_ni,
    .rx_i,
    .valid_o (rx_valid),
    .data_o  (rx_data),
    .broken_o(rx_broken)
  );

  uart_tx #(
    .ClockHz(ClockHz),
    .Baud   (Baud)
  ) u_tx (
    .clk_i,
    .rst_ni,
    .valid_i(tx_valid),
    .ready_o(tx_ready),
    .data_i (tx_data),
    .tx_o
  );

  logic                room, buffer_room, write, infer, identify, dropped;
  logic [ByteBits-1:0] write_byte;
  logic [7:0]          write_data;
  logic [15:0]         sequence_number;

  uart_receiver #(
    .FrameBytes(FrameBytes),
    .IdleCycles(IdleCycles)
  ) u_receiver (
    .clk_i,
    .rst_ni,
    .rx_valid_i    (rx_valid),
    .rx_data_i     (rx_data),
    .rx_broken_i   (rx_broken),
    .room_i        (room),
    .buffer_write_o(write),
    .buffer_byte_o (write_byte),
    .buffer_data_o (write_data),
    .infer_o       (infer),
    .identify_o    (identify),
    .sequence_o    (sequence_number),
    .dropped_o     (dropped)
  );

  logic       byte_valid, byte_ready, byte_first;
  logic [7:0] byte_data;

  uart_buffer #(
    .FrameBytes(FrameBytes),
    .Slots     (Slots)
  ) u_buffer (
    .clk_i,
    .rst_ni,
    .room_o     (buffer_room),
    .write_i    (write),
    .byte_i     (write_byte),
    .data_i     (write_data),
    .commit_i   (infer),
    .out_valid_o(byte_valid),
    .out_ready_i(byte_ready),
    .out_data_o (byte_data),
    .out_first_o(byte_first)
  );

  // verilator lint_off PINCONNECTEMPTY
  shell_resize #(
    .InBytes (1),
    .OutBytes(InBytes)
  ) u_widen (
    .clk_i,
    .rst_ni,
    .clear_i    (1'b0),
    .flush_i    (1'b0),
    .in_valid_i (byte_valid),
    .in_ready_o (byte_ready),
    .in_data_i  (byte_data),
    .out_valid_o(acc_in_valid_o),
    .out_ready_i(acc_in_ready_i),
    .out_data_o (acc_in_data_o),
    .out_keep_o (),
    .out_last_o ()
  );

  // Results: one byte a cycle into a queue, from where the line takes them.
  logic [32*Lanes-1:0] words;
  shell_int32 #(
    .Bytes    (OutBytes),
    .Lanes    (Lanes),
    .ValueBits(ValueBits),
    .Signed   (Signed)
  ) u_words (
    .beat_i (acc_out_data_i),
    .words_o(words)
  );

  logic       narrow_valid, narrow_ready, result_valid, result_ready;
  logic [7:0] narrow_data, result_data;

  shell_resize #(
    .InBytes (4 * Lanes),
    .OutBytes(1)
  ) u_narrow (
    .clk_i,
    .rst_ni,
    .clear_i    (1'b0),
    .flush_i    (1'b0),
    .in_valid_i (acc_out_valid_i),
    .in_ready_o (acc_out_ready_o),
    .in_data_i  (words),
    .out_valid_o(narrow_valid),
    .out_ready_i(narrow_ready),
    .out_data_o (narrow_data),
    .out_keep_o (),
    .out_last_o ()
  );
  // verilator lint_on PINCONNECTEMPTY

  shell_fifo #(
    .Width(8),
    .Depth(2 ** $clog2(2 * ResultBytes))
  ) u_results (
    .clk_i,
    .rst_ni,
    .clear_i    (1'b0),
    .in_valid_i (narrow_valid),
    .in_ready_o (narrow_ready),
    .in_data_i  (narrow_data),
    .out_valid_o(result_valid),
    .out_ready_i(result_ready),
    .out_data_o (result_data)
  );

  // What is known of the images on the board, in their order.
  logic [15:0] sequences [Slots];
  logic [31:0] cycles [Slots];
  logic [SlotBits-1:0] newest_q, done_q, oldest_q;
  logic [SlotBits:0]   held_q;    // images on the board
  logic [SlotBits:0]   inside_q;  // in the accelerator
  logic [31:0]         busy_q;
  logic [15:0]         dropped_q;
  logic                entered, left, sent;

  localparam int unsigned BeatBits = (OutFrameBeats > 1) ? $clog2(OutFrameBeats) : 1;
  logic [BeatBits-1:0] beat_q;
  logic out_moved;

  assign room      = buffer_room && held_q != (SlotBits + 1)'(Slots);
  assign entered   = byte_valid && byte_ready && byte_first;
  assign out_moved = acc_out_valid_i && acc_out_ready_o;
  assign left      = out_moved && beat_q == BeatBits'(OutFrameBeats - 1);
  assign busy_o    = inside_q != '0;
  assign dropped_o = dropped_q != '0;

  always_ff @(posedge clk_i) begin
    if (infer) sequences[newest_q] <= sequence_number;
    if (left) cycles[done_q] <= busy_q;
    if (!rst_ni) begin
      newest_q  <= '0;
      done_q    <= '0;
      oldest_q  <= '0;
      held_q    <= '0;
      inside_q  <= '0;
      beat_q    <= '0;
      busy_q    <= 32'd1;
      dropped_q <= '0;
    end else begin
      if (infer) newest_q <= newest_q + 1'b1;
      if (left) done_q <= done_q + 1'b1;
      if (sent) oldest_q <= oldest_q + 1'b1;
      if (infer != sent) held_q <= infer ? held_q + 1'b1 : held_q - 1'b1;
      if (entered != left) inside_q <= entered ? inside_q + 1'b1 : inside_q - 1'b1;
      if (out_moved) beat_q <= left ? '0 : beat_q + 1'b1;
      if (left) busy_q <= 32'd1;
      else if (busy_o) busy_q <= busy_q + 1'b1;
      if (dropped && dropped_q != '1) dropped_q <= dropped_q + 1'b1;
    end
  end

  uart_sender #(
    .ResultBytes(ResultBytes)
  ) u_sender (
    .clk_i,
    .rst_ni,
    .identify_i         (identify),
    .identify_sequence_i(sequence_number),
    .identity_i         ({16'd0, dropped_q, 32'(Slots), 32'(Baud), 32'(ClockHz), 32'(ResultBytes),
                          32'(FrameBytes), Digest, Version, Magic}),
    .result_valid_i     (result_valid),
    .result_ready_o     (result_ready),
    .result_data_i      (result_data),
    .result_sequence_i  (sequences[oldest_q]),
    .cycles_i           (cycles[oldest_q]),
    .sent_o             (sent),
    .tx_valid_o         (tx_valid),
    .tx_ready_i         (tx_ready),
    .tx_data_o          (tx_data)
  );

endmodule : uart_shell

// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Packs the accelerator's results to memory beats, each value as an int32.
//
// In:      frames_i frames of FrameBeats beats; a beat holds Lanes values of ValueBits bits, the
//          first in the lowest bits, padded to StreamBytes bytes; two's complement if Signed.
// Out:     the values in that order as 32-bit little-endian words, the last beat with out_last_o
//          and with only its words kept.
// frame_done_o: with a frame's last beat. blocked_o: a beat waits for memory.
// start_i drops what is held and takes frames_i; stop_i drops it and ends the run.

module shell_collector #(
  parameter int unsigned DataBytes   = 8,
  parameter int unsigned StreamBytes = 2,
  parameter int unsigned FrameBeats  = 10,
  parameter int unsigned Lanes       = 1,
  parameter int unsigned ValueBits   = 13,
  parameter bit          Signed      = 1'b1,
  parameter bit          Registered  = 1'b0  // a flip-flop says whether frames are left
) (
  input  logic                     clk_i,
  input  logic                     rst_ni,

  input  logic                     start_i,
  input  logic [31:0]              frames_i,
  input  logic                     stop_i,
  output logic                     frame_done_o,
  output logic                     blocked_o,
  output logic                     moved_o,

  input  logic                     in_valid_i,
  output logic                     in_ready_o,
  input  logic [8*StreamBytes-1:0] in_data_i,

  output logic                     out_valid_o,
  input  logic                     out_ready_i,
  output logic [8*DataBytes-1:0]   out_data_o,
  output logic [DataBytes-1:0]     out_keep_o,
  output logic                     out_last_o
);

  localparam int unsigned BeatBits = (FrameBeats > 1) ? $clog2(FrameBeats) : 1;
  typedef logic [BeatBits-1:0] beat_t;
  localparam beat_t LastBeat = beat_t'(FrameBeats - 1);

  logic [31:0] left_q;
  beat_t       beat_q;
  logic        running, resize_ready;

  if (Registered) begin : gen_flag
    logic running_q;
    always_ff @(posedge clk_i) begin
      if (!rst_ni || stop_i) running_q <= 1'b0;
      else if (start_i) running_q <= frames_i != '0;
      else if (frame_done_o && left_q == 32'd1) running_q <= 1'b0;
    end
    assign running = running_q;
  end else begin : gen_count
    assign running = left_q != '0;
  end

  assign in_ready_o   = resize_ready && running && !start_i;
  assign moved_o      = in_valid_i && in_ready_o;
  assign blocked_o    = in_valid_i && running && !resize_ready;
  assign frame_done_o = moved_o && beat_q == LastBeat;

  always_ff @(posedge clk_i) begin
    if (!rst_ni || stop_i) begin
      left_q <= '0;
      beat_q <= '0;
    end else if (start_i) begin
      left_q <= frames_i;
      beat_q <= '0;
    end else if (moved_o) begin
      beat_q <= (beat_q == LastBeat) ? '0 : beat_q + 1'b1;
      if (frame_done_o) left_q <= left_q - 1'b1;
    end
  end

  logic [32*Lanes-1:0] words;
  shell_int32 #(
    .Bytes    (StreamBytes),
    .Lanes    (Lanes),
    .ValueBits(ValueBits),
    .Signed   (Signed)
  ) u_words (
    .beat_i (in_data_i),
    .words_o(words)
  );

  // A run's results leave in one stream of words; behind the last one it is flushed.
  logic begun_q;
  always_ff @(posedge clk_i) begin
    if (!rst_ni || stop_i) begun_q <= 1'b0;
    else if (start_i) begun_q <= frames_i != '0;
  end

  shell_resize #(
    .InBytes (4 * Lanes),
    .OutBytes(DataBytes)
  ) u_resize (
    .clk_i,
    .rst_ni,
    .clear_i    (start_i || stop_i),
    .flush_i    (begun_q && !running),
    .in_valid_i (in_valid_i && running && !start_i),
    .in_ready_o (resize_ready),
    .in_data_i  (words),
    .out_valid_o,
    .out_ready_i,
    .out_data_o,
    .out_keep_o,
    .out_last_o
  );

endmodule : shell_collector

// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Hands the frames of a run from memory beats to the accelerator, and nothing behind them.
//
// In:      memory beats of DataBytes bytes.
// Out:     frames_i frames of FrameBeats beats of StreamBytes bytes; the bytes of the last memory
//          beat that are no frame's are never offered.
// starved_o: the accelerator could take a beat that memory has not brought yet.
// start_i drops what is held and takes frames_i; stop_i drops it and ends the run.

module shell_feeder #(
  parameter int unsigned DataBytes   = 8,
  parameter int unsigned StreamBytes = 1,
  parameter int unsigned FrameBeats  = 784,
  parameter bit          Registered  = 1'b0  // a flip-flop says whether frames are left
) (
  input  logic                     clk_i,
  input  logic                     rst_ni,

  input  logic                     start_i,
  input  logic [31:0]              frames_i,
  input  logic                     stop_i,
  output logic                     starved_o,
  output logic                     moved_o,

  input  logic                     in_valid_i,
  output logic                     in_ready_o,
  input  logic [8*DataBytes-1:0]   in_data_i,

  output logic                     out_valid_o,
  input  logic                     out_ready_i,
  output logic [8*StreamBytes-1:0] out_data_o
);

  localparam int unsigned BeatBits = (FrameBeats > 1) ? $clog2(FrameBeats) : 1;
  typedef logic [BeatBits-1:0] beat_t;
  localparam beat_t LastBeat = beat_t'(FrameBeats - 1);

  logic [31:0] frames_q;  // not yet handed over in full
  beat_t       beat_q;
  logic        running, resized_valid, resize_ready;

  if (Registered) begin : gen_flag
    logic running_q;
    always_ff @(posedge clk_i) begin
      if (!rst_ni || stop_i) running_q <= 1'b0;
      else if (start_i) running_q <= frames_i != '0;
      else if (moved_o && beat_q == LastBeat && frames_q == 32'd1) running_q <= 1'b0;
    end
    assign running = running_q;
  end else begin : gen_count
    assign running = frames_q != '0;
  end

  assign out_valid_o = resized_valid && running;
  assign in_ready_o  = resize_ready && running && !start_i;
  assign moved_o     = out_valid_o && out_ready_i;
  assign starved_o   = running && out_ready_i && !resized_valid;

  always_ff @(posedge clk_i) begin
    if (!rst_ni || stop_i) begin
      frames_q <= '0;
      beat_q   <= '0;
    end else if (start_i) begin
      frames_q <= frames_i;
      beat_q   <= '0;
    end else if (moved_o) begin
      beat_q <= (beat_q == LastBeat) ? '0 : beat_q + 1'b1;
      if (beat_q == LastBeat) frames_q <= frames_q - 1'b1;
    end
  end

  // verilator lint_off PINCONNECTEMPTY
  shell_resize #(
    .InBytes (DataBytes),
    .OutBytes(StreamBytes)
  ) u_resize (
    .clk_i,
    .rst_ni,
    .clear_i    (start_i || stop_i),
    .flush_i    (1'b0),
    .in_valid_i (in_valid_i && running),
    .in_ready_o (resize_ready),
    .in_data_i,
    .out_valid_o(resized_valid),
    .out_ready_i(out_ready_i && running),
    .out_data_o,
    .out_keep_o (),
    .out_last_o ()
  );
  // verilator lint_on PINCONNECTEMPTY

endmodule : shell_feeder

// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Writes a stream of beats to memory over AXI4.
//
// Run:     start_i takes address_i, in units of 64 bytes; no run may be under way. The beats of
//          the stream go there one behind the other, up to one with in_last_i. done_o is high from
//          the response to the last of them on, until the next start.
// In:      a beat's bytes with in_keep_i low are not written.
// Memory:  INCR bursts of full-width beats that never cross a multiple of BurstBeats beats, hence
//          no 4 KiB boundary. A burst is begun when the FIFO holds all of it, so its data never
//          wait for the stream; at most Outstanding bursts wait for their response.
// Errors:  slverr_o and decerr_o with the response that says so.
// Abort:   while abort_i is high no burst is begun; one that has begun is finished, as AXI wants,
//          and the rest dropped. idle_o: nothing is offered, memory owes no response.

module shell_writer #(
  parameter int unsigned DataBytes   = 8,
  parameter int unsigned BurstBeats  = 16,
  parameter int unsigned Outstanding = 8
) (
  input  logic                   clk_i,
  input  logic                   rst_ni,

  input  logic                   start_i,
  input  logic [57:0]            address_i,
  input  logic                   abort_i,
  output logic                   done_o,
  output logic                   idle_o,
  output logic                   moved_o,
  output logic                   slverr_o,
  output logic                   decerr_o,

  input  logic                   in_valid_i,
  output logic                   in_ready_o,
  input  logic [8*DataBytes-1:0] in_data_i,
  input  logic [DataBytes-1:0]   in_keep_i,
  input  logic                   in_last_i,

  output logic                   aw_valid_o,
  input  logic                   aw_ready_i,
  output logic [63:0]            aw_addr_o,
  output logic [7:0]             aw_len_o,

  output logic                   w_valid_o,
  input  logic                   w_ready_i,
  output logic [8*DataBytes-1:0] w_data_o,
  output logic [DataBytes-1:0]   w_strb_o,
  output logic                   w_last_o,

  input  logic                   b_valid_i,
  output logic                   b_ready_o,
  input  logic [1:0]             b_resp_i
);

  if (DataBytes > 64 || 2 ** $clog2(DataBytes) != DataBytes) begin : gen_illegal_data
    $error("shell_writer: DataBytes=%0d is no power of two up to 64", DataBytes);
  end
  if (BurstBeats < 2 || BurstBeats > 16 || 2 ** $clog2(BurstBeats) != BurstBeats
      ) begin : gen_illegal_burst
    $error("shell_writer: BurstBeats=%0d is not 2, 4, 8 or 16", BurstBeats);
  end
  if (Outstanding < 1) begin : gen_illegal_writes
    $error("shell_writer: Outstanding must be at least 1");
  end

  localparam int unsigned BeatShift  = $clog2(DataBytes);
  localparam int unsigned OffsetBits = $clog2(BurstBeats);
  localparam int unsigned Depth      = 2 * BurstBeats;

  typedef logic [63-BeatShift:0]             beat_address_t;
  typedef logic [OffsetBits:0]               burst_t;    // beats of a burst
  typedef logic [$clog2(Depth+1):0]          waiting_t;  // beats
  typedef logic [$clog2(Outstanding+1)-1:0] owed_t;     // responses

  // Beats of the FIFO that no burst has been begun for.
  waiting_t waiting_q;
  logic     last_q;   // the run's last beat is one of them, or has left
  logic     clear, push, begin_burst;
  logic     fifo_ready, fifo_valid, fifo_pop;

  assign in_ready_o = fifo_ready && !last_q && !abort_i;
  assign push       = in_valid_i && in_ready_o;
  assign clear      = start_i || (abort_i && idle_o);

  // The next burst: up to the boundary, or up to the end of the run.
  beat_address_t address_q;
  burst_t        to_boundary, beats;
  logic          whole;
  burst_t        left_q;  // beats of the burst under way that are still to be handed over
  owed_t         owed_q;
  logic          aw_valid_q, hand_over, respond;
  beat_address_t aw_address_q;
  burst_t        aw_beats_q;

  assign to_boundary = burst_t'(BurstBeats) - burst_t'(address_q[OffsetBits-1:0]);
  assign whole       = waiting_q >= waiting_t'(to_boundary);
  assign beats       = whole ? to_boundary : burst_t'(waiting_q);
  assign hand_over   = w_valid_o && w_ready_i;
  assign respond     = b_valid_i && b_ready_o;
  assign begin_burst = (whole || (last_q && waiting_q != '0)) && !abort_i && !aw_valid_q
                       && left_q == '0 && owed_q != owed_t'(Outstanding);

  always_ff @(posedge clk_i) begin
    if (!rst_ni || clear) begin
      waiting_q <= '0;
      last_q    <= 1'b0;
    end else begin
      waiting_q <= waiting_q + waiting_t'(push) - (begin_burst ? waiting_t'(beats) : '0);
      if (push && in_last_i) last_q <= 1'b1;
    end
  end

  always_ff @(posedge clk_i) begin
    if (start_i) address_q <= beat_address_t'(address_i) << (6 - BeatShift);
    else if (begin_burst) address_q <= address_q + beat_address_t'(beats);
    if (begin_burst) begin
      aw_address_q <= address_q;
      aw_beats_q   <= beats;
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      aw_valid_q <= 1'b0;
      left_q     <= '0;
      owed_q     <= '0;
    end else begin
      if (begin_burst) aw_valid_q <= 1'b1;
      else if (aw_ready_i) aw_valid_q <= 1'b0;
      if (begin_burst) left_q <= beats;
      else if (hand_over) left_q <= left_q - 1'b1;
      owed_q <= owed_q + owed_t'(begin_burst) - owed_t'(respond);
    end
  end

  assign aw_valid_o = aw_valid_q;
  assign aw_addr_o  = {aw_address_q, {BeatShift{1'b0}}};
  assign aw_len_o   = 8'(aw_beats_q) - 8'd1;
  assign w_valid_o  = fifo_valid && left_q != '0;
  assign w_last_o   = left_q == burst_t'(1);
  assign fifo_pop   = w_ready_i && left_q != '0;
  assign b_ready_o  = 1'b1;
  assign idle_o     = owed_q == '0;  // then no address is offered and no beat is left
  assign done_o     = last_q && waiting_q == '0 && owed_q == '0;
  assign moved_o    = (aw_valid_q && aw_ready_i) || hand_over || respond;
  assign slverr_o   = respond && b_resp_i == 2'b10;
  assign decerr_o   = respond && b_resp_i == 2'b11;

  shell_fifo #(
    .Width(9 * DataBytes),
    .Depth(Depth)
  ) u_fifo (
    .clk_i,
    .rst_ni,
    .clear_i    (clear),
    .in_valid_i (push),
    .in_ready_o (fifo_ready),
    .in_data_i  ({in_keep_i, in_data_i}),
    .out_valid_o(fifo_valid),
    .out_ready_i(fifo_pop),
    .out_data_o ({w_strb_o, w_data_o})
  );

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni) begin
      assert (!start_i || idle_o) else $error("shell_writer: started while memory owes responses");
      assert (!respond || owed_q != '0) else $error("shell_writer: a response to no burst");
    end
  end
`endif

endmodule : shell_writer

// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Reads a run of frames, packed one behind the other, from memory over AXI4.
//
// Run:     start_i takes address_i, in units of 64 bytes, and frames_i, not zero; no run may be under
//          way.
// Out:     the memory's beats from that address on, as many as hold the frames.
// Memory:  INCR bursts of full-width beats that never cross a multiple of BurstBeats beats, hence
//          no 4 KiB boundary. A burst is asked for when the FIFO has room for all of it, so r_ready_o
//          is always high; at most Outstanding * BurstBeats beats are under way.
// Errors:  slverr_o and decerr_o with the beat that says so; the data go on.
// Abort:   while abort_i is high nothing new is asked for and data are dropped; an address that is
//          offered stays so, as AXI wants. idle_o: memory owes nothing.

module shell_reader #(
  parameter int unsigned DataBytes   = 8,
  parameter int unsigned BurstBeats  = 16,
  parameter int unsigned Outstanding = 8,
  parameter int unsigned FrameBytes  = 784,
  parameter bit          Registered  = 1'b0  // what a burst takes is taken off a cycle later
) (
  input  logic                   clk_i,
  input  logic                   rst_ni,

  input  logic                   start_i,
  input  logic [57:0]            address_i,
  input  logic [31:0]            frames_i,
  input  logic                   abort_i,
  output logic                   idle_o,
  output logic                   moved_o,
  output logic                   slverr_o,
  output logic                   decerr_o,

  output logic                   ar_valid_o,
  input  logic                   ar_ready_i,
  output logic [63:0]            ar_addr_o,
  output logic [7:0]             ar_len_o,

  input  logic                   r_valid_i,
  output logic                   r_ready_o,
  input  logic [8*DataBytes-1:0] r_data_i,
  input  logic [1:0]             r_resp_i,

  output logic                   out_valid_o,
  input  logic                   out_ready_i,
  output logic [8*DataBytes-1:0] out_data_o
);

  if (DataBytes > 64 || 2 ** $clog2(DataBytes) != DataBytes) begin : gen_illegal_data
    $error("shell_reader: DataBytes=%0d is no power of two up to 64", DataBytes);
  end
  if (BurstBeats < 2 || BurstBeats > 16 || 2 ** $clog2(BurstBeats) != BurstBeats) begin : gen_illegal_burst
    $error("shell_reader: BurstBeats=%0d is not 2, 4, 8 or 16", BurstBeats);
  end
  if (Outstanding < 2 || 2 ** $clog2(Outstanding) != Outstanding) begin : gen_illegal_reads
    $error("shell_reader: Outstanding=%0d is no power of two from 2 on", Outstanding);
  end
  if (FrameBytes < 1) begin : gen_illegal_frame
    $error("shell_reader: FrameBytes must be at least 1");
  end

  localparam int unsigned BeatShift   = $clog2(DataBytes);
  localparam int unsigned OffsetBits  = $clog2(BurstBeats);
  localparam int unsigned BurstBytes  = BurstBeats * DataBytes;
  localparam int unsigned Depth       = Outstanding * BurstBeats;
  localparam int unsigned PendingBits = $clog2(2 * BurstBytes + FrameBytes + 1);

  typedef logic [63-BeatShift:0]   beat_address_t;
  typedef logic [OffsetBits:0]     burst_t;    // beats of a burst
  typedef logic [PendingBits-1:0]  pending_t;  // bytes
  typedef logic [$clog2(Depth):0]  credit_t;   // beats

  // Bytes that are still to be asked for come in frame by frame, so nothing is multiplied.
  logic [31:0]   frames_q;   // frames that pending_q does not hold yet
  pending_t      pending_q;  // bytes
  beat_address_t address_q;  // of the next burst
  logic          refill, plan;
  pending_t      planned, taken;  // bytes of the burst, and what goes off pending_q
  // verilator lint_off UNUSEDSIGNAL
  pending_t      late;            // what should be off it already; for the proof
  // verilator lint_on UNUSEDSIGNAL

  // The next burst: up to the boundary, or up to the end of the run.
  burst_t   to_boundary, beats;
  pending_t boundary_bytes;
  logic     whole;  // all bytes up to the boundary are to be asked for

  assign to_boundary    = burst_t'(BurstBeats) - burst_t'(address_q[OffsetBits-1:0]);
  assign boundary_bytes = pending_t'(to_boundary) << BeatShift;
  assign whole          = pending_q >= boundary_bytes;
  assign beats          = whole ? to_boundary
                                : burst_t'((pending_q + pending_t'(DataBytes - 1)) >> BeatShift);

  burst_t        beats_q;
  beat_address_t burst_address_q;
  logic          planned_q;  // beats_q and burst_address_q hold a burst that is to be issued
  logic          issue;

  assign plan   = !planned_q && (whole || (frames_q == '0 && pending_q != '0));
  assign refill = frames_q != '0 && pending_q < pending_t'(2 * BurstBytes);

  always_ff @(posedge clk_i) begin
    if (!rst_ni || abort_i) begin
      frames_q  <= '0;
      pending_q <= '0;
      planned_q <= 1'b0;
    end else if (start_i) begin
      frames_q  <= frames_i;
      pending_q <= '0;
      planned_q <= 1'b0;
    end else begin
      if (refill) frames_q <= frames_q - 1'b1;
      if (plan) planned_q <= 1'b1;
      else if (issue) planned_q <= 1'b0;
      pending_q <= pending_q + (refill ? pending_t'(FrameBytes) : '0)
                   - taken;
    end
  end

  // Behind a plan comes none in the next cycle, so that no plan sees what is still to be taken off.
  assign planned = plan ? (whole ? boundary_bytes : pending_q) : '0;
  if (Registered) begin : gen_later
    pending_t taken_q;
    always_ff @(posedge clk_i) begin
      if (!rst_ni || abort_i || start_i) taken_q <= '0;
      else taken_q <= planned;
    end
    assign taken = taken_q;
    assign late  = taken_q;
  end else begin : gen_at_once
    assign taken = planned;
    assign late  = '0;
  end

  always_ff @(posedge clk_i) begin
    if (start_i) address_q <= beat_address_t'(address_i) << (6 - BeatShift);
    else if (plan) address_q <= address_q + beat_address_t'(beats);
    if (plan) begin
      beats_q         <= beats;
      burst_address_q <= address_q;
    end
  end

  // Beats that the FIFO has promised room for, and those that memory still owes.
  credit_t       reserved_q, flying_q;
  logic          ar_valid_q;
  beat_address_t ar_address_q;
  burst_t        ar_beats_q;
  logic          arrive, leave, fifo_ready;

  assign issue  = planned_q && !abort_i && (!ar_valid_q || ar_ready_i)
                  && reserved_q <= credit_t'(Depth) - credit_t'(beats_q);
  assign arrive = r_valid_i && r_ready_o;
  assign leave  = out_valid_o && out_ready_i;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      ar_valid_q <= 1'b0;
      flying_q   <= '0;
    end else begin
      if (issue) ar_valid_q <= 1'b1;
      else if (ar_ready_i) ar_valid_q <= 1'b0;
      flying_q <= flying_q + (issue ? credit_t'(beats_q) : '0) - credit_t'(arrive);
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni || start_i || abort_i) reserved_q <= '0;
    else reserved_q <= reserved_q + (issue ? credit_t'(beats_q) : '0) - credit_t'(leave);
  end

  always_ff @(posedge clk_i) begin
    if (issue) begin
      ar_address_q <= burst_address_q;
      ar_beats_q   <= beats_q;
    end
  end

  assign ar_valid_o = ar_valid_q;
  assign ar_addr_o  = {ar_address_q, {BeatShift{1'b0}}};
  assign ar_len_o   = 8'(ar_beats_q) - 8'd1;
  assign r_ready_o  = 1'b1;
  assign idle_o     = !ar_valid_q && flying_q == '0;
  assign moved_o    = (ar_valid_q && ar_ready_i) || arrive;
  assign slverr_o   = arrive && r_resp_i == 2'b10;
  assign decerr_o   = arrive && r_resp_i == 2'b11;

  shell_fifo #(
    .Width(8 * DataBytes),
    .Depth(Depth)
  ) u_fifo (
    .clk_i,
    .rst_ni,
    .clear_i    (abort_i),
    .in_valid_i (arrive),
    .in_ready_o (fifo_ready),
    .in_data_i  (r_data_i),
    .out_valid_o,
    .out_ready_i,
    .out_data_o
  );

`ifndef SYNTHESIS
  always_ff @(posedge clk_i) begin
    if (rst_ni && !abort_i) begin
      assert (!arrive || fifo_ready) else $error("shell_reader: a beat came without room for it");
      assert (!start_i || idle_o) else $error("shell_reader: started while memory owes beats");
    end
  end
`endif

endmodule : shell_reader

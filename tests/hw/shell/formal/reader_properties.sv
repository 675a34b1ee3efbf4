// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// What shell_reader owes AXI and its FIFO, whatever memory, stream and sequencer do.
// Assumed: memory brings only beats that were asked for; a run starts only when memory owes nothing
// and an earlier one is over; an abort lasts until memory owes nothing; a run's frames are fewer than 2^FrameBits, so that its bytes are
// counted in few bits.
//
// The last assertions are of the registers: with them all are inductive, so one step of z3 proves
// them for all time.

module reader_properties #(
  parameter int unsigned DataBytes   = 32,
  parameter int unsigned BurstBeats  = 4,
  parameter int unsigned Outstanding = 2,
  parameter int unsigned FrameBytes  = 144,
  parameter int unsigned FrameBits   = 4
) (
  input logic                 clk_i,
  input logic                 start_i,
  input logic [57:0]          address_i,
  input logic [FrameBits-1:0] frames_i,
  input logic                 abort_i,
  input logic                 ar_ready_i,
  input logic                 r_valid_i,
  input logic [1:0]           r_resp_i,
  input logic                 out_ready_i
);

  localparam int unsigned Depth = Outstanding * BurstBeats;
  typedef logic [15:0] count_t;  // of beats or bytes

  logic rst_n = 1'b0;
  always_ff @(posedge clk_i) rst_n <= 1'b1;

  logic        idle, ar_valid, r_ready, out_valid;
  logic [63:0] ar_addr;
  logic [7:0]  ar_len;

  shell_reader #(
    .DataBytes(DataBytes), .BurstBeats(BurstBeats), .Outstanding(Outstanding),
    .FrameBytes(FrameBytes)
  ) dut (
    .clk_i, .rst_ni(rst_n), .start_i, .address_i, .frames_i(32'(frames_i)), .abort_i,
    .idle_o(idle), .moved_o(), .slverr_o(), .decerr_o(), .ar_valid_o(ar_valid), .ar_ready_i,
    .ar_addr_o(ar_addr), .ar_len_o(ar_len), .r_valid_i, .r_ready_o(r_ready), .r_data_i('0),
    .r_resp_i, .out_valid_o(out_valid), .out_ready_i, .out_data_o()
  );

  // A model of what memory owes, of what the FIFO holds and of what the run still needs.
  count_t      owed = '0, held = '0, asked = '0, bytes = '0;
  logic        ran = 1'b0, aborted = 1'b0;
  logic [63:0] next_address = '0;
  logic        taken, came, left;
  count_t      burst, needed;

  assign taken  = ar_valid && ar_ready_i;
  assign came   = r_valid_i && r_ready;
  assign left   = out_valid && out_ready_i;
  assign burst  = count_t'(ar_len) + 1;
  assign needed = (bytes + (DataBytes - 1)) / DataBytes;

  always_ff @(posedge clk_i) begin
    if (rst_n) begin
      owed <= owed + (taken ? burst : '0) - count_t'(came);
      if (abort_i || start_i) held <= '0;
      else held <= held + count_t'(came) - count_t'(left);
      if (start_i) begin
        ran          <= 1'b1;
        aborted      <= 1'b0;
        asked        <= '0;
        bytes        <= FrameBytes * count_t'(frames_i);
        next_address <= {address_i, 6'd0};
      end else begin
        if (abort_i) aborted <= 1'b1;
        if (taken) begin
          asked        <= asked + burst;
          next_address <= ar_addr + DataBytes * 64'(burst);
        end
      end
    end
  end

  logic aborting = 1'b0;
  always_ff @(posedge clk_i) aborting <= abort_i && !idle && rst_n;

  logic        waited = 1'b0;
  logic [63:0] waited_addr = '0;
  logic [7:0]  waited_len = '0;
  always_ff @(posedge clk_i) begin
    waited      <= ar_valid && !ar_ready_i && rst_n;
    waited_addr <= ar_addr;
    waited_len  <= ar_len;
  end

  logic [63:0] last_byte;
  assign last_byte = ar_addr + DataBytes * 64'(burst) - 64'd1;

  // What the registers mean: bytes that no burst was made for yet; beats of those that were.
  count_t      unplanned, planned, offered, planned_beats, offered_beats;
  logic [63:0] plan_address, next_burst;
  assign unplanned     = count_t'(dut.pending_q - dut.late) + FrameBytes * count_t'(dut.frames_q[FrameBits-1:0]);
  assign planned       = count_t'(dut.beats_q);
  assign offered       = count_t'(dut.ar_beats_q);
  assign planned_beats = dut.planned_q ? planned : '0;
  assign offered_beats = ar_valid ? offered : '0;
  assign plan_address  = DataBytes * 64'(dut.address_q);
  assign next_burst    = dut.planned_q ? DataBytes * 64'(dut.burst_address_q) : plan_address;

  always_comb begin
    assume (!r_valid_i || owed != 0);
    assume (!start_i || (rst_n && idle && !abort_i && (!ran || aborted || asked == needed)
                         && held == 0));
    assume (!aborting || abort_i);
    assume (frames_i != 0);

    if (!rst_n) begin
      in_reset: assert (!ran && !aborted && !aborting && !waited && owed == 0 && held == 0);
    end else begin
      if (waited) begin
        stays_valid: assert (ar_valid);
        stays_address: assert (ar_addr == waited_addr && ar_len == waited_len);
      end
      if (ar_valid) begin
        no_4k_crossing: assert (ar_addr[63:12] == last_byte[63:12]);
        whole_beats: assert (ar_addr % DataBytes == 0);
        short_bursts: assert (burst <= BurstBeats);
        only_in_a_run: assert (ran);
        in_order: assert (aborted || ar_addr == next_address);
        no_more_than_needed: assert (aborted || asked + burst <= needed);
      end
      bounded: assert (owed <= Depth && owed + offered_beats <= Depth);
      room_for_all: assert (aborted || owed + held + offered_beats <= Depth);
      idle_means_idle: assert (!idle || (owed == 0 && !ar_valid));

      flying_is_owed: assert (count_t'(dut.flying_q) == owed + offered_beats);
      fifo_holds: assert (count_t'(dut.u_fifo.fill_q) + count_t'(dut.u_fifo.valid_q) == held);
      fifo_fits: assert (dut.u_fifo.fill_q <= Depth);
      if (ran && !aborted) begin
        reserved_is_promised: assert (count_t'(dut.reserved_q) == owed + offered_beats + held);
        frames_fit: assert (dut.frames_q < 2 ** FrameBits);
        late_is_planned: assert (dut.late == 0 || (dut.planned_q && dut.late <= dut.pending_q));
        pending_fits: assert (dut.pending_q <= 2 * BurstBeats * DataBytes + FrameBytes);
        bytes_fit: assert (bytes < FrameBytes * 2 ** FrameBits && asked <= needed);
        if (unplanned != 0) begin
          all_is_counted: assert (
              DataBytes * (asked + offered_beats + planned_beats) + unplanned == bytes);
        end else begin
          all_is_planned: assert (asked + offered_beats + planned_beats == needed);
        end
        if (ar_valid) begin
          planned_behind: assert (ar_addr + DataBytes * 64'(offered) == next_burst);
        end else begin
          planned_next: assert (next_address == next_burst);
        end
      end else begin
        nothing_reserved: assert (dut.reserved_q == 0 && !dut.planned_q && dut.pending_q == 0
                                  && dut.frames_q == 0 && dut.late == 0);
      end
      behind_an_abort: assert (!aborted || aborting || (idle && held == 0));
      before_a_run: assert (ran || (!ar_valid && owed == 0 && held == 0));
      if (dut.planned_q) begin
        planned_burst: assert (planned >= 1 && planned <= BurstBeats
            && dut.burst_address_q % BurstBeats + planned <= BurstBeats
            && DataBytes * 64'(dut.burst_address_q) + DataBytes * 64'(planned) == plan_address);
      end
      if (ar_valid) begin
        offered_burst: assert (offered >= 1 && offered <= BurstBeats
            && dut.ar_address_q % BurstBeats + offered <= BurstBeats);
      end
    end
  end

endmodule : reader_properties

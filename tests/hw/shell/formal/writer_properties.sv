// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// What shell_writer owes AXI and the stream, whatever memory, stream and sequencer do.
// Assumed: a response comes only for a burst whose address and data were taken; a run starts only
// when memory owes nothing and an earlier one is over; an abort lasts until memory owes nothing;
// the stream offers beats in a run alone.
//
// The last assertions are of the registers: with them all are inductive, so one step of z3 proves
// them for all time.

module writer_properties #(
  parameter int unsigned DataBytes   = 32,
  parameter int unsigned BurstBeats  = 4,
  parameter int unsigned Outstanding = 2
) (
  input logic                   clk_i,
  input logic                   start_i,
  input logic [57:0]            address_i,
  input logic                   abort_i,
  input logic                   in_valid_i,
  input logic [8*DataBytes-1:0] in_data_i,
  input logic [DataBytes-1:0]   in_keep_i,
  input logic                   in_last_i,
  input logic                   aw_ready_i,
  input logic                   w_ready_i,
  input logic                   b_valid_i,
  input logic [1:0]             b_resp_i
);

  localparam int unsigned Depth = 2 * BurstBeats;
  typedef logic [7:0] count_t;  // of beats or bursts

  logic rst_n = 1'b0;
  always_ff @(posedge clk_i) rst_n <= 1'b1;

  logic        done, idle, in_ready, aw_valid, w_valid, w_last, b_ready;
  logic [63:0] aw_addr;
  logic [7:0]  aw_len;
  logic [8*DataBytes-1:0] w_data;
  logic [DataBytes-1:0]   w_strb;

  shell_writer #(
    .DataBytes(DataBytes), .BurstBeats(BurstBeats), .Outstanding(Outstanding)
  ) dut (
    .clk_i, .rst_ni(rst_n), .start_i, .address_i, .abort_i, .done_o(done), .idle_o(idle),
    .moved_o(), .slverr_o(), .decerr_o(), .in_valid_i, .in_ready_o(in_ready), .in_data_i,
    .in_keep_i, .in_last_i, .aw_valid_o(aw_valid), .aw_ready_i, .aw_addr_o(aw_addr),
    .aw_len_o(aw_len), .w_valid_o(w_valid), .w_ready_i, .w_data_o(w_data), .w_strb_o(w_strb),
    .w_last_o(w_last), .b_valid_i, .b_ready_o(b_ready), .b_resp_i
  );

  // A model: bursts whose address was taken, whose data were, and that were not answered yet; beats
  // of the burst whose data come; beats of the run in the writer, and the length of the last burst.
  count_t      addressed = '0, sent = '0, beat = '0, held = '0, length_taken = '0;
  logic        ran = 1'b0, aborted = 1'b0, ended = 1'b0;
  logic [63:0] next_address = '0;
  logic        aw_taken, w_taken, b_taken, in_taken;
  count_t      burst;

  assign aw_taken = aw_valid && aw_ready_i;
  assign w_taken  = w_valid && w_ready_i;
  assign b_taken  = b_valid_i && b_ready;
  assign in_taken = in_valid_i && in_ready;
  assign burst    = aw_len + 8'd1;

  always_ff @(posedge clk_i) begin
    if (rst_n) begin
      addressed <= addressed + count_t'(aw_taken) - count_t'(b_taken);
      sent      <= sent + count_t'(w_taken && w_last) - count_t'(b_taken);
      if (w_taken) beat <= w_last ? 8'd0 : beat + 8'd1;
      if (aw_taken) begin
        length_taken <= burst;
        next_address <= aw_addr + DataBytes * 64'(burst);
      end
      held <= held + count_t'(in_taken) - count_t'(w_taken);
      if (in_taken && in_last_i) ended <= 1'b1;
      if (abort_i) begin
        aborted <= 1'b1;
        if (idle) held <= '0;
      end
      if (start_i) begin
        ran          <= 1'b1;
        aborted      <= 1'b0;
        ended        <= 1'b0;
        held       <= '0;
        next_address <= {address_i, 6'd0};
      end
    end
  end

  logic aborting = 1'b0;
  always_ff @(posedge clk_i) aborting <= abort_i && !idle && rst_n;

  logic        aw_waited = 1'b0, w_waited = 1'b0;
  logic [71:0] aw_before = '0;
  logic [9*DataBytes:0] w_before = '0;
  always_ff @(posedge clk_i) begin
    aw_waited <= aw_valid && !aw_ready_i && rst_n;
    aw_before <= {aw_addr, aw_len};
    w_waited  <= w_valid && !w_ready_i && rst_n;
    w_before  <= {w_data, w_strb, w_last};
  end

  logic [63:0] last_byte;
  count_t      length;  // of the burst whose data come now
  assign last_byte = aw_addr + DataBytes * 64'(burst) - 64'd1;
  assign length    = aw_valid ? burst : length_taken;

  // What the registers mean: beats of the burst under way, and of none yet.
  count_t left, waiting;
  assign left    = count_t'(dut.left_q);
  assign waiting = count_t'(dut.waiting_q);

  always_comb begin
    assume (!b_valid_i || (addressed != 0 && sent != 0));
    assume (!start_i || (rst_n && idle && !abort_i && (!ran || aborted || done)));
    assume (!in_valid_i || (ran && !start_i && !aborted && !abort_i));
    assume (!aborting || abort_i);

    if (!rst_n) begin
      in_reset: assert (!ran && !aborted && !aborting && !ended && !aw_waited && !w_waited
                        && {addressed, sent, beat, held} == '0);
    end else begin
      if (aw_waited) begin
        aw_stays: assert (aw_valid && {aw_addr, aw_len} == aw_before);
      end
      if (w_waited) begin
        w_stays: assert (w_valid && {w_data, w_strb, w_last} == w_before);
      end
      if (aw_valid) begin
        no_4k_crossing: assert (aw_addr[63:12] == last_byte[63:12]);
        whole_beats: assert (aw_addr % DataBytes == 0);
        short_bursts: assert (burst <= BurstBeats);
        in_order: assert (aw_addr == next_address);
      end
      if (w_valid) begin
        data_of_a_burst: assert (aw_valid || addressed == sent + 8'd1);
        last_is_last: assert (w_last == (beat + 8'd1 == length));
      end
      bounded: assert (addressed + count_t'(aw_valid) <= Outstanding);
      idle_means_idle: assert (!idle || (addressed == 0 && sent == 0 && !aw_valid && !w_valid));
      data_do_not_wait: assert (left == 0 || dut.u_fifo.valid_q || dut.u_fifo.fill_q != 0);
      nothing_invented: assert (held <= Depth + 1);
      done_means_all: assert (!done || !ran || aborted || (ended && held == 0));

      owed_is_begun: assert (count_t'(dut.owed_q) == addressed + count_t'(aw_valid)
                             && addressed <= Outstanding && sent <= Outstanding);
      one_burst_at_once: assert (addressed + count_t'(aw_valid) == sent + count_t'(left != 0));
      beats_are_counted: assert ((left == 0) ? beat == 0 : beat + left == length);
      burst_fits: assert (left <= BurstBeats && (left == 0 || length <= BurstBeats));
      fifo_holds: assert (count_t'(dut.u_fifo.fill_q) + count_t'(dut.u_fifo.valid_q)
                          == waiting + left && dut.u_fifo.fill_q <= Depth && waiting <= Depth + 1);
      model_holds: assert (held == waiting + left);
      before_a_run: assert (ran || (idle && waiting == 0 && !ended && !dut.last_q));
      behind_an_abort: assert (!aborted || aborting || (idle && waiting == 0));
      last_is_noted: assert (!ran || aborted || ended == dut.last_q);
      if (aw_valid) begin
        offered_burst: assert (dut.aw_beats_q >= 1 && dut.aw_beats_q <= BurstBeats
            && dut.aw_address_q % BurstBeats + 64'(dut.aw_beats_q) <= BurstBeats
            && aw_addr + DataBytes * 64'(burst) == DataBytes * 64'(dut.address_q));
      end else if (ran) begin
        next_burst: assert (next_address == DataBytes * 64'(dut.address_q));
      end
    end
  end

endmodule : writer_properties

// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// What shell_writer owes AXI and the stream, whatever memory, stream and sequencer do.
// Assumed: a response comes only for a burst whose address and data were taken; a run starts only
// when memory owes nothing, and an abort lasts until then.

module writer_properties (
  input logic        clk_i,
  input logic        start_i,
  input logic [7:0]  place_i,  // the rest of the address is of no interest
  input logic        abort_i,
  input logic        in_valid_i,
  input logic [7:0]  in_data_i,
  input logic        in_last_i,
  input logic        aw_ready_i,
  input logic        w_ready_i,
  input logic        b_valid_i,
  input logic [1:0]  b_resp_i
);

  localparam int unsigned DataBytes = 32, BurstBeats = 4, Outstanding = 2;

  logic rst_n = 1'b0;
  always_ff @(posedge clk_i) rst_n <= 1'b1;

  logic        done, idle, in_ready, aw_valid, w_valid, w_last, b_ready;
  logic [63:0] aw_addr;
  logic [7:0]  aw_len;
  logic [8*DataBytes-1:0] w_data;
  logic [DataBytes-1:0]   w_strb;

  logic [57:0] address;
  assign address = {50'h1_2345, place_i};

  shell_writer #(
    .DataBytes(DataBytes), .BurstBeats(BurstBeats), .Outstanding(Outstanding)
  ) dut (
    .clk_i, .rst_ni(rst_n), .start_i, .address_i(address), .abort_i, .done_o(done), .idle_o(idle),
    .moved_o(), .slverr_o(), .decerr_o(), .in_valid_i, .in_ready_o(in_ready),
    .in_data_i({32{in_data_i}}), .in_keep_i({4{in_data_i}}), .in_last_i, .aw_valid_o(aw_valid),
    .aw_ready_i, .aw_addr_o(aw_addr), .aw_len_o(aw_len), .w_valid_o(w_valid), .w_ready_i,
    .w_data_o(w_data), .w_strb_o(w_strb), .w_last_o(w_last), .b_valid_i, .b_ready_o(b_ready),
    .b_resp_i
  );

  // A model of the bursts: addresses and data taken, responses owed, beats of the stream (modulo 256).
  logic [3:0]  addresses = '0, ends = '0, responses = '0;  // since reset, modulo 16
  logic [7:0]  burst_lens [4];
  logic [7:0]  beat = '0, taken_in = '0, taken_out = '0;
  logic        ran = 1'b0, aborted = 1'b0, ended = 1'b0;
  logic [63:0] next_address = '0;
  logic        aw_taken, w_taken, b_taken;

  assign aw_taken = aw_valid && aw_ready_i;
  assign w_taken  = w_valid && w_ready_i;
  assign b_taken  = b_valid_i && b_ready;

  always_ff @(posedge clk_i) begin
    if (rst_n) begin
      if (aw_taken) begin
        addresses                  <= addresses + 4'd1;
        burst_lens[addresses[1:0]] <= aw_len;
        next_address               <= aw_addr + DataBytes * (64'(aw_len) + 64'd1);
      end
      if (w_taken) begin
        beat      <= w_last ? 8'd0 : beat + 8'd1;
        taken_out <= taken_out + 8'd1;
      end
      if (w_taken && w_last) ends <= ends + 4'd1;
      if (b_taken) responses <= responses + 4'd1;
      if (in_valid_i && in_ready) begin
        taken_in <= taken_in + 8'd1;
        if (in_last_i) ended <= 1'b1;
      end
      if (abort_i) aborted <= 1'b1;
      if (start_i) begin
        ran          <= 1'b1;
        aborted      <= 1'b0;
        ended        <= 1'b0;
        taken_in     <= '0;
        taken_out    <= '0;
        next_address <= {address, 6'd0};
      end
    end
  end

  logic        aborting = 1'b0;
  always_ff @(posedge clk_i) aborting <= abort_i && !idle;

  logic        aw_waited = 1'b0, w_waited = 1'b0;
  logic [71:0] aw_before = '0;
  logic [9:0]  w_before = '0;  // of the lowest byte: all are alike
  always_ff @(posedge clk_i) begin
    aw_waited <= aw_valid && !aw_ready_i && rst_n;
    aw_before <= {aw_addr, aw_len};
    w_waited  <= w_valid && !w_ready_i && rst_n;
    w_before  <= {w_data[7:0], w_strb[0], w_last};
  end

  logic [63:0] last_byte;
  logic [7:0]  length;  // of the burst whose data come now
  assign last_byte = aw_addr + DataBytes * (64'(aw_len) + 64'd1) - 64'd1;
  assign length    = (ends == addresses) ? aw_len : burst_lens[ends[1:0]];

  always_comb begin
    assume (!b_valid_i || (responses != addresses && responses != ends));
    assume (!start_i || (rst_n && idle && !abort_i && (!ran || aborted || done)));
    assume (!in_valid_i || (ran && !start_i && !aborted && !abort_i));
    assume (!aborting || abort_i);

    if (rst_n) begin
      if (aw_waited) begin
        aw_stays: assert (aw_valid && {aw_addr, aw_len} == aw_before);
      end
      if (w_waited) begin
        w_stays: assert (w_valid && {w_data[7:0], w_strb[0], w_last} == w_before);
      end
      if (aw_valid) begin
        no_4k_crossing: assert (aw_addr[63:12] == last_byte[63:12]);
        whole_beats: assert (aw_addr[4:0] == '0);
        short_bursts: assert (aw_len < BurstBeats);
        in_order: assert (aw_addr == next_address);
      end
      if (w_valid) begin
        data_of_a_burst: assert (ends != addresses || aw_valid);
        last_is_last: assert (w_last == (beat == length));
      end
      bounded: assert (4'(addresses - responses) + 4'(aw_valid) <= 4'(Outstanding));
      idle_means_idle: assert (!idle || (addresses == responses && ends == addresses
                                         && !aw_valid && !w_valid));
      nothing_invented: assert (aborted || 8'(taken_in - taken_out) <= 8'(2 * BurstBeats + 1));
      done_means_all: assert (!done || !ran || aborted || (ended && taken_out == taken_in));
    end
  end

endmodule : writer_properties

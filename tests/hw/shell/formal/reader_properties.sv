// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// What shell_reader owes AXI and its FIFO, whatever memory, stream and sequencer do.
// Assumed: memory brings only beats that were asked for; a run starts only when memory owes nothing.

module reader_properties (
  input logic        clk_i,
  input logic        start_i,
  input logic [7:0]  place_i,  // the rest of the address is of no interest
  input logic [1:0]  frames_i,
  input logic        abort_i,
  input logic        ar_ready_i,
  input logic        r_valid_i,
  input logic [7:0]  r_data_i,
  input logic [1:0]  r_resp_i,
  input logic        out_ready_i
);

  localparam int unsigned DataBytes = 32, BurstBeats = 4, Outstanding = 2, FrameBytes = 144;
  localparam int unsigned Depth = Outstanding * BurstBeats;

  logic rst_n = 1'b0;
  always_ff @(posedge clk_i) rst_n <= 1'b1;

  logic        idle, ar_valid, r_ready, out_valid;
  logic [63:0] ar_addr;
  logic [8*DataBytes-1:0] out_data;
  logic [7:0]  ar_len;

  logic [57:0] address;
  assign address = {50'h1_2345, place_i};

  shell_reader #(
    .DataBytes(DataBytes), .BurstBeats(BurstBeats), .Outstanding(Outstanding),
    .FrameBytes(FrameBytes)
  ) dut (
    .clk_i, .rst_ni(rst_n), .start_i, .address_i(address), .frames_i(32'(frames_i)), .abort_i, .idle_o(idle), .moved_o(),
    .slverr_o(), .decerr_o(), .ar_valid_o(ar_valid), .ar_ready_i, .ar_addr_o(ar_addr),
    .ar_len_o(ar_len), .r_valid_i, .r_ready_o(r_ready), .r_data_i({32{r_data_i}}), .r_resp_i,
    .out_valid_o(out_valid), .out_ready_i, .out_data_o(out_data)
  );

  // A model of what memory owes, of what the FIFO holds and of what the run still needs.
  logic [7:0]  owed = '0, held = '0;
  logic [7:0]  asked = '0, needed = '0;
  logic        ran = 1'b0, aborted = 1'b0;
  logic [63:0] next_address = '0;
  logic        taken, came, left;

  assign taken = ar_valid && ar_ready_i;
  assign came  = r_valid_i && r_ready;
  assign left  = out_valid && out_ready_i;

  always_ff @(posedge clk_i) begin
    if (rst_n) begin
      owed <= owed + (taken ? ar_len + 8'd1 : 8'd0) - 8'(came);
      if (abort_i || start_i) held <= '0;
      else held <= held + 8'(came) - 8'(left);
      if (start_i) begin
        ran          <= 1'b1;
        aborted      <= 1'b0;
        asked        <= '0;
        needed       <= (frames_i == 1) ? 8'd5 : (frames_i == 2) ? 8'd9 : 8'd14;  // 4.5 beats each
        next_address <= {address, 6'd0};
      end else begin
        if (abort_i) aborted <= 1'b1;
        if (taken) begin
          asked        <= asked + ar_len + 8'd1;
          next_address <= ar_addr + DataBytes * (64'(ar_len) + 64'd1);
        end
      end
    end
  end

  logic        waited = 1'b0;
  logic [63:0] waited_addr = '0;
  logic [7:0]  waited_len = '0;
  always_ff @(posedge clk_i) begin
    waited      <= ar_valid && !ar_ready_i && rst_n;
    waited_addr <= ar_addr;
    waited_len  <= ar_len;
  end

  logic [63:0] last_byte;
  assign last_byte = ar_addr + DataBytes * (64'(ar_len) + 64'd1) - 64'd1;

  always_comb begin
    assume (!r_valid_i || owed != 0);
    assume (!start_i || (rst_n && idle && !abort_i && (!ran || aborted || asked == needed)
                         && held == 0));
    assume (frames_i != 0);

    if (rst_n) begin
      if (waited) begin
        stays_valid: assert (ar_valid);
        stays_address: assert (ar_addr == waited_addr && ar_len == waited_len);
      end
      if (ar_valid) begin
        no_4k_crossing: assert (ar_addr[63:12] == last_byte[63:12]);
        whole_beats: assert (ar_addr[4:0] == '0);
        short_bursts: assert (ar_len < BurstBeats);
        only_in_a_run: assert (ran);
        in_order: assert (aborted || ar_addr == next_address);
        no_more_than_needed: assert (aborted || asked + ar_len + 8'd1 <= needed);
      end
      bounded: assert (aborted || owed + held + (ar_valid ? ar_len + 8'd1 : 8'd0) <= 8'(Depth));
      idle_means_idle: assert (!idle || (owed == 0 && !ar_valid));
    end
  end

endmodule : reader_properties

// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// What shell_control owes AXI4-Lite and the run, whatever its master and the sequencer do.
// Assumed: a master keeps what it offers, as AXI wants.

module control_properties (
  input logic         clk_i,
  input logic         aw_valid_i,
  input logic [11:0]  aw_addr_i,
  input logic         w_valid_i,
  input logic [31:0]  w_data_i,
  input logic [3:0]   w_strb_i,
  input logic         b_ready_i,
  input logic         ar_valid_i,
  input logic [11:0]  ar_addr_i,
  input logic         r_ready_i,
  input logic         idle_i,
  input logic         done_i
);

  logic rst_n = 1'b0;
  always_ff @(posedge clk_i) rst_n <= 1'b1;

  logic        aw_ready, w_ready, b_valid, ar_ready, r_valid, start, interrupt;
  logic [31:0] r_data, count;
  logic [63:0] input_address, output_address, record_address;

  shell_control dut (
    .clk_i, .rst_ni(rst_n), .aw_valid_i, .aw_ready_o(aw_ready), .aw_addr_i, .w_valid_i,
    .w_ready_o(w_ready), .w_data_i, .w_strb_i, .b_valid_o(b_valid), .b_ready_i, .ar_valid_i,
    .ar_ready_o(ar_ready), .ar_addr_i, .r_valid_o(r_valid), .r_ready_i, .r_data_o(r_data),
    .start_o(start), .idle_i, .done_i, .interrupt_o(interrupt), .input_address_o(input_address),
    .output_address_o(output_address), .count_o(count), .record_address_o(record_address),
    .record_i({16{32'hC0DE}}), .geometry_i('0)
  );

  // Writes taken and answered, reads taken and answered; the write that is under way.
  logic [1:0]  addresses = '0, datas = '0, answers = '0, reads = '0, replies = '0;
  logic [11:0] address = '0;
  logic        b_waited = 1'b0, r_waited = 1'b0, aw_waited = 1'b0, w_waited = 1'b0, ar_waited = 1'b0;
  logic [31:0] r_before = '0;
  logic [47:0] w_before = '0;
  logic [11:0] ar_before = '0;
  logic        started = 1'b0, done_before = 1'b0;

  always_ff @(posedge clk_i) begin
    if (rst_n) begin
      addresses   <= addresses + 2'(aw_valid_i && aw_ready);
      datas       <= datas + 2'(w_valid_i && w_ready);
      answers     <= answers + 2'(b_valid && b_ready_i);
      reads       <= reads + 2'(ar_valid_i && ar_ready);
      replies     <= replies + 2'(r_valid && r_ready_i);
      if (aw_valid_i && aw_ready) address <= aw_addr_i;
      b_waited    <= b_valid && !b_ready_i;
      r_waited    <= r_valid && !r_ready_i;
      aw_waited   <= aw_valid_i && !aw_ready;
      w_waited    <= w_valid_i && !w_ready;
      ar_waited   <= ar_valid_i && !ar_ready;
      r_before    <= r_data;
      w_before    <= {aw_addr_i, w_data_i, w_strb_i};
      ar_before   <= ar_addr_i;
      started     <= start;
      done_before <= done_i;
    end
  end

  logic [1:0] open_writes, open_datas, open_reads;
  assign open_writes = addresses - answers;
  assign open_datas  = datas - answers;
  assign open_reads  = reads - replies;

  always_comb begin
    assume (!aw_waited || (aw_valid_i && aw_addr_i == w_before[47:36]));
    assume (!w_waited || (w_valid_i && {w_data_i, w_strb_i} == w_before[35:0]));
    assume (!ar_waited || (ar_valid_i && ar_addr_i == ar_before));

    if (rst_n) begin
      if (b_waited) begin
        b_stays: assert (b_valid);
      end
      if (r_waited) begin
        r_stays: assert (r_valid && r_data == r_before);
      end
      b_answers_a_write: assert (!b_valid || (open_writes != 0 && open_datas != 0));
      r_answers_a_read: assert (!r_valid || open_reads == 2'd1);
      few_writes: assert (open_writes <= 2'd2 && open_datas <= 2'd2);
      one_read: assert (open_reads <= 2'd1);
      start_is_asked_for: assert (!start || started || address[11:2] == '0);
      start_stays: assert (!started || start || done_before);
    end
  end

endmodule : control_properties

// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// AXI4-Lite slave with the registers of a kernel, as XRT's ap_ctrl_hs and PYNQ expect them.
//
// 0x00  start(0: cleared when the run is done) done(1: cleared by reading) idle(2)
//       ready(3: as done)
// 0x04  global interrupt enable(0)     0x08  interrupt enable: done(0), ready(1)
// 0x0C  interrupt status, toggled by the ones that are written
// 0x10  input address, 64 bits         0x1C  output address, 64 bits
// 0x28  count of images                0x30  record address, 64 bits
// 0x80  the 16 words of the completion record, read-only; 0xC0 four words of geometry, read-only
//
// Writes to other addresses do nothing, reads there give zero; every response is OKAY. Writing an
// argument has no other effect. One access of each kind at a time, latency two cycles.

module shell_control
  import shell_pkg::*;
(
  input  logic         clk_i,
  input  logic         rst_ni,

  input  logic         aw_valid_i,
  output logic         aw_ready_o,
  // verilator lint_off UNUSEDSIGNAL
  input  logic [11:0]  aw_addr_i,  // of words: the lowest two bits are ignored
  // verilator lint_on UNUSEDSIGNAL
  input  logic         w_valid_i,
  output logic         w_ready_o,
  input  logic [31:0]  w_data_i,
  input  logic [3:0]   w_strb_i,
  output logic         b_valid_o,
  input  logic         b_ready_i,
  input  logic         ar_valid_i,
  output logic         ar_ready_o,
  // verilator lint_off UNUSEDSIGNAL
  input  logic [11:0]  ar_addr_i,
  // verilator lint_on UNUSEDSIGNAL
  output logic         r_valid_o,
  input  logic         r_ready_i,
  output logic [31:0]  r_data_o,

  output logic         start_o,
  input  logic         idle_i,
  input  logic         done_i,  // a pulse
  output logic         interrupt_o,

  output logic [63:0]  input_address_o,
  output logic [63:0]  output_address_o,
  output logic [31:0]  count_o,
  output logic [63:0]  record_address_o,
  input  logic [511:0] record_i,
  input  logic [127:0] geometry_i
);

  typedef logic [31:0] word_t;

  // Address and data of a write come in any order.
  logic        aw_full_q, w_full_q, b_valid_q;
  logic [9:0]  aw_word_q;
  word_t       w_data_q;
  logic [3:0]  w_strb_q;
  logic        write;

  assign aw_ready_o = !aw_full_q;
  assign w_ready_o  = !w_full_q;
  assign b_valid_o  = b_valid_q;
  assign write      = aw_full_q && w_full_q && (!b_valid_q || b_ready_i);

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      aw_full_q <= 1'b0;
      w_full_q  <= 1'b0;
      b_valid_q <= 1'b0;
    end else begin
      if (aw_valid_i) aw_full_q <= 1'b1;
      if (w_valid_i) w_full_q <= 1'b1;
      if (write) begin
        aw_full_q <= 1'b0;
        w_full_q  <= 1'b0;
      end
      if (write) b_valid_q <= 1'b1;
      else if (b_ready_i) b_valid_q <= 1'b0;
    end
  end

  always_ff @(posedge clk_i) begin
    if (aw_valid_i && aw_ready_o) aw_word_q <= aw_addr_i[11:2];
    if (w_valid_i && w_ready_o) begin
      w_data_q <= w_data_i;
      w_strb_q <= w_strb_i;
    end
  end

  function automatic word_t merged(input word_t old);
    word_t result;
    for (int unsigned i = 0; i < 4; i++) begin
      result[8*i+:8] = w_strb_q[i] ? w_data_q[8*i+:8] : old[8*i+:8];
    end
    return result;
  endfunction

  word_t input_low_q, input_high_q, output_low_q, output_high_q;
  word_t count_q, record_low_q, record_high_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      input_low_q   <= '0;
      input_high_q  <= '0;
      output_low_q  <= '0;
      output_high_q <= '0;
      count_q       <= '0;
      record_low_q  <= '0;
      record_high_q <= '0;
    end else if (write) begin
      unique case (aw_word_q)
        AddrInput[11:2]:          input_low_q   <= merged(input_low_q);
        AddrInput[11:2] + 10'd1:  input_high_q  <= merged(input_high_q);
        AddrOutput[11:2]:         output_low_q  <= merged(output_low_q);
        AddrOutput[11:2] + 10'd1: output_high_q <= merged(output_high_q);
        AddrCount[11:2]:          count_q       <= merged(count_q);
        AddrRecord[11:2]:         record_low_q  <= merged(record_low_q);
        AddrRecord[11:2] + 10'd1: record_high_q <= merged(record_high_q);
        default: ;
      endcase
    end
  end

  assign input_address_o  = {input_high_q, input_low_q};
  assign output_address_o = {output_high_q, output_low_q};
  assign count_o          = count_q;
  assign record_address_o = {record_high_q, record_low_q};

  logic       start_q, done_q, global_enable_q;
  logic [1:0] enable_q, status_q, toggle;
  logic       write_low, read, read_control;

  assign write_low = write && w_strb_q[0];
  assign toggle    = (write_low && aw_word_q == AddrInterruptStatus[11:2]) ? w_data_q[1:0] : '0;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      start_q         <= 1'b0;
      done_q          <= 1'b0;
      global_enable_q <= 1'b0;
      enable_q        <= '0;
      status_q        <= '0;
    end else begin
      if (write_low && aw_word_q == AddrControl[11:2] && w_data_q[0]) start_q <= 1'b1;
      else if (done_i) start_q <= 1'b0;
      if (done_i) done_q <= 1'b1;
      else if (read_control) done_q <= 1'b0;
      if (write_low && aw_word_q == AddrGlobalInterrupt[11:2]) global_enable_q <= w_data_q[0];
      if (write_low && aw_word_q == AddrInterruptEnable[11:2]) enable_q <= w_data_q[1:0];
      status_q <= (status_q ^ toggle) | (done_i ? enable_q : '0);
    end
  end

  assign start_o     = start_q;
  assign interrupt_o = global_enable_q && status_q != '0;

  logic  r_valid_q;
  word_t r_data_q, r_data_d;
  logic [9:0] ar_word;

  assign ar_ready_o   = !r_valid_q;
  assign read         = ar_valid_i && ar_ready_o;
  assign ar_word      = ar_addr_i[11:2];
  assign read_control = read && ar_word == AddrControl[11:2];

  always_comb begin
    unique case (ar_word)
      AddrControl[11:2]:         r_data_d = {28'd0, done_q, idle_i && !start_q, done_q, start_q};
      AddrGlobalInterrupt[11:2]: r_data_d = {31'd0, global_enable_q};
      AddrInterruptEnable[11:2]: r_data_d = {30'd0, enable_q};
      AddrInterruptStatus[11:2]: r_data_d = {30'd0, status_q};
      AddrInput[11:2]:           r_data_d = input_low_q;
      AddrInput[11:2] + 10'd1:   r_data_d = input_high_q;
      AddrOutput[11:2]:          r_data_d = output_low_q;
      AddrOutput[11:2] + 10'd1:  r_data_d = output_high_q;
      AddrCount[11:2]:           r_data_d = count_q;
      AddrRecord[11:2]:          r_data_d = record_low_q;
      AddrRecord[11:2] + 10'd1:  r_data_d = record_high_q;
      default:                   r_data_d = '0;
    endcase
    if (ar_word[9:4] == AddrStatusBlock[11:6]) r_data_d = record_i[32*ar_word[3:0]+:32];
    if (ar_word[9:2] == AddrGeometry[11:4]) r_data_d = geometry_i[32*ar_word[1:0]+:32];
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) r_valid_q <= 1'b0;
    else if (read) r_valid_q <= 1'b1;
    else if (r_ready_i) r_valid_q <= 1'b0;
  end

  always_ff @(posedge clk_i) begin
    if (read) r_data_q <= r_data_d;
  end

  assign r_valid_o = r_valid_q;
  assign r_data_o  = r_data_q;

endmodule : shell_control

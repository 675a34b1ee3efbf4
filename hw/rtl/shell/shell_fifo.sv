// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// FIFO between a memory port and a stream converter.
//
// Words leave in the order in which they came. It holds at least Depth words; one word a cycle,
// latency two cycles. The memory is read into a register, so that block RAM can hold it.
// clear_i drops all words; none is taken or given in that cycle.

module shell_fifo #(
  parameter int unsigned Width = 64,
  parameter int unsigned Depth = 16  // a power of two, at least 2
) (
  input  logic             clk_i,
  input  logic             rst_ni,
  input  logic             clear_i,

  input  logic             in_valid_i,
  output logic             in_ready_o,
  input  logic [Width-1:0] in_data_i,

  output logic             out_valid_o,
  input  logic             out_ready_i,
  output logic [Width-1:0] out_data_o
);

  if (Width < 1 || Depth < 2 || 2 ** $clog2(Depth) != Depth) begin : gen_illegal_size
    $error("shell_fifo: Width=%0d must be at least 1, Depth=%0d a power of two", Width, Depth);
  end

  localparam int unsigned PointerBits = $clog2(Depth);
  typedef logic [PointerBits-1:0] pointer_t;
  typedef logic [PointerBits:0]   fill_t;

  logic [Width-1:0] memory [Depth];
  logic [Width-1:0] word_q;
  pointer_t write_q, read_q;
  fill_t    fill_q;   // words in the memory
  logic     valid_q;  // word_q holds one more
  logic     push, pop, step;

  assign in_ready_o  = fill_q != fill_t'(Depth);
  assign out_valid_o = valid_q;
  assign out_data_o  = word_q;

  assign push = in_valid_i && in_ready_o && !clear_i;
  assign step = !valid_q || out_ready_i;
  assign pop  = fill_q != '0 && step;

  always_ff @(posedge clk_i) begin
    if (push) memory[write_q] <= in_data_i;
    if (step) word_q <= memory[read_q];
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni || clear_i) begin
      write_q <= '0;
      read_q  <= '0;
      fill_q  <= '0;
      valid_q <= 1'b0;
    end else begin
      if (push) write_q <= write_q + 1'b1;
      if (pop) read_q <= read_q + 1'b1;
      if (push != pop) fill_q <= push ? fill_q + 1'b1 : fill_q - 1'b1;
      if (step) valid_q <= pop;
    end
  end

endmodule : shell_fifo

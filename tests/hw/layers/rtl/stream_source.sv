// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Offers the words of File in order; with `stall`, holds back at random, more and less in turns.
module stream_source #(
  parameter int unsigned Width = 8,
  parameter int unsigned Beats = 1,
  parameter              File  = ""
) (
  input  logic             clk_i,
  input  logic             rst_ni,
  input  logic             stall_i,
  output logic             valid_o,
  input  logic             ready_i,
  output logic [Width-1:0] data_o
);
  logic [Width-1:0] words [Beats];
  initial $readmemh(File, words);

  int unsigned sent_q, percent_q, blocked_q;
  logic valid_q;
  logic done;
  assign done    = sent_q == Beats;
  assign valid_o = valid_q && !done;
  assign data_o  = valid_o ? words[sent_q] : Width'({Width{1'b1}});

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      sent_q    <= 0;
      valid_q   <= 1'b0;
      percent_q <= 0;
      blocked_q <= 0;
    end else begin
      if (stall_i && $urandom_range(15) == 0) percent_q <= $urandom_range(3) * 32;
      if (valid_o && ready_i) sent_q <= sent_q + 1;
      if (valid_o && !ready_i) blocked_q <= blocked_q + 1;
      if (!valid_o || ready_i) valid_q <= $urandom_range(99) >= percent_q;
    end
  end

  final begin
    if (!done) $display("FAILED %m: only %0d of %0d beats were taken", sent_q, Beats);
    if (blocked_q != 0) $display("STALLED %m: was held up");
  end
endmodule : stream_source

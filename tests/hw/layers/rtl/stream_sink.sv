// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Takes Beats words and prints "Name cycle word" for each; with `stall`, refuses at random. An
// offer must stand until it is taken, and no word may follow the last.
module stream_sink #(
  parameter int unsigned Width = 8,
  parameter int unsigned Beats = 1,
  parameter              Name  = ""
) (
  input  logic             clk_i,
  input  logic             rst_ni,
  input  logic             stall_i,
  input  logic             valid_i,
  output logic             ready_o,
  input  logic [Width-1:0] data_i,
  output logic             done_o
);
  int unsigned cycle_q, taken_q, percent_q, blocked_q, idle_q;
  logic ready_q, held_q;
  logic [Width-1:0] data_q;
  assign ready_o = ready_q;
  assign done_o  = taken_q >= Beats;

  always_ff @(posedge clk_i) begin
    data_q <= data_i;
    held_q <= rst_ni && valid_i && !ready_o;
    if (!rst_ni) begin
      cycle_q   <= 0;
      taken_q   <= 0;
      percent_q <= 0;
      blocked_q <= 0;
      idle_q    <= 0;
      ready_q   <= 1'b0;
    end else begin
      cycle_q <= cycle_q + 1;
      ready_q <= $urandom_range(99) >= percent_q;
      if (stall_i && $urandom_range(15) == 0) percent_q <= $urandom_range(3) * 33;
      if (valid_i && !ready_o) blocked_q <= blocked_q + 1;
      if (!valid_i && ready_o) idle_q <= idle_q + 1;
      if (held_q && (!valid_i || data_i != data_q)) $display("FAILED %m: an offer was changed");
      if (valid_i && ready_o) begin
        taken_q <= taken_q + 1;
        $display("%s %0d %h", Name, cycle_q, data_i);
        if (done_o) $display("FAILED %m: more than %0d beats", Beats);
      end
    end
  end

  final begin
    if (!done_o) $display("FAILED %m: only %0d of %0d beats arrived", taken_q, Beats);
    if (blocked_q != 0) $display("STALLED %m: held up a word");
    if (idle_q != 0) $display("STALLED %m: waited for a word");
  end
endmodule : stream_sink

// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Checks fifo.sv against a queue and add_multi.sv against plain sums, under random stalls.
module fifo_check #(int unsigned Depth, int unsigned Width, parameter Style = "auto") (
  input logic clk,
  input logic rst,
  input logic [63:0] random,
  input logic drain
);
  logic [Width-1:0] idat, odat;
  logic ivld, irdy, ovld, ordy;
  logic [$clog2(Depth+1):0] count, maxcount;
  logic [Width-1:0] model [$];
  int unsigned moved = 0;
  int unsigned most = 0;
  assign idat = Width'(random >> 3);
  assign ivld = random[60] || !drain;
  assign ordy = drain && random[61:60] != 0;

  fifo #(.DEPTH(Depth), .DATA_WIDTH(Width), .RAM_STYLE(Style)) dut (.*);
  always @(posedge clk) begin
    if (!rst) begin
      if (ovld && (model.size() == 0 || odat !== model[0])) $fatal(1, "%m: wrong word");
      if (count != model.size()) $fatal(1, "%m: count %0d, held %0d", count, model.size());
      if (ovld && ordy) begin
        void'(model.pop_front());
        moved++;
      end
      if (irdy && ivld) model.push_back(idat);
      if (model.size() > most) most = model.size();
    end
  end
  final begin
    if (most < Depth) $fatal(1, "%m: never held more than %0d words", most);
    if (maxcount != most) $fatal(1, "%m: maxcount %0d, most %0d", maxcount, most);
    if (moved < 1000) $fatal(1, "%m: only %0d words moved", moved);
  end
endmodule

module sum_check import mvu_pkg::*; #(
  int unsigned N, int unsigned Depth, int unsigned Width, int Lo = 0, int Hi = 0
) (
  input logic clk,
  input logic rst,
  input logic [63:0] random
);
  localparam int unsigned SumWidth = sumwidth(N, Width, Lo, Hi);
  logic [Width-1:0] arg [N];
  logic [SumWidth-1:0] sum;
  longint expected [$];
  longint total;
  longint found;
  add_multi #(.N(N), .DEPTH(Depth), .ARG_WIDTH(Width), .ARG_LO(Lo), .ARG_HI(Hi)) dut (
    .clk, .rst, .en(1'b1), .arg, .sum
  );
  always_comb begin
    for (int i = 0; i < N; i++) begin
      if (Lo < 0) arg[i] = random[5*i] ? Width'(0) : random[5*i+1] ? Width'(Lo) : Width'(Hi);
      else arg[i] = Width'(random >> (5 * i));
    end
  end
  always @(posedge clk) begin
    total = 0;
    for (int i = 0; i < N; i++) total += Lo < 0 ? longint'($signed(arg[i])) : longint'(arg[i]);
    if (rst) expected.delete();
    else begin
      expected.push_back(total);
      if (expected.size() > Depth) begin
        found = Lo < 0 ? longint'($signed(sum)) : longint'(sum);
        if (found != expected[0]) $fatal(1, "%m: sum %0d, expected %0d", found, expected[0]);
        void'(expected.pop_front());
      end
    end
  end
endmodule

module queue_tb;
  logic clk = 0;
  logic rst = 1;
  logic [63:0] random = 64'h2545f4914f6cdd1d;
  int unsigned cycle = 0;
  always #5 clk = !clk;
  logic drain;
  always @(negedge clk) begin
    random = random ^ (random << 13);
    random = random ^ (random >> 7);
    random = random ^ (random << 17);
    rst = cycle < 3;
    drain = cycle > 3200;
    cycle++;
    if (cycle == 8000) begin
      $display("done");
      $finish;
    end
  end
  fifo_check #(2, 8) shallow (.*);
  fifo_check #(33, 5) shift (.*);
  fifo_check #(100, 13) distributed (.*);
  fifo_check #(300, 7) block (.*);
  fifo_check #(2100, 9) deep (.*);
  sum_check #(9, 4, 2, -1, 1) small_signed (.*);
  sum_check #(9, 5, 6) delayed (.*);
  sum_check #(7, 2, 4) shallow_tree (.*);
  sum_check #(1, 1, 4) single (.*);
endmodule

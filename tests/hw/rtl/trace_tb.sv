// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Drives `dut` with the same pseudo-random stalls and data each time and prints what every cycle
// shows: two implementations with equal traces are equal cycle by cycle. The words of our own memory
// are checked against its files, and that there is one in every cycle while nobody stalls.
module trace_tb;
  logic clk = 0;
  logic rst = 1;
  logic [63:0] random_q = 64'h9e3779b97f4a7c15;
  logic [3:0] ivld, ordy, ovld;
  logic [2:0] irdy;
  logic [33:0] idat;
  logic [7:0] odat_a;
  logic [15:0] odat_b;
  logic [1:0] odat_c;
  logic [13:0] odat_m;
  logic [2:0] wvld;
  logic [13:0] wdat_0, wdat_1;
  logic [9:0] wdat_2;
  logic [13:0] words [37];
  logic [9:0] long_words [333];
  int unsigned taken [3];
  int unsigned cycle = 0;
  int unsigned busy;  // quarters of the time in which a stream moves

  dut dut (.*);
  initial begin
    $readmemh("memory.dat", words);
    $readmemh("long.dat", long_words);
  end
  always #5 clk = !clk;

  always @(negedge clk) begin
    random_q = random_q ^ (random_q << 13);
    random_q = random_q ^ (random_q >> 7);
    random_q = random_q ^ (random_q << 17);
    busy = 1 + (cycle / 512) % 4;
    for (int i = 0; i < 4; i++) begin
      ivld[i] = random_q[40+2*i+:2] < busy;
      ordy[i] = random_q[50+2*i+:2] < busy;
    end
    if (cycle / 2048 == 1) ordy = '1;
    idat = random_q[33:0];
    rst = cycle < 4 || cycle == 1500;
    cycle++;
    if (cycle == 4096) $finish;
  end

  always @(posedge clk) begin
    for (int i = 0; i < 3; i++) begin
      if (rst) taken[i] = 0;
      else if (wvld[i] && ordy[i]) taken[i]++;
      if (!rst && cycle > 2100 && cycle < 4000 && ordy[i] && !wvld[i]) $fatal(1, "%0d waits", i);
    end
`ifndef NETLIST  // Yosys has no model of a block RAM's contents
    if (!rst && wvld[0] && ordy[0] && wdat_0 != words[(taken[0] - 1) % 37]) $fatal(1, "block");
`endif
    if (!rst && wvld[1] && ordy[1] && wdat_1 != words[(taken[1] - 1) % 37]) $fatal(1, "few");
    if (!rst && wvld[2] && ordy[2] && wdat_2 != long_words[(taken[2] - 1) % 333]) $fatal(1, "many");
    if (cycle > 5 && !rst) begin
      $display("%b %b %h %h %h %h", irdy, ovld, ovld[0] ? odat_a : 0, ovld[1] ? odat_b : 0,
               ovld[2] ? odat_c : 0, ovld[3] ? odat_m : 0);
    end
  end
endmodule

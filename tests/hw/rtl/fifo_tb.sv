// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// hw/rtl/sim/fifo.sv against a queue, with both sides stalled at random: order, timing, capacity,
// occupancy; and that each stimulus occurred.

module fifo_tb;
  localparam int unsigned Depths[4] = '{2, 5, 6, 33};
  localparam int unsigned Beats = 3000;

  logic clk = 0;
  logic rst = 1;
  logic [3:0] done = '0;
  always #5 clk = !clk;
  initial begin
    repeat (4) @(posedge clk);
    #1 rst = 0;
  end

  for (genvar g = 0; g < 4; g++) begin : gen_case
    localparam int unsigned Capacity = (Depths[g] > 5) ? Depths[g] : 5;
    localparam int unsigned CountWidth = $clog2(Depths[g] + 1) + 1;

    logic [15:0] idat, odat;
    logic ivld = 0, irdy, ovld, ordy = 0;
    logic [CountWidth-1:0] count, maxcount;
    fifo #(.DEPTH(Depths[g]), .DATA_WIDTH(16)) dut (.*);

    logic [15:0] held[$];
    int unsigned taken = 0, full = 0, empty = 0, highest = 0, phase = 0;

    always @(posedge clk) if (!rst) begin
      if (int'(count) != held.size()) $fatal(1, "depth %0d: count %0d", Depths[g], count);
      if (held.size() > Capacity) $fatal(1, "depth %0d: overrun", Depths[g]);
      if (!irdy && held.size() < Capacity - 1) $fatal(1, "depth %0d: closed early", Depths[g]);
      if (ovld && odat != held[0]) $fatal(1, "depth %0d: wrong beat", Depths[g]);
      if (held.size() == Capacity && !irdy) full++;
      if (!ovld && ordy) empty++;
      if (ovld && ordy) begin
        void'(held.pop_front());
        taken++;
      end
      if (ivld && irdy) held.push_back(idat);
      if (held.size() > highest) highest = held.size();
    end

    // Phases: mostly writing, mostly reading, both at full speed.
    always @(negedge clk) begin
      if (rst || !ivld || irdy) begin
        ivld = (phase != 1) || ($urandom_range(3) == 0);
        idat = 16'($urandom);
      end
      ordy  = (phase != 0) || ($urandom_range(3) == 0);
      phase = ($urandom_range(99) == 0) ? $urandom_range(2) : phase;
      if (taken >= Beats && !done[g]) begin
        if (full == 0 || empty == 0) $fatal(1, "depth %0d: stimulus missing", Depths[g]);
        if (highest != Capacity) $fatal(1, "depth %0d: holds %0d", Depths[g], highest);
        if (int'(maxcount) != Capacity) $fatal(1, "depth %0d: max %0d", Depths[g], maxcount);
        done[g] = 1;
      end
    end
  end

  initial begin
    wait (done == '1);
    $display("passed");
    $finish;
  end
  initial begin
    #5_000_000;
    $fatal(1, "timeout, done %b", done);
  end
endmodule

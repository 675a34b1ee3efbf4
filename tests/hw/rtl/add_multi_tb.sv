// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// hw/rtl/sim/add_multi.sv against a sum in the testbench: latency DEPTH, random enable.

module add_multi_tb;
  localparam int unsigned N[5] = '{1, 2, 5, 9, 27};
  localparam int unsigned Depth[5] = '{0, 1, 3, 4, 2};
  localparam int Low[5] = '{0, -1, 0, -1, -7};
  localparam int High[5] = '{0, 1, 0, 1, 7};
  localparam int unsigned Width[5] = '{8, 2, 6, 2, 4};

  logic clk = 0;
  logic rst = 1;
  logic en = 1;
  int unsigned stalls = 0, cycles = 0;
  always #5 clk = !clk;

  for (genvar g = 0; g < 5; g++) begin : gen_case
    localparam int unsigned SumWidth =
        mvu_pkg::sumwidth(N[g], Width[g], longint'(Low[g]), longint'(High[g]));
    logic [Width[g]-1:0] arg[N[g]];
    logic [SumWidth-1:0] sum;
    add_multi #(
      .N(N[g]), .DEPTH(Depth[g]), .ARG_WIDTH(Width[g]), .ARG_LO(Low[g]), .ARG_HI(High[g])
    ) dut (.*);

    longint expected[$];
    longint total;
    always @(posedge clk) if (!rst && en) begin
      total = 0;
      foreach (arg[i]) total += (Low[g] < 0) ? longint'($signed(arg[i])) : longint'(arg[i]);
      expected.push_back(total);
      if (expected.size() > Depth[g]) begin
        if (sum !== SumWidth'(expected[0])) $fatal(1, "case %0d: %0d", g, sum);
        void'(expected.pop_front());
      end
    end
    always @(negedge clk) begin
      foreach (arg[i]) begin
        arg[i] = Width[g]'((Low[g] < 0) ? $urandom_range(High[g] - Low[g]) + Low[g] : $urandom);
      end
    end
  end

  // DEPTH is at most $clog2(N) in all cases but the first two, so all stages obey `en`.
  always @(negedge clk) begin
    rst = (cycles < 3);
    en  = (cycles < 3) || ($urandom_range(2) != 0);
    if (!en) stalls++;
    cycles++;
    if (cycles == 2000) begin
      if (stalls == 0) $fatal(1, "stimulus missing");
      $display("passed");
      $finish;
    end
  end
endmodule

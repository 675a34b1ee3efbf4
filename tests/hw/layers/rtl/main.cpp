// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Clocks module `testbench` until it is done, and 50 cycles more: program STALL CYCLES.
#include <cstdlib>

#include "Vtestbench.h"
#include "verilated.h"

int main(int argc, char** argv) {
  VerilatedContext context;
  context.commandArgs(argc, argv);
  context.randSeed(std::atoi(argv[1]) + 1);
  Vtestbench top(&context);
  top.stall_i = std::atoi(argv[1]) != 0;
  top.rst_ni = 0;
  int left = 50;
  for (long cycle = 0; cycle < std::atol(argv[2]) && left > 0; ++cycle) {
    top.rst_ni = cycle >= 4;
    top.clk_i = 0;
    top.eval();
    top.clk_i = 1;
    top.eval();
    left -= cycle > 4 && top.done_o;
  }
  top.final();
  return 0;
}

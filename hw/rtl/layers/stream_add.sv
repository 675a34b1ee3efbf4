// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Sum of two streams of integers, element by element: y = a + b modulo 2^OutBits.
//
// Lanes:   lane p in bits [p*Bits +: Bits] of each stream; two's complement if signed.
// Timing:  latency one cycle, one beat a cycle.

module stream_add #(
  parameter int unsigned Pe      = 1,
  parameter int unsigned ABits   = 8,
  parameter bit          ASigned = 1'b1,
  parameter int unsigned BBits   = 8,
  parameter bit          BSigned = 1'b1,
  parameter int unsigned OutBits = 9
) (
  input  logic                  clk_i,
  input  logic                  rst_ni,

  input  logic                  a_valid_i,
  output logic                  a_ready_o,
  input  logic [Pe*ABits-1:0]   a_data_i,

  input  logic                  b_valid_i,
  output logic                  b_ready_o,
  input  logic [Pe*BBits-1:0]   b_data_i,

  output logic                  out_valid_o,
  input  logic                  out_ready_i,
  output logic [Pe*OutBits-1:0] out_data_o
);

  if (Pe < 1 || ABits < 1 || BBits < 1 || OutBits < 1) begin : gen_illegal_size
    $error("stream_add: Pe, ABits, BBits and OutBits must be at least 1");
  end

  logic valid, free;
  logic [Pe*OutBits-1:0] sum;

  stream_join #(.Inputs(2)) operands (
    .in_valid_i({b_valid_i, a_valid_i}), .in_ready_o({b_ready_o, a_ready_o}),
    .out_valid_o(valid), .out_ready_i(free)
  );

  for (genvar p = 0; p < Pe; p++) begin : gen_lane
    // verilator lint_off UNUSEDSIGNAL
    logic [ABits-1:0] a;  // its top does not matter to a narrower sum
    logic [BBits-1:0] b;
    // verilator lint_on UNUSEDSIGNAL
    assign a = a_data_i[p*ABits+:ABits];
    assign b = b_data_i[p*BBits+:BBits];
    assign sum[p*OutBits+:OutBits] = (ASigned ? OutBits'($signed(a)) : OutBits'(a))
                                   + (BSigned ? OutBits'($signed(b)) : OutBits'(b));
  end

  stream_register #(.Width(Pe*OutBits)) out_register (
    .clk_i, .rst_ni, .in_valid_i(valid), .in_ready_o(free), .in_data_i(sum),
    .out_valid_o, .out_ready_i, .out_data_o
  );

endmodule : stream_add

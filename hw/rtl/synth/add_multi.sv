// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Pipelined adder tree for synthesis: the name, ports, parameters, structure and latency of FINN's
// mvu/add_multi.sv, whose constant function sits inside a generate block, which slang refuses.
//
//   sum(t) = arg[0](t - DEPTH) + ... + arg[N-1](t - DEPTH), counted in enabled cycles up to the
//   tree's own registers; one result a cycle. Node i of the tree has the children 2i+1 and 2i+2;
//   nodes N-1 .. 2N-2 are the arguments.
module add_multi import mvu_pkg::*; #(
  int unsigned N,      // addends
  int unsigned DEPTH,  // pipeline stages
  int unsigned ARG_WIDTH,
  int ARG_LO = 0,      // range of the addends, 0 and 0 for the full unsigned range
  int ARG_HI = 0,
  bit RESET_ZERO = 1,  // reset to zero instead of leaving the value open
  localparam int unsigned SUM_WIDTH = sumwidth(N, ARG_WIDTH, ARG_LO, ARG_HI)
) (
  input  logic clk,
  input  logic rst,
  input  logic en,
  input  logic [ARG_WIDTH-1:0] arg [N],
  output logic [SUM_WIDTH-1:0] sum
);
  localparam int unsigned Levels = $clog2(N);
  localparam int unsigned Stages = Levels < DEPTH ? Levels : DEPTH;  // absorbed by the tree
  localparam bit Signed = ARG_LO < 0;

  // Arguments below a node: walk down level by level, clipping each level to the 2N-1 nodes.
  function automatic int unsigned leaves(int unsigned node);
    int unsigned first = node;
    int unsigned last = node;
    leaves = 0;
    for (int unsigned level = 0; level <= Levels; level++) begin
      for (int unsigned i = first; i <= last; i++) begin
        if (i >= N - 1 && i < 2 * N - 1) leaves++;
      end
      first = 2 * first + 1;
      last = 2 * last + 2;
    end
  endfunction

  logic signed [SUM_WIDTH-1:0] total;
  if (Levels == 0) begin : gen_single
    assign total = arg[0];
  end else begin : gen_tree
    logic signed [SUM_WIDTH-1:0] tree [2*N-1];
    for (genvar i = 0; i < 2 * N - 1; i++) begin : gen_node
      localparam int unsigned Width = sumwidth(leaves(i), ARG_WIDTH, ARG_LO, ARG_HI);
      localparam int unsigned Level = $clog2(i + 2) - 1;
      localparam int unsigned Step = Levels - Level;
      localparam bit Registered =
          (Level < Levels) && ((Step * Stages / Levels) < ((Step + 1) * Stages / Levels));
      logic [Width-1:0] value;
      logic [Width-1:0] value_q;

      if (i >= N - 1) begin : gen_leaf
        assign value = arg[i-(N-1)];
      end else begin : gen_add
        assign value = Width'(tree[2*i+1] + tree[2*i+2]);
      end
      if (Registered) begin : gen_register
        always_ff @(posedge clk) begin
          if (rst) value_q <= RESET_ZERO ? '0 : 'x;
          else if (en) value_q <= value;
        end
      end else begin : gen_wire
        assign value_q = value;
      end
      if (Signed) assign tree[i] = SUM_WIDTH'($signed(value_q));
      else assign tree[i] = SUM_WIDTH'(value_q);
    end
    assign total = tree[0];
  end

  if (DEPTH <= Levels) begin : gen_direct
    assign sum = total;
  end else begin : gen_delay
    logic [DEPTH-Levels-1:0][SUM_WIDTH-1:0] delay_q;
    always_ff @(posedge clk) begin
      if (rst) delay_q <= RESET_ZERO ? '0 : 'x;
      else delay_q <= {delay_q, SUM_WIDTH'(total)};
    end
    assign sum = delay_q[DEPTH-Levels-1];
  end
endmodule : add_multi

// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// FIFO for synthesis: name, ports and parameters of FINN's fifo/hdl/fifo.sv, and its choice between
// shift registers, distributed RAM and block RAM. In FINN's file the shift registers are arrays in
// ascending order, in which Yosys finds none: they would be counted as flip-flops.
//
// Words leave in the order in which they came. It holds at least DEPTH words, one of them in the
// output register; one word a cycle, latency 2 cycles (block RAM: 3). `count` and `maxcount` are
// for occupancy monitoring; left open, as in an accelerator, they cost nothing.
module fifo #(
  int unsigned DEPTH,
  int unsigned DATA_WIDTH,
  parameter RAM_STYLE = "auto"  // "auto", "shift", "distributed", "block" or "ultra"
) (
  input  logic clk,
  input  logic rst,

  input  logic [DATA_WIDTH-1:0] idat,
  input  logic ivld,
  output logic irdy,

  output logic [DATA_WIDTH-1:0] odat,
  output logic ovld,
  input  logic ordy,

  output logic [$clog2(DEPTH+1):0] count,
  output logic [$clog2(DEPTH+1):0] maxcount
);
  if (DEPTH < 2) $error("fifo: DEPTH=%0d is below 2", DEPTH);

  localparam Style =
      DEPTH <= 33 ? "shift" :
      RAM_STYLE != "auto" ? RAM_STYLE :
      DEPTH <= 64 && DATA_WIDTH < 12 ? "shift" :
      DEPTH <= 257 || DATA_WIDTH < 5 ? "distributed" :
      DEPTH <= 2028 ? "block" : "ultra";

  typedef logic [DATA_WIDTH-1:0] word_t;
  word_t out_q;
  logic valid_q;
  logic load;
  assign odat = out_q;
  assign ovld = valid_q;
  assign load = !valid_q || ordy;

  if (Style == "shift") begin : gen_shift
    localparam int unsigned Depth = DEPTH > 4 ? DEPTH - 1 : 4;
    // Empty, or that and one more than the index of the oldest word: the upper bit tells which.
    localparam int unsigned IndexBits = $clog2(Depth);
    typedef logic [IndexBits:0] fill_t;
    localparam fill_t Empty = fill_t'(2 ** IndexBits - 1);
    fill_t fill_q;
    logic ready_q;
    logic waiting;
    logic push;
    logic pop;
    word_t oldest;
    assign irdy = ready_q;
    assign waiting = fill_q[IndexBits];
    assign push = ready_q && ivld;
    assign pop = waiting && load;

    for (genvar i = 0; i < DATA_WIDTH; i++) begin : gen_bit
      logic [Depth-1:0] shift_q;
      always_ff @(posedge clk) if (push) shift_q <= {shift_q, idat[i]};
      assign oldest[i] = shift_q[fill_q[IndexBits-1:0]];
    end
    always_ff @(posedge clk) begin
      if (rst) begin
        fill_q <= Empty;
        ready_q <= 1'b1;
        valid_q <= 1'b0;
      end else begin
        fill_q <= fill_q + (push == pop ? 0 : push ? 1 : -1);
        if (push != pop) ready_q <= pop || fill_q != Empty + fill_t'(Depth - 1);
        if (load) valid_q <= waiting;
      end
      if (load) out_q <= oldest;
    end
  end else begin : gen_memory
    localparam bit Block = Style == "block" || Style == "ultra";
    localparam int unsigned Depth = DEPTH - 1;
    localparam int unsigned Last = Depth - 1;
    logic [$clog2(Depth)-1:0] write_q;
    logic [$clog2(Depth)-1:0] read_q;
    logic [$clog2(Depth+1)-1:0] fill_q;  // words in the memory
    logic push;
    logic pop;
    logic move;  // the output register takes what the memory, or its read register, holds
    logic arrived;
    word_t word;

    (* ram_style = Block ? "block" : "distributed" *)
    word_t memory [Depth];
    assign irdy = fill_q != ($clog2(Depth+1))'(Depth);
    assign push = irdy && ivld;
    always_ff @(posedge clk) begin
      if (push) memory[write_q] <= idat;
      if (rst) begin
        write_q <= '0;
        read_q <= '0;
        fill_q <= '0;
        valid_q <= 1'b0;
      end else begin
        if (push) write_q <= write_q == Last ? '0 : write_q + 1'b1;
        if (pop) read_q <= read_q == Last ? '0 : read_q + 1'b1;
        if (push != pop) fill_q <= push ? fill_q + 1'b1 : fill_q - 1'b1;
        if (move) valid_q <= arrived;
      end
      if (move) out_q <= word;
    end
    assign move = load;

    if (Block) begin : gen_block  // the block RAM's read register stands before the output
      word_t word_q;
      logic arrived_q;
      logic step;
      assign step = !arrived_q || load;
      assign pop = fill_q != 0 && step;
      always_ff @(posedge clk) begin
        if (step) word_q <= memory[read_q];
        if (rst) arrived_q <= 1'b0;
        else if (step) arrived_q <= pop;
      end
      assign word = word_q;
      assign arrived = arrived_q;
    end else begin : gen_distributed
      assign pop = fill_q != 0 && load;
      assign word = memory[read_q];
      assign arrived = fill_q != 0;
    end
  end

  // Words accepted and not yet delivered, and the most of them since reset.
  logic [$clog2(DEPTH+1):0] count_q;
  logic [$clog2(DEPTH+1):0] max_q;
  assign count = count_q;
  assign maxcount = max_q;
  always_ff @(posedge clk) begin
    if (rst) begin
      count_q <= '0;
      max_q <= '0;
    end else begin
      if ((irdy && ivld) != (ovld && ordy)) count_q <= irdy && ivld ? count_q + 1 : count_q - 1;
      if (count_q > max_q) max_q <= count_q;
    end
  end
endmodule : fifo

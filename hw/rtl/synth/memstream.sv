// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Endless stream of the words of a memory for synthesis: name, ports, parameters and cycle
// behaviour of FINN's memstream/hdl/memstream.sv with one set.
//
// FINN's file passes Yosys' slang front end, but its output queue is an array in ascending order,
// in which Yosys finds no shift register: 144 bits cost 1,000 flip-flops that Vivado does not use.
//
// Words 0 .. DEPTH-1 of INIT_FILE stream out again and again. A read takes three cycles; at most
// eight words are read and not yet delivered. The configuration port reads or writes one word and
// goes first; the answer to a read comes three cycles later.
module memstream #(
  int unsigned SETS,  // one set only
  int unsigned DEPTH,
  int unsigned WIDTH,

  parameter INIT_FILE = "",
  parameter RAM_STYLE = "auto",

  localparam int unsigned ADDR_WIDTH0 = $clog2(SETS * DEPTH),
  localparam int unsigned ADDR_WIDTH = ADDR_WIDTH0 != 0 ? ADDR_WIDTH0 : 1,
  localparam int unsigned SET_BITS = SETS > 2 ? $clog2(SETS) : 1
) (
  input  logic clk,
  input  logic rst,

  input  logic config_ce,
  input  logic config_we,
  input  logic [ADDR_WIDTH-1:0] config_address,
  input  logic [WIDTH-1:0] config_d0,

  output logic config_rack,
  output logic [WIDTH-1:0] config_q0,

  input  logic [SET_BITS-1:0] sidx,
  input  logic svld,
  output logic srdy,

  input  logic ordy,
  output logic ovld,
  output logic [WIDTH-1:0] odat
);
  if (SETS != 1) $error("memstream: SETS=%0d is not offered for synthesis; use 1", SETS);
  assign srdy = 1'b0;

  localparam int unsigned Credit = 8;  // words read ahead
  typedef logic [WIDTH-1:0] word_t;

  (* ram_style = RAM_STYLE *)
  word_t memory [DEPTH];
  if (INIT_FILE != "") begin : gen_contents
    initial $readmemh(INIT_FILE, memory);
  end

  // Address sequence, while there is credit; a delivered word gives its credit back.
  logic [ADDR_WIDTH-1:0] next_q;
  logic signed [$clog2(Credit):0] credit_q;  // -Credit .. -1, 0 when used up
  logic fetch;
  logic delivered;
  assign delivered = ovld && ordy;
  assign fetch = credit_q[$clog2(Credit)] && !config_ce;
  always_ff @(posedge clk) begin
    if (rst) begin
      next_q <= '0;
      credit_q <= -Credit;
    end else begin
      if (fetch) next_q <= next_q == ADDR_WIDTH'(DEPTH - 1) ? '0 : next_q + 1'b1;
      credit_q <= credit_q + (delivered == fetch ? 0 : fetch ? 1 : -1);
    end
  end

  // Command register, memory, and the memory's output register.
  logic write_q;
  logic [ADDR_WIDTH-1:0] address_q;
  word_t write_word_q;
  word_t word_q [2];
  logic [2:0] streamed_q;
  logic [2:0] answered_q;
  always_ff @(posedge clk) begin
    address_q <= config_ce ? config_address : next_q;
    write_word_q <= config_d0;
    if (write_q) memory[address_q] <= write_word_q;
    word_q[0] <= memory[address_q];
    word_q[1] <= word_q[0];
    if (rst) begin
      write_q <= 1'b0;
      streamed_q <= '0;
      answered_q <= '0;
    end else begin
      write_q <= config_ce && config_we;
      streamed_q <= {streamed_q, fetch};
      answered_q <= {answered_q, config_ce && !config_we};
    end
  end
  assign config_rack = answered_q[2];
  assign config_q0 = word_q[1];

  // Output queue: a shift register that is written at its head, read anywhere, and a register.
  localparam int unsigned QueueDepth = Credit - 1;
  logic signed [$clog2(Credit):0] fill_q;  // -1 when empty, else the index of the oldest word
  logic waiting;
  logic load;
  logic valid_q;
  word_t oldest;
  word_t out_q;
  assign waiting = !fill_q[$clog2(Credit)];
  assign load = !valid_q || ordy;
  for (genvar i = 0; i < WIDTH; i++) begin : gen_bit
    logic [QueueDepth-1:0] shift_q;
    always_ff @(posedge clk) if (streamed_q[2]) shift_q <= {shift_q, word_q[1][i]};
    assign oldest[i] = shift_q[fill_q[$clog2(Credit)-1:0]];
  end
  always_ff @(posedge clk) begin
    if (rst) begin
      fill_q <= '1;
      valid_q <= 1'b0;
    end else begin
      fill_q <= fill_q + (streamed_q[2] == (waiting && load) ? 0 : streamed_q[2] ? 1 : -1);
      if (load) valid_q <= waiting;
    end
    if (load) out_q <= oldest;
  end
  assign ovld = valid_q;
  assign odat = out_q;
endmodule : memstream

// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Gives every block of beats several times, one after the other: upsampling to the nearest pixel.
//
// In:      blocks of Block beats: a pixel to repeat columns, a row to repeat rows.
// Out:     each block Times times. The first time passes through; the others come from a memory.
// Timing:  latency one cycle, one beat out a cycle; Block * Times cycles a block, in the last
//          Block * (Times - 1) of which no beat is taken.
// Memory:  Block words of Bits, read one beat ahead.

module stream_repeat #(
  parameter int unsigned Block = 4,
  parameter int unsigned Times = 2,
  parameter int unsigned Bits  = 8  // of a beat
) (
  input  logic            clk_i,
  input  logic            rst_ni,

  input  logic            in_valid_i,
  output logic            in_ready_o,
  input  logic [Bits-1:0] in_data_i,

  output logic            out_valid_o,
  input  logic            out_ready_i,
  output logic [Bits-1:0] out_data_o
);

  if (Block < 1 || Times < 2 || Bits < 1) begin : gen_illegal_size
    $error("stream_repeat: Block and Bits must be at least 1, and Times at least 2");
  end

  localparam int unsigned BlockBits = (Block > 1) ? $clog2(Block) : 1;
  localparam int unsigned TimesBits = $clog2(Times);

  logic [BlockBits-1:0] beat_q, beat_d;
  logic [TimesBits-1:0] time_q;
  logic first, last_beat, last_time;
  logic valid, free, accept;
  logic [Bits-1:0] again, data;

  assign first     = time_q == '0;
  assign last_beat = beat_q == BlockBits'(Block - 1);
  assign last_time = time_q == TimesBits'(Times - 1);
  assign beat_d    = last_beat ? '0 : beat_q + 1'b1;

  assign valid      = in_valid_i || !first;
  assign in_ready_o = first && free;
  assign accept     = valid && free;
  assign data       = first ? in_data_i : again;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      beat_q <= '0;
      time_q <= '0;
    end else if (accept) begin
      beat_q <= beat_d;
      if (last_beat) time_q <= last_time ? '0 : time_q + 1'b1;
    end
  end

  if (Block == 1) begin : gen_register
    assign again = out_data_o;
  end else begin : gen_memory
    logic [Bits-1:0] memory [Block];
    logic [Bits-1:0] again_q;
    always_ff @(posedge clk_i) begin
      if (accept) begin
        if (first) memory[beat_q] <= in_data_i;
        again_q <= memory[beat_d];
      end
    end
    assign again = again_q;
  end

  stream_register #(.Width(Bits)) out_register (
    .clk_i, .rst_ni, .in_valid_i(valid), .in_ready_o(free), .in_data_i(data),
    .out_valid_o, .out_ready_i, .out_data_o
  );

endmodule : stream_repeat

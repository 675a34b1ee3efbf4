// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Streams the completion record of 64 bytes as memory beats, the first word in the lowest bits.

module shell_record #(
  parameter int unsigned DataBytes = 8
) (
  input  logic                   clk_i,
  input  logic                   rst_ni,

  input  logic                   start_i,  // record_i must hold still from then on
  input  logic                   stop_i,
  input  logic [511:0]           record_i,

  output logic                   out_valid_o,
  input  logic                   out_ready_i,
  output logic [8*DataBytes-1:0] out_data_o,
  output logic                   out_last_o
);

  localparam int unsigned Beats    = 64 / DataBytes;
  localparam int unsigned BeatBits = (Beats > 1) ? $clog2(Beats) : 1;
  typedef logic [BeatBits-1:0] beat_t;
  localparam beat_t LastBeat = beat_t'(Beats - 1);

  logic  valid_q;
  beat_t beat_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni || stop_i) begin
      valid_q <= 1'b0;
      beat_q  <= '0;
    end else if (start_i) begin
      valid_q <= 1'b1;
      beat_q  <= '0;
    end else if (valid_q && out_ready_i) begin
      valid_q <= !out_last_o;
      beat_q  <= beat_q + 1'b1;
    end
  end

  assign out_valid_o = valid_q;
  assign out_last_o  = beat_q == LastBeat;

  if (Beats == 1) begin : gen_whole
    assign out_data_o = record_i;
  end else begin : gen_slices
    assign out_data_o = record_i[beat_q*(8*DataBytes)+:8*DataBytes];
  end

endmodule : shell_record

// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Joins the channels of several streams: for each pixel all beats of stream 0, then of stream 1, ...
//
// In:      stream i is in_data_i[i*Width +: Width] and has beats Folds[i*32 +: 32] a pixel.
// Timing:  latency one cycle, one beat a cycle; sum of Folds beats a pixel.

module stream_concat #(
  parameter int unsigned             Inputs = 2,
  parameter int unsigned             Width  = 8,
  parameter logic [Inputs-1:0][31:0] Folds  = {Inputs{32'd1}}
) (
  input  logic                    clk_i,
  input  logic                    rst_ni,

  input  logic [Inputs-1:0]       in_valid_i,
  output logic [Inputs-1:0]       in_ready_o,
  input  logic [Inputs*Width-1:0] in_data_i,

  output logic                    out_valid_o,
  input  logic                    out_ready_i,
  output logic [Width-1:0]        out_data_o
);

  if (Inputs < 2 || Width < 1) begin : gen_illegal_size
    $error("stream_concat: Inputs must be at least 2 and Width at least 1");
  end
  for (genvar i = 0; i < Inputs; i++) begin : gen_check
    if (Folds[i] == 0) begin : gen_illegal_folds
      $error("stream_concat: Folds of stream %0d must be at least 1", i);
    end
  end

  function automatic int unsigned most_folds();
    int unsigned most = 2;
    for (int unsigned i = 0; i < Inputs; i++) if (Folds[i] > most) most = Folds[i];
    return most;
  endfunction

  typedef logic [$clog2(most_folds())-1:0] beat_t;

  logic [Inputs-1:0] turn_q;  // one-hot
  beat_t             beat_q;  // of the stream whose turn it is
  beat_t             last_beat;
  logic [Width-1:0]  data;
  logic valid, free, last;

  always_comb begin
    last_beat = '0;
    data      = '0;
    for (int unsigned i = 0; i < Inputs; i++) begin
      if (turn_q[i]) last_beat |= beat_t'(Folds[i] - 1);
      if (turn_q[i]) data |= in_data_i[i*Width+:Width];
    end
  end

  assign valid      = (in_valid_i & turn_q) != '0;
  assign in_ready_o = free ? turn_q : '0;
  assign last       = beat_q == last_beat;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      turn_q <= Inputs'(1);
      beat_q <= '0;
    end else if (valid && free) begin
      beat_q <= last ? '0 : beat_q + 1'b1;
      if (last) turn_q <= {turn_q[Inputs-2:0], turn_q[Inputs-1]};
    end
  end

  stream_register #(.Width(Width)) out_register (
    .clk_i, .rst_ni, .in_valid_i(valid), .in_ready_o(free), .in_data_i(data),
    .out_valid_o, .out_ready_i, .out_data_o
  );

endmodule : stream_concat

// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Stores a vector of Length beats while it passes Repeats times, and marks its ends.
//
// Streams:  each vector that comes in leaves Repeats times, in order; first_o and last_o mark the
//           first and the last beat of each time.
// Timing:   one beat a cycle on both sides: the next vector is taken while the one before leaves
//           for the last time. Latency two cycles; none, and no memory, if Repeats is 1.

module mvu_replay #(
  parameter int unsigned Length  = 4,
  parameter int unsigned Repeats = 2,
  parameter int unsigned Width   = 8
) (
  input  logic             clk_i,
  input  logic             rst_ni,

  input  logic             valid_i,
  output logic             ready_o,
  input  logic [Width-1:0] data_i,

  output logic             valid_o,
  input  logic             ready_i,
  output logic [Width-1:0] data_o,
  output logic             first_o,
  output logic             last_o
);

  if (Length < 1 || Repeats < 1) begin : gen_illegal_size
    $error("mvu_replay: Length=%0d and Repeats=%0d must be at least 1", Length, Repeats);
  end

  localparam int unsigned IndexBits = (Length > 1) ? $clog2(Length) : 1;
  typedef logic [IndexBits-1:0] index_t;

  // Place in the vector.
  logic step;
  index_t index_q;
  logic first, last;
  assign first = (index_q == '0);
  assign last  = (index_q == index_t'(Length - 1));
  always_ff @(posedge clk_i) begin
    if (!rst_ni) index_q <= '0;
    else if (step) index_q <= last ? '0 : index_q + 1'b1;
  end

  if (Repeats == 1) begin : gen_pass
    assign step    = valid_i && ready_i;
    assign ready_o = ready_i;
    assign valid_o = valid_i;
    assign data_o  = data_i;
    assign first_o = first;
    assign last_o  = last;
  end else begin : gen_store
    localparam int unsigned RepeatBits = $clog2(Repeats);
    localparam int unsigned Depth = 2 ** IndexBits;

    // Beats from free_q on are stored up to write_q; one bit more tells full from empty.
    typedef logic [IndexBits:0] pointer_t;
    pointer_t write_q, read_q, free_q;
    logic [RepeatBits-1:0] repeat_q;
    logic last_repeat, write, read, filled;

    assign last_repeat = (repeat_q == RepeatBits'(Repeats - 1));
    assign ready_o     = (write_q ^ free_q) != pointer_t'(Depth);
    assign write       = valid_i && ready_o;
    assign read        = !valid_o || ready_i;
    assign filled      = (read_q != write_q);
    assign step        = read && filled;

    always_ff @(posedge clk_i) begin
      if (!rst_ni) begin
        write_q  <= '0;
        read_q   <= '0;
        free_q   <= '0;
        repeat_q <= '0;
      end else begin
        if (write) write_q <= write_q + 1'b1;
        if (step) begin
          read_q <= (last && !last_repeat) ? read_q - pointer_t'(Length - 1) : read_q + 1'b1;
          if (last_repeat) free_q <= free_q + 1'b1;
          if (last) repeat_q <= last_repeat ? '0 : repeat_q + 1'b1;
        end
      end
    end

    logic [Width-1:0] memory_q[Depth];
    always_ff @(posedge clk_i) begin
      if (write) memory_q[write_q[IndexBits-1:0]] <= data_i;
      if (step) data_o <= memory_q[read_q[IndexBits-1:0]];
    end

    always_ff @(posedge clk_i) begin
      if (!rst_ni) valid_o <= 1'b0;
      else if (read) valid_o <= filled;
    end
    always_ff @(posedge clk_i) begin
      if (step) begin
        first_o <= first;
        last_o  <= last;
      end
    end

    stream_rule #(.Width(Width + 2)) rule (
      .clk_i, .rst_ni, .valid_i(valid_o), .ready_i, .data_i({first_o, last_o, data_o})
    );
  end

endmodule : mvu_replay

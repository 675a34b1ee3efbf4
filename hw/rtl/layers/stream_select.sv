// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Keeps some rows and some columns of each image, and drops the rest: crops and strides.
//
// In:      Height x Width pixels of Folds beats, row by row.
// Out:     those of the pixels whose bits Rows[row] and Columns[column] are both set, in order.
// Timing:  latency one cycle, one beat in a cycle; Height * Width * Folds cycles an image. What is
//          dropped is taken whatever out_ready_i may be.

module stream_select #(
  parameter int unsigned       Height  = 2,
  parameter int unsigned       Width   = 2,
  parameter int unsigned       Folds   = 1,
  parameter int unsigned       Bits    = 8,  // of a beat
  parameter logic [Height-1:0] Rows    = {Height{1'b1}},  // sized: Verilator takes '1 for 1
  parameter logic [Width-1:0]  Columns = {Width{1'b1}}
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

  if (Height < 1 || Width < 1 || Folds < 1 || Bits < 1) begin : gen_illegal_size
    $error("stream_select: Height, Width, Folds and Bits must be at least 1");
  end
  if (Rows == '0 || Columns == '0) begin : gen_illegal_choice
    $error("stream_select: Rows and Columns must keep at least one each");
  end

  localparam int unsigned RowBits    = (Height > 1) ? $clog2(Height) : 1;
  localparam int unsigned ColumnBits = (Width > 1) ? $clog2(Width) : 1;
  localparam int unsigned FoldBits   = (Folds > 1) ? $clog2(Folds) : 1;

  logic [RowBits-1:0]    row_q;
  logic [ColumnBits-1:0] column_q;
  logic [FoldBits-1:0]   fold_q;
  logic last_row, last_column, last_fold;
  logic keep, free, accept;

  assign last_row    = row_q == RowBits'(Height - 1);
  assign last_column = column_q == ColumnBits'(Width - 1);
  assign last_fold   = fold_q == FoldBits'(Folds - 1);

  assign keep       = Rows[row_q] && Columns[column_q];
  assign in_ready_o = free || !keep;
  assign accept     = in_valid_i && in_ready_o;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      row_q    <= '0;
      column_q <= '0;
      fold_q   <= '0;
    end else if (accept) begin
      fold_q <= last_fold ? '0 : fold_q + 1'b1;
      if (last_fold) column_q <= last_column ? '0 : column_q + 1'b1;
      if (last_fold && last_column) row_q <= last_row ? '0 : row_q + 1'b1;
    end
  end

  stream_register #(.Width(Bits)) out_register (
    .clk_i, .rst_ni, .in_valid_i(in_valid_i && keep), .in_ready_o(free), .in_data_i(in_data_i),
    .out_valid_o, .out_ready_i, .out_data_o
  );

endmodule : stream_select

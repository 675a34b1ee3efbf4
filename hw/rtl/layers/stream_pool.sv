// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Maximum or exact sum over a window, for each channel by itself.
//
// In:      Window x Folds beats an output pixel, the window outermost: beat (w, f) holds in lane p
//          the element w of channel f * Pe + p. FINN's depthwise sliding window gives, for each
//          group of channels, all elements of the window: Folds = 1, one "pixel" a group. A global
//          pool gets whole pixels: Window = pixels of the image, Folds = channels / Pe.
// Out:     Folds beats: y[f * Pe + p] = max_w or sum_w x[w, f * Pe + p], modulo 2^OutBits.
// Lanes:   lane p in bits [p*Bits +: Bits]; two's complement if Signed.
// Timing:  one beat in a cycle, an output beat one cycle after the last beat of its window; the
//          initiation interval is Window * Folds cycles. Ready depends on out_ready_i only in the
//          last beats of a window.
// Memory:  partial results of Folds > 1 lie in a memory of Folds words that is read one fold ahead.

module stream_pool #(
  parameter int unsigned Window  = 4,
  parameter int unsigned Folds   = 1,
  parameter int unsigned Pe      = 1,
  parameter int unsigned InBits  = 8,
  parameter int unsigned OutBits = 8,
  parameter bit          Signed  = 1'b0,
  parameter bit          Max     = 1'b1   // else the sum
) (
  input  logic                  clk_i,
  input  logic                  rst_ni,

  input  logic                  in_valid_i,
  output logic                  in_ready_o,
  input  logic [Pe*InBits-1:0]  in_data_i,

  output logic                  out_valid_o,
  input  logic                  out_ready_i,
  output logic [Pe*OutBits-1:0] out_data_o
);

  if (Window < 1 || Folds < 1 || Pe < 1 || InBits < 1 || OutBits < 1) begin : gen_illegal_size
    $error("stream_pool: Window, Folds, Pe, InBits and OutBits must be at least 1");
  end
  if (Max && OutBits != InBits) begin : gen_illegal_max
    $error("stream_pool: a maximum has OutBits=InBits=%0d, not %0d", InBits, OutBits);
  end

  localparam int unsigned WindowBits = (Window > 1) ? $clog2(Window) : 1;
  localparam int unsigned FoldBits   = (Folds > 1) ? $clog2(Folds) : 1;

  typedef logic [Pe*OutBits-1:0] word_t;

  logic [WindowBits-1:0] window_q;
  logic [FoldBits-1:0]   fold_q, fold_d;
  logic first, last, free, accept;
  word_t partial;  // of this fold, of the beats before
  word_t result;

  assign first  = window_q == '0;
  assign last   = window_q == WindowBits'(Window - 1);
  assign fold_d = (fold_q == FoldBits'(Folds - 1)) ? '0 : fold_q + 1'b1;

  assign in_ready_o = free || !last;
  assign accept     = in_valid_i && in_ready_o;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      window_q <= '0;
      fold_q   <= '0;
    end else if (accept) begin
      fold_q <= fold_d;
      if (fold_d == '0) window_q <= last ? '0 : window_q + 1'b1;
    end
  end

  for (genvar p = 0; p < Pe; p++) begin : gen_lane
    // verilator lint_off UNUSEDSIGNAL
    logic [InBits-1:0]  element;  // its top does not matter to a narrower sum
    // verilator lint_on UNUSEDSIGNAL
    logic [OutBits-1:0] value, so_far;
    assign element = in_data_i[p*InBits+:InBits];
    assign value   = Signed ? OutBits'($signed(element)) : OutBits'(element);
    assign so_far  = partial[p*OutBits+:OutBits];
    if (Max) begin : gen_max
      logic greater;
      assign greater = Signed ? ($signed(value) > $signed(so_far)) : (value > so_far);
      assign result[p*OutBits+:OutBits] = (first || greater) ? value : so_far;
    end else begin : gen_sum
      assign result[p*OutBits+:OutBits] = value + (first ? '0 : so_far);
    end
  end

  if (Folds == 1) begin : gen_register
    word_t partial_q;
    always_ff @(posedge clk_i) begin
      if (accept) partial_q <= result;
    end
    assign partial = partial_q;
  end else begin : gen_memory
    word_t memory [Folds];
    word_t partial_q;
    always_ff @(posedge clk_i) begin
      if (accept) begin
        memory[fold_q] <= result;
        partial_q      <= memory[fold_d];
      end
    end
    assign partial = partial_q;
  end

  stream_register #(.Width(Pe*OutBits)) out_register (
    .clk_i, .rst_ni, .in_valid_i(in_valid_i && last), .in_ready_o(free), .in_data_i(result),
    .out_valid_o, .out_ready_i, .out_data_o
  );

endmodule : stream_pool

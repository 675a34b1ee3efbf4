// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Index of the largest of Labels integers, the lowest index on ties.
//
// In:      Labels / Pe beats; beat f holds in lane p, bits [p*InBits +: InBits], the value of
//          label f * Pe + p; two's complement if Signed.
// Out:     one beat, the label.
// Timing:  one beat in a cycle, the label two cycles after the last beat; the initiation interval
//          is Labels / Pe cycles. The lanes of a beat are compared as a tree in the first cycle,
//          the winner with the best so far in the second.

module stream_argmax #(
  parameter int unsigned Labels  = 10,
  parameter int unsigned Pe      = 1,
  parameter int unsigned InBits  = 8,
  parameter bit          Signed  = 1'b1,
  parameter int unsigned OutBits = 8
) (
  input  logic                 clk_i,
  input  logic                 rst_ni,

  input  logic                 in_valid_i,
  output logic                 in_ready_o,
  input  logic [Pe*InBits-1:0] in_data_i,

  output logic                 out_valid_o,
  input  logic                 out_ready_i,
  output logic [OutBits-1:0]   out_data_o
);

  if (Pe < 1 || InBits < 1 || Labels < 1 || Labels % Pe != 0) begin : gen_illegal_size
    $error("stream_argmax: Pe=%0d does not divide Labels=%0d", Pe, Labels);
  end
  if ((64'd1 << OutBits) < 64'(Labels)) begin : gen_illegal_label
    $error("stream_argmax: OutBits=%0d cannot name Labels=%0d labels", OutBits, Labels);
  end

  localparam int unsigned LabelBits = (Labels > 1) ? $clog2(Labels) : 1;
  localparam int unsigned Leaves    = 2 ** $clog2(Pe);

  typedef logic [InBits-1:0]    key_t;    // ordered as unsigned: the sign bit is inverted
  typedef logic [LabelBits-1:0] label_t;
  localparam key_t SignBit = Signed ? key_t'(1) << (InBits - 1) : '0;

  // First cycle: the winner of the beat. Lanes beyond Pe hold the smallest key and never win.
  key_t   winner_key, winner_key_q;
  label_t winner_lane, winner_lane_q;
  logic   winner_valid_q, winner_ready;

  always_comb begin
    key_t   keys [Leaves];
    label_t lanes [Leaves];
    for (int unsigned i = 0; i < Leaves; i++) begin
      keys[i]  = (i < Pe) ? in_data_i[((i < Pe) ? i : 0)*InBits+:InBits] ^ SignBit : '0;
      lanes[i] = label_t'(i);
    end
    for (int unsigned step = 1; step < Leaves; step *= 2) begin
      for (int unsigned i = 0; i < Leaves; i += 2 * step) begin
        if (keys[i+step] > keys[i]) begin
          keys[i]  = keys[i+step];
          lanes[i] = lanes[i+step];
        end
      end
    end
    winner_key  = keys[0];
    winner_lane = lanes[0];
  end

  stream_register #(.Width(InBits + LabelBits)) winner_register (
    .clk_i, .rst_ni, .in_valid_i, .in_ready_o, .in_data_i({winner_key, winner_lane}),
    .out_valid_o(winner_valid_q), .out_ready_i(winner_ready),
    .out_data_o({winner_key_q, winner_lane_q})
  );

  // Second cycle: against the best of the beats before, which had the lower labels.
  key_t   best_key_q;
  label_t best_label_q, best_label_d;
  label_t base_q;  // label of lane 0
  logic   last, free, accept, better;

  assign last         = base_q == label_t'(Labels - Pe);
  assign winner_ready = free || !last;
  assign accept       = winner_valid_q && winner_ready;
  assign better       = base_q == '0 || winner_key_q > best_key_q;
  assign best_label_d = better ? base_q + winner_lane_q : best_label_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) base_q <= '0;
    else if (accept) base_q <= last ? '0 : base_q + label_t'(Pe);
  end

  always_ff @(posedge clk_i) begin
    if (accept) best_label_q <= best_label_d;
    if (accept && better) best_key_q <= winner_key_q;
  end

  stream_register #(.Width(OutBits)) out_register (
    .clk_i, .rst_ni, .in_valid_i(winner_valid_q && last), .in_ready_o(free), .in_data_i(OutBits'(best_label_d)),
    .out_valid_o, .out_ready_i, .out_data_o
  );

endmodule : stream_argmax

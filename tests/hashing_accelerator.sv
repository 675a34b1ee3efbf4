// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Stands in for an accelerator in tests of the shell: every value depends on every byte.
//
// A frame of FrameBeats beats of InBytes bytes is hashed byte by byte,
//   h = rotate_left(h, 1) ^ byte,  h = 1 at its start, ValueBits bits;
// value k of its OutBeats * Lanes results is h + k. Both streams pause at random.

module hashing_accelerator #(
  parameter int unsigned InBytes    = 1,
  parameter int unsigned FrameBeats = 4,
  parameter int unsigned OutBytes   = 2,
  parameter int unsigned OutBeats   = 1,
  parameter int unsigned Lanes      = 1,
  parameter int unsigned ValueBits  = 16
) (
  input  logic                  clk_i,
  input  logic                  rst_ni,
  input  logic                  in_valid_i,
  output logic                  in_ready_o,
  input  logic [8*InBytes-1:0]  in_data_i,
  output logic                  out_valid_o,
  input  logic                  out_ready_i,
  output logic [8*OutBytes-1:0] out_data_o
);

  typedef logic [ValueBits-1:0] value_t;

  logic [15:0] noise_q;
  value_t hash_q, hash_d;
  int unsigned beat_q, out_q;
  logic giving_q, offered_q;

  always_comb begin
    hash_d = (beat_q == 0) ? value_t'(1) : hash_q;
    for (int unsigned i = 0; i < InBytes; i++) begin
      hash_d = {hash_d[ValueBits-2:0], hash_d[ValueBits-1]} ^ value_t'(in_data_i[8*i+:8]);
    end
  end

  assign in_ready_o  = !giving_q && noise_q[1:0] != 2'b00;
  assign out_valid_o = giving_q && (offered_q || noise_q[3:2] != 2'b00);

  always_comb begin
    out_data_o = '0;
    for (int unsigned i = 0; i < Lanes; i++) begin
      out_data_o[ValueBits*i+:ValueBits] = hash_q + value_t'(out_q * Lanes + i);
    end
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      noise_q   <= 16'hACE1;
      beat_q    <= 0;
      out_q     <= 0;
      giving_q  <= 1'b0;
      offered_q <= 1'b0;
    end else begin
      noise_q   <= {noise_q[14:0], noise_q[15] ^ noise_q[13] ^ noise_q[12] ^ noise_q[10]};
      offered_q <= out_valid_o && !out_ready_i;
      if (in_valid_i && in_ready_o) begin
        hash_q   <= hash_d;
        beat_q   <= (beat_q == FrameBeats - 1) ? 0 : beat_q + 1;
        giving_q <= beat_q == FrameBeats - 1;
      end
      if (out_valid_o && out_ready_i) begin
        out_q    <= (out_q == OutBeats - 1) ? 0 : out_q + 1;
        giving_q <= out_q != OutBeats - 1;
      end
    end
  end

endmodule : hashing_accelerator

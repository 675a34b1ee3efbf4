// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Width converter between streams of bytes, of any ratio.
//
// In:      beats of InBytes bytes, the first byte in the lowest bits.
// Out:     beats of OutBytes bytes, in the same order; out_keep_o marks the bytes that are there,
//          all but in the last beat of a flush.
// Flush:   while flush_i is high and no beat comes in, what is left leaves in a beat of its own;
//          out_last_o says that nothing stays behind it.
// Timing:  one beat in or out a cycle, whichever side is the narrower; latency one cycle.
//          in_ready_o depends on out_ready_i in the same cycle.
// clear_i drops what is held; no beat may be offered in that cycle.

module shell_resize #(
  parameter int unsigned InBytes  = 8,
  parameter int unsigned OutBytes = 1
) (
  input  logic                  clk_i,
  input  logic                  rst_ni,
  input  logic                  clear_i,
  input  logic                  flush_i,

  input  logic                  in_valid_i,
  output logic                  in_ready_o,
  input  logic [8*InBytes-1:0]  in_data_i,

  output logic                  out_valid_o,
  input  logic                  out_ready_i,
  output logic [8*OutBytes-1:0] out_data_o,
  output logic [OutBytes-1:0]   out_keep_o,
  output logic                  out_last_o
);

  if (InBytes < 1 || OutBytes < 1) begin : gen_illegal_size
    $error("shell_resize: InBytes=%0d and OutBytes=%0d must be at least 1", InBytes, OutBytes);
  end

  function automatic int unsigned gcd(input int unsigned a, input int unsigned b);
    int unsigned x, y, z;
    x = a;
    y = b;
    while (y != 0) begin
      z = x % y;
      x = y;
      y = z;
    end
    return x;
  endfunction

  // All is counted in units that divide both beats. A beat is taken where fewer than OutUnits
  // stay after this cycle, so this much is ever held:
  localparam int unsigned UnitBytes = gcd(InBytes, OutBytes);
  localparam int unsigned InUnits   = InBytes / UnitBytes;
  localparam int unsigned OutUnits  = OutBytes / UnitBytes;
  localparam int unsigned Capacity  = InUnits + OutUnits - 1;
  localparam int unsigned HeldBits  = 8 * UnitBytes * Capacity;

  typedef logic [$clog2(Capacity+1)-1:0] level_t;

  logic [HeldBits-1:0] held_q, kept, moved;
  level_t level_q, level_kept;
  logic   full, give, take;

  assign full        = level_q >= level_t'(OutUnits);
  assign out_valid_o = full || (flush_i && level_q != '0);
  assign out_last_o  = flush_i && (!full || level_q == level_t'(OutUnits));
  assign give        = out_valid_o && out_ready_i;
  assign level_kept  = !give ? level_q : full ? level_q - level_t'(OutUnits) : '0;
  assign in_ready_o  = level_kept < level_t'(OutUnits);
  assign take        = in_valid_i && in_ready_o;

  // Everything above the level is zero, so a beat is put there with an or.
  assign kept = give ? held_q >> (8 * UnitBytes * OutUnits) : held_q;

  if (OutUnits == 1) begin : gen_no_place
    assign moved = HeldBits'(in_data_i);
  end else begin : gen_place
    logic [$clog2(OutUnits)-1:0] place;
    assign place = ($clog2(OutUnits))'(level_kept);
    assign moved = HeldBits'(in_data_i) << (place * (8 * UnitBytes));
  end

  always_ff @(posedge clk_i) begin
    if (!rst_ni || clear_i) begin
      level_q <= '0;
      held_q  <= '0;
    end else begin
      level_q <= take ? level_kept + level_t'(InUnits) : level_kept;
      held_q  <= take ? kept | moved : kept;
    end
  end

  for (genvar i = 0; i < OutBytes; i++) begin : gen_keep
    assign out_keep_o[i] = level_q > level_t'(i / UnitBytes);
  end
  assign out_data_o = held_q[8*OutBytes-1:0];

endmodule : shell_resize

// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// The same integers in wider lanes; wires only. Lane p in bits [p*Bits +: Bits].

module widen_lanes #(
  parameter int unsigned Lanes   = 1,
  parameter int unsigned InBits  = 8,
  parameter int unsigned OutBits = 8,
  parameter bit          Signed  = 1'b0
) (
  input  logic [Lanes*InBits-1:0]  data_i,
  output logic [Lanes*OutBits-1:0] data_o
);

  if (Lanes < 1 || InBits < 1 || OutBits < InBits) begin : gen_illegal
    $error("widen_lanes: Lanes=%0d, InBits=%0d, OutBits=%0d; none may be 0, nor lanes shrink",
           Lanes, InBits, OutBits);
  end

  for (genvar p = 0; p < Lanes; p++) begin : gen_lane
    logic [InBits-1:0] lane;
    assign lane = data_i[p*InBits+:InBits];
    assign data_o[p*OutBits+:OutBits] = Signed ? OutBits'($signed(lane)) : OutBits'(lane);
  end

endmodule : widen_lanes

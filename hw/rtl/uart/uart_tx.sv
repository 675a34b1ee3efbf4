// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// UART transmitter, 8N1: bytes to a line; the phase as in uart_rx.

module uart_tx #(
  parameter int unsigned ClockHz = 60_000_000,
  parameter int unsigned Baud    = 3_000_000
) (
  input  logic       clk_i,
  input  logic       rst_ni,
  input  logic       valid_i,
  output logic       ready_o,
  input  logic [7:0] data_i,
  output logic       tx_o
);

  localparam int unsigned PhaseBits = 18;
  localparam logic [PhaseBits:0] Step =
      (PhaseBits + 1)'((64'(Baud) * 2 ** PhaseBits + 64'(ClockHz) / 2) / 64'(ClockHz));

  logic [PhaseBits-1:0] phase_q;
  logic [PhaseBits:0] phase_d;
  logic [8:0] shift_q;  // what follows the bit on the line
  logic [3:0] left_q;   // bits that are not over
  logic tx_q;

  assign phase_d = {1'b0, phase_q} + Step;
  assign ready_o = left_q == '0;
  assign tx_o    = tx_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      left_q  <= '0;
      tx_q    <= 1'b1;
      phase_q <= '0;
    end else if (left_q == '0) begin
      phase_q <= '0;
      if (valid_i) begin
        tx_q    <= 1'b0;
        shift_q <= {1'b1, data_i};
        left_q  <= 4'd10;
      end
    end else begin
      phase_q <= phase_d[PhaseBits-1:0];
      if (phase_d[PhaseBits]) begin
        left_q  <= left_q - 1'b1;
        tx_q    <= shift_q[0];
        shift_q <= {1'b1, shift_q[8:1]};
      end
    end
  end

endmodule : uart_tx

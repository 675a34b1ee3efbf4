// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// UART receiver, 8N1: bytes from a line, at any clock of at least six cycles a bit.
//
// valid_o: data_o is a byte whose stop bit was right, for one cycle. broken_o: it was wrong.
// The bit's middle is found by a phase of PhaseBits bits that is stepped by baud / clock, so that
// no rounding adds up within a byte.

module uart_rx #(
  parameter int unsigned ClockHz = 60_000_000,
  parameter int unsigned Baud    = 3_000_000
) (
  input  logic       clk_i,
  input  logic       rst_ni,
  input  logic       rx_i,  // not synchronous to the clock
  output logic       valid_o,
  output logic [7:0] data_o,
  output logic       broken_o
);

  if (ClockHz < 6 * Baud) begin : gen_illegal_baud
    $error("uart_rx: Baud=%0d is more than a sixth of ClockHz=%0d", Baud, ClockHz);
  end

  localparam int unsigned PhaseBits = 18;
  localparam logic [PhaseBits:0] Step =
      (PhaseBits + 1)'((64'(Baud) * 2 ** PhaseBits + 64'(ClockHz) / 2) / 64'(ClockHz));

  logic [2:0] line_q;  // the newest in bit 0
  logic [PhaseBits-1:0] phase_q;
  logic [PhaseBits:0] phase_d;
  logic [3:0] bit_q;  // 0: idle; 1: start; 2 to 9: data; 10: stop
  logic [7:0] data_q;
  logic line, middle, valid_q, broken_q;

  assign line     = line_q[1];
  assign phase_d  = {1'b0, phase_q} + Step;
  assign middle   = phase_d[PhaseBits];
  assign valid_o  = valid_q;
  assign broken_o = broken_q;
  assign data_o   = data_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) line_q <= '1;
    else line_q <= {line_q[1:0], rx_i};
  end

  always_ff @(posedge clk_i) begin
    valid_q  <= 1'b0;
    broken_q <= 1'b0;
    if (!rst_ni) begin
      bit_q <= '0;
    end else if (bit_q == '0) begin
      phase_q <= {1'b1, {(PhaseBits - 1) {1'b0}}};  // half a bit from the edge
      if (line_q[2] && !line) bit_q <= 4'd1;
    end else begin
      phase_q <= phase_d[PhaseBits-1:0];
      if (middle) begin
        bit_q <= bit_q + 1'b1;
        if (bit_q == 4'd1 && line) begin
          bit_q <= '0;  // a spike
        end else if (bit_q == 4'd10) begin
          bit_q    <= '0;
          valid_q  <= line;
          broken_q <= !line;
        end else if (bit_q != 4'd1) begin
          data_q <= {line, data_q[7:1]};
        end
      end
    end
  end

endmodule : uart_rx

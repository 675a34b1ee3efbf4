// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Requests from bytes: frames of uart_pkg, of which only whole and right ones have an effect.
//
// An image goes to buffer_*: byte buffer_byte_o of the slot that is being filled. infer_o says that
// this slot is complete, identify_o that an identity is asked for; both for one cycle, with
// sequence_o. room_i: there is a slot to fill; it is looked at when an image begins.
// A pause of IdleCycles within a frame ends it. dropped_o: a frame or a byte was not taken.

module uart_receiver
  import uart_pkg::*;
#(
  parameter int unsigned FrameBytes = 64,
  parameter int unsigned IdleCycles = 6_000_000,
  localparam int unsigned ByteBits  = (FrameBytes > 1) ? $clog2(FrameBytes) : 1
) (
  input  logic                clk_i,
  input  logic                rst_ni,

  input  logic                rx_valid_i,
  input  logic [7:0]          rx_data_i,
  input  logic                rx_broken_i,

  input  logic                room_i,
  output logic                buffer_write_o,
  output logic [ByteBits-1:0] buffer_byte_o,
  output logic [7:0]          buffer_data_o,

  output logic                infer_o,
  output logic                identify_o,
  output logic [15:0]         sequence_o,
  output logic                dropped_o
);

  if (FrameBytes < 1 || FrameBytes > 65_535) begin : gen_illegal_size
    $error("uart_receiver: FrameBytes=%0d must be 1 to 65535", FrameBytes);
  end

  localparam int unsigned IdleBits = $clog2(IdleCycles + 1);

  typedef enum logic [1:0] {
    Hunting,
    Header,
    Payload,
    Check
  } state_e;

  state_e              state_q;
  logic [2:0]          place_q;  // byte of the header, or of the CRC
  logic [ByteBits-1:0] byte_q;
  logic [IdleBits-1:0] idle_q;
  logic [31:0]         crc_q, crc_d;
  logic [15:0]         sequence_q;
  logic [7:0]          kind_q, length_q;
  logic                infer_q, identify_q, dropped_q, room_q;
  logic                late, illegal;
  logic [15:0]         length;

  assign crc_d  = crc32(crc_q, rx_data_i);
  assign late   = idle_q == IdleBits'(IdleCycles);
  assign length = {rx_data_i, length_q};

  always_comb begin
    illegal = 1'b0;
    if (state_q == Header && place_q == 3'd0) illegal = rx_data_i != Identify && rx_data_i != Infer;
    if (state_q == Header && place_q == 3'd4) begin
      illegal = length != ((kind_q == Infer) ? 16'(FrameBytes) : 16'd0);
    end
  end

  assign buffer_write_o = rx_valid_i && state_q == Payload && room_q;
  assign buffer_byte_o  = byte_q;
  assign buffer_data_o  = rx_data_i;
  assign infer_o        = infer_q;
  assign identify_o     = identify_q;
  assign sequence_o     = sequence_q;
  assign dropped_o      = dropped_q;

  always_ff @(posedge clk_i) begin
    infer_q    <= 1'b0;
    identify_q <= 1'b0;
    dropped_q  <= 1'b0;
    if (!rst_ni) begin
      state_q <= Hunting;
      idle_q  <= '0;
    end else if (rx_broken_i || (late && state_q != Hunting)) begin
      state_q   <= Hunting;
      idle_q    <= '0;
      dropped_q <= 1'b1;
    end else begin
      idle_q <= (rx_valid_i || state_q == Hunting) ? '0 : idle_q + 1'b1;
      if (rx_valid_i) begin
        crc_q   <= crc_d;
        place_q <= place_q + 1'b1;
        unique case (state_q)
          Hunting: begin
            crc_q   <= CrcStart;
            place_q <= '0;
            byte_q  <= '0;
            if (rx_data_i == Sync) state_q <= Header;
          end
          Header: begin
            if (place_q == 3'd0) kind_q <= rx_data_i;
            if (place_q == 3'd1 || place_q == 3'd2) sequence_q <= {rx_data_i, sequence_q[15:8]};
            if (place_q == 3'd3) length_q <= rx_data_i;
            if (place_q == 3'd4) begin
              place_q <= '0;
              room_q  <= room_i;
              state_q <= (kind_q == Infer) ? Payload : Check;
            end
            if (illegal) begin
              state_q   <= Hunting;
              dropped_q <= 1'b1;
            end
          end
          Payload: begin
            place_q <= '0;
            byte_q  <= byte_q + 1'b1;
            if (byte_q == ByteBits'(FrameBytes - 1)) state_q <= Check;
          end
          Check: begin
            if (place_q == 3'(CrcBytes - 1)) begin
              state_q    <= Hunting;
              infer_q    <= crc_d == CrcResidue && kind_q == Infer && room_q;
              identify_q <= crc_d == CrcResidue && kind_q == Identify;
              dropped_q  <= crc_d != CrcResidue || (kind_q == Infer && !room_q);
            end
          end
          default: state_q <= Hunting;
        endcase
      end
    end
  end

endmodule : uart_receiver

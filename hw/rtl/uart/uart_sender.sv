// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Answers as bytes: frames of uart_pkg.
//
// identify_i asks for the identity with identify_sequence_i, for one cycle. An answer to an image is
// sent when there is a byte of its results; it takes ResultBytes of them, then the cycles. sent_o:
// its sequence number and cycles are not needed any more.

module uart_sender
  import uart_pkg::*;
#(
  parameter int unsigned ResultBytes = 40
) (
  input  logic                       clk_i,
  input  logic                       rst_ni,

  input  logic                       identify_i,
  input  logic [15:0]                identify_sequence_i,
  input  logic [8*IdentityBytes-1:0] identity_i,

  input  logic                       result_valid_i,
  output logic                       result_ready_o,
  input  logic [7:0]                 result_data_i,
  input  logic [15:0]                result_sequence_i,
  input  logic [31:0]                cycles_i,
  output logic                       sent_o,

  output logic                       tx_valid_o,
  input  logic                       tx_ready_i,
  output logic [7:0]                 tx_data_o
);

  localparam int unsigned ReplyBytes = ResultBytes + CycleBytes;
  if (ResultBytes < 4 || ReplyBytes > 65_535) begin : gen_illegal_size
    $error("uart_sender: ResultBytes=%0d must be 4 to %0d", ResultBytes, 65_535 - CycleBytes);
  end

  typedef enum logic [2:0] {
    Idle,
    Header,
    Payload,
    Cycles,
    Check
  } state_e;

  state_e      state_q;
  logic        identity_q;  // what is being sent
  logic [15:0] place_q;     // of the byte in its part
  logic [31:0] crc_q;
  logic        asked_q;
  logic [15:0] asked_sequence_q;
  logic [8*IdentityBytes-1:0] rest_q;  // of the identity
  logic [15:0] sequence_number, length;
  logic        moved;

  assign sequence_number = identity_q ? asked_sequence_q : result_sequence_i;
  assign length          = identity_q ? 16'(IdentityBytes) : 16'(ReplyBytes);

  always_comb begin
    tx_valid_o = state_q != Idle;
    tx_data_o  = result_data_i;
    unique case (state_q)
      Header:
      unique case (place_q[2:0])
        3'd0: tx_data_o = Sync;
        3'd1: tx_data_o = (identity_q ? Identify : Infer) | Answer;
        3'd2: tx_data_o = sequence_number[7:0];
        3'd3: tx_data_o = sequence_number[15:8];
        3'd4: tx_data_o = length[7:0];
        default: tx_data_o = length[15:8];
      endcase
      Payload: begin
        if (identity_q) tx_data_o = rest_q[7:0];
        else tx_valid_o = result_valid_i;
      end
      Cycles: tx_data_o = cycles_i[8*place_q[1:0]+:8];
      Check: tx_data_o = ~crc_q[8*place_q[1:0]+:8];
      default: ;
    endcase
  end

  assign moved          = tx_valid_o && tx_ready_i;
  assign result_ready_o = state_q == Payload && !identity_q && tx_ready_i;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) asked_q <= 1'b0;
    else if (identify_i) asked_q <= 1'b1;
    else if (state_q == Check && identity_q) asked_q <= 1'b0;
    if (identify_i) asked_sequence_q <= identify_sequence_i;
  end

  always_ff @(posedge clk_i) begin
    sent_o <= 1'b0;
    if (!rst_ni) begin
      state_q <= Idle;
    end else if (state_q == Idle) begin
      place_q    <= '0;
      crc_q      <= CrcStart;
      identity_q <= asked_q;
      rest_q     <= identity_i;
      if (asked_q || (result_valid_i && !sent_o)) state_q <= Header;
    end else if (moved) begin
      place_q <= place_q + 1'b1;
      if (state_q != Check && !(state_q == Header && place_q == '0)) begin
        crc_q <= crc32(crc_q, tx_data_o);
      end
      unique case (state_q)
        Header: begin
          if (place_q == 16'(HeaderBytes - 1)) begin
            state_q <= Payload;
            place_q <= '0;
          end
        end
        Payload: begin
          rest_q <= rest_q >> 8;
          if (place_q == (identity_q ? 16'(IdentityBytes - 1) : 16'(ResultBytes - 1))) begin
            state_q <= identity_q ? Check : Cycles;
            place_q <= '0;
          end
        end
        Cycles: begin
          if (place_q == 16'(CycleBytes - 1)) begin
            state_q <= Check;
            place_q <= '0;
          end
        end
        default: begin
          if (place_q == 16'(CrcBytes - 1)) begin
            state_q <= Idle;
            sent_o  <= !identity_q;
          end
        end
      endcase
    end
  end

endmodule : uart_sender

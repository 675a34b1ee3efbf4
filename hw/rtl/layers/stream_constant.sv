// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Endless stream of the words of a memory, for an operand that is constant: 0 .. Depth-1, 0, ...
//
// Memory:  InitFile, read by $readmemh, one word of Width bits a line.
// Timing:  a word every cycle from the first cycle after reset. The memory is read while reset is
//          active, which must last one clock edge or more.

module stream_constant #(
  parameter int unsigned Width    = 8,
  parameter int unsigned Depth    = 1,
  parameter              InitFile = ""
) (
  input  logic             clk_i,
  input  logic             rst_ni,

  output logic             out_valid_o,
  input  logic             out_ready_i,
  output logic [Width-1:0] out_data_o
);

  if (Width < 1 || Depth < 1) begin : gen_illegal_size
    $error("stream_constant: Width and Depth must be at least 1");
  end
  if (InitFile == "") begin : gen_no_file
    $error("stream_constant: InitFile is empty; name the file with the words");
  end

  localparam int unsigned AddressBits = (Depth > 1) ? $clog2(Depth) : 1;
  typedef logic [AddressBits-1:0] address_t;

  logic [Width-1:0] memory [Depth];
  initial $readmemh(InitFile, memory);

  logic [Width-1:0] word_q;
  address_t address_q, address_d;  // of the word that is offered

  always_comb begin
    address_d = address_q;
    if (!rst_ni) address_d = '0;
    else if (out_ready_i) address_d = (address_q == address_t'(Depth - 1)) ? '0 : address_q + 1'b1;
  end

  always_ff @(posedge clk_i) begin
    address_q  <= address_d;
    word_q <= memory[address_d];
  end

  assign out_valid_o = rst_ni;
  assign out_data_o  = word_q;

endmodule : stream_constant

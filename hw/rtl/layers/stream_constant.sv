// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Endless stream of the words of a memory, for weights and constant operands: 0 .. Depth-1, 0, ...
//
// Memory:  InitFile, read by $readmemh, one word of Width bits a line. RamStyle is "block" or
//          "distributed"; block RAM gets a register behind it.
// Timing:  a word every cycle, from one cycle after reset ("block": two) on.

module stream_constant #(
  parameter int unsigned Width    = 8,
  parameter int unsigned Depth    = 1,
  parameter              InitFile = "",
  parameter              RamStyle = "distributed"
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
  // verilator lint_off WIDTHEXPAND
  if (RamStyle != "block" && RamStyle != "distributed") begin : gen_illegal_style  // of two lengths
    // verilator lint_on WIDTHEXPAND
    $error("stream_constant: RamStyle must be block or distributed");
  end
  if (InitFile == "") begin : gen_no_file
    $error("stream_constant: InitFile is empty; name the file with the words");
  end

  localparam int unsigned AddressBits = (Depth > 1) ? $clog2(Depth) : 1;
  typedef logic [AddressBits-1:0] address_t;

  // Each register takes the next word when it is empty or hands its own on.
  logic [Width-1:0] word_q;
  logic read, valid_q;
  address_t address_q;

  always_ff @(posedge clk_i) begin
    if (!rst_ni) begin
      valid_q   <= 1'b0;
      address_q <= '0;
    end else if (read) begin
      valid_q   <= 1'b1;
      address_q <= (address_q == address_t'(Depth - 1)) ? '0 : address_q + 1'b1;
    end
  end

  // Yosys selects by attribute, and only if it is literal: two memories, of which one exists.
  if (RamStyle == "block") begin : gen_block
    (* rom_style = "block" *)
    logic [Width-1:0] memory [Depth];
    logic [Width-1:0] data_q;
    logic load, full_q;

    initial $readmemh(InitFile, memory);

    always_ff @(posedge clk_i) begin
      if (read) word_q <= memory[address_q];
      if (load) data_q <= word_q;
    end

    always_ff @(posedge clk_i) begin
      if (!rst_ni) full_q <= 1'b0;
      else if (load) full_q <= valid_q;
    end

    assign load        = !full_q || out_ready_i;
    assign read        = !valid_q || load;
    assign out_valid_o = full_q;
    assign out_data_o  = data_q;
  end else begin : gen_luts
    (* rom_style = "distributed" *)
    logic [Width-1:0] memory [Depth];

    initial $readmemh(InitFile, memory);

    always_ff @(posedge clk_i) begin
      if (read) word_q <= memory[address_q];
    end

    assign read        = !valid_q || out_ready_i;
    assign out_valid_o = valid_q;
    assign out_data_o  = word_q;
  end

  stream_rule #(.Width(Width)) rule (
    .clk_i, .rst_ni, .valid_i(out_valid_o), .ready_i(out_ready_i), .data_i(out_data_o)
  );

endmodule : stream_constant

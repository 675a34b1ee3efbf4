// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Modules that exist as FINN's, as ours and, synthesised, as a netlist: three thresholdings (deep
// pipeline with folding, all channels at once with missing thresholds, one channel) and a memory;
// and our own memory in block RAM, in a few LUTs and in many.
module dut (
  input  logic clk,
  input  logic rst,
  input  logic [3:0] ivld,
  input  logic [3:0] ordy,
  input  logic [33:0] idat,
  output logic [2:0] irdy,
  output logic [3:0] ovld,
  output logic [7:0] odat_a,
  output logic [15:0] odat_b,
  output logic [1:0] odat_c,
  output logic [13:0] odat_m,
  output logic [2:0] wvld,
  output logic [13:0] wdat_0, wdat_1,
  output logic [9:0] wdat_2
);
  thresholding #(
    .K(9), .N(15), .C(6), .PE(2), .SIGNED(1), .BIAS(0), .USE_CONFIG(0),
    .THRESHOLDS_PATH("a_"), .DEEP_PIPELINE(1)
  ) a (
    .clk, .rst, .cfg_en(1'b0), .cfg_we(1'b0), .cfg_a('0), .cfg_d('0), .cfg_rack(), .cfg_q(),
    .iset('0), .irdy(irdy[0]), .ivld(ivld[0]), .idat(idat[17:0]),
    .ordy(ordy[0]), .ovld(ovld[0]), .odat(odat_a)
  );
  thresholding #(
    .K(8), .N(6), .C(4), .PE(4), .SIGNED(0), .BIAS(-3), .USE_CONFIG(0),
    .THRESHOLDS_PATH("b_"), .DEEP_PIPELINE(0)
  ) b (
    .clk, .rst, .cfg_en(1'b0), .cfg_we(1'b0), .cfg_a('0), .cfg_d('0), .cfg_rack(), .cfg_q(),
    .iset('0), .irdy(irdy[1]), .ivld(ivld[1]), .idat(idat[31:0]),
    .ordy(ordy[1]), .ovld(ovld[1]), .odat(odat_b)
  );
  thresholding #(
    .K(5), .N(2), .C(1), .PE(1), .SIGNED(1), .BIAS(0), .USE_CONFIG(0),
    .THRESHOLDS_PATH("c_"), .DEEP_PIPELINE(0)
  ) c (
    .clk, .rst, .cfg_en(1'b0), .cfg_we(1'b0), .cfg_a('0), .cfg_d('0), .cfg_rack(), .cfg_q(),
    .iset('0), .irdy(irdy[2]), .ivld(ivld[2]), .idat(idat[4:0]),
    .ordy(ordy[2]), .ovld(ovld[2]), .odat(odat_c)
  );
  memstream #(.SETS(1), .DEPTH(37), .WIDTH(14), .INIT_FILE("memory.dat")) m (
    .clk, .rst, .config_ce(1'b0), .config_we(1'b0), .config_address('0), .config_d0('0),
    .config_rack(), .config_q0(), .sidx('0), .svld(1'b0), .srdy(),
    .ordy(ordy[3]), .ovld(ovld[3]), .odat(odat_m)
  );
  stream_constant #(.Width(14), .Depth(37), .InitFile("memory.dat"), .RamStyle("block")) w0 (
    .clk_i(clk), .rst_ni(!rst), .out_valid_o(wvld[0]), .out_ready_i(ordy[0]), .out_data_o(wdat_0)
  );
  stream_constant #(.Width(14), .Depth(37), .InitFile("memory.dat")) w1 (
    .clk_i(clk), .rst_ni(!rst), .out_valid_o(wvld[1]), .out_ready_i(ordy[1]), .out_data_o(wdat_1)
  );
  stream_constant #(.Width(10), .Depth(333), .InitFile("long.dat")) w2 (
    .clk_i(clk), .rst_ni(!rst), .out_valid_o(wvld[2]), .out_ready_i(ordy[2]), .out_data_o(wdat_2)
  );
endmodule

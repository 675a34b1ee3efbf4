// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// Constants of the kernel's shell that software knows too: hw/runner/registers.py is the other copy.

package shell_pkg;

  localparam logic [31:0] Magic   = 32'h4C46_5453;  // "STFL", little-endian
  localparam logic [31:0] Version = 32'd1;

  // Addresses of AXI4-Lite, in bytes.
  localparam logic [11:0] AddrControl         = 12'h000;
  localparam logic [11:0] AddrGlobalInterrupt = 12'h004;
  localparam logic [11:0] AddrInterruptEnable = 12'h008;
  localparam logic [11:0] AddrInterruptStatus = 12'h00C;
  localparam logic [11:0] AddrInput           = 12'h010;
  localparam logic [11:0] AddrOutput          = 12'h01C;
  localparam logic [11:0] AddrCount           = 12'h028;
  localparam logic [11:0] AddrRecord          = 12'h030;
  localparam logic [11:0] AddrStatusBlock     = 12'h080;  // the 16 words of the completion record
  localparam logic [11:0] AddrGeometry        = 12'h0C0;  // 4 words

  // Bits of the status word; zero is success.
  typedef struct packed {
    logic stream_timeout;  // 9: the accelerator moved nothing, with no memory access under way
    logic write_timeout;   // 8: write address, data or response
    logic read_timeout;    // 7: read address or data
    logic write_decerr;    // 6
    logic write_slverr;    // 5
    logic read_decerr;     // 4
    logic read_slverr;     // 3
    logic record_address;  // 2: not a multiple of 64 bytes; no record is written
    logic output_address;  // 1
    logic input_address;   // 0
  } status_t;

endpackage : shell_pkg

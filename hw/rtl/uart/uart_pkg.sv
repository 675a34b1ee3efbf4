// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// The link's frames: hw/runner/backends/_uart_link.py is the other end.
//
//   sync 5A | kind | sequence, 2 bytes | length of the payload, 2 bytes | payload | CRC-32, 4 bytes
//
// Numbers are little-endian. The CRC is that of zlib, over all from the kind to the payload's end.
// Requests: identify (no payload) and infer (an image). The answer has the kind's highest bit set
// and the request's sequence number:
//   identify: Magic, Version, digest (16 bytes), bytes of an image, bytes of its results, clock in
//             Hz, baud, images that the board holds, requests dropped
//   infer:    results, int32 each, then the cycles that the accelerator took since the last answer
// A request that is damaged, of another length, or too many is dropped: the host asks again. To ask
// again is harmless, for the board keeps nothing of an image that it has answered.

package uart_pkg;

  localparam logic [7:0] Sync     = 8'h5A;
  localparam logic [7:0] Identify = 8'h01;
  localparam logic [7:0] Infer    = 8'h02;
  localparam logic [7:0] Answer   = 8'h80;  // in the kind

  localparam logic [31:0] Magic   = 32'h5546_5453;  // "STFU"
  localparam logic [31:0] Version = 32'd1;

  localparam int unsigned HeaderBytes   = 6;
  localparam int unsigned CrcBytes      = 4;
  localparam int unsigned IdentityBytes = 48;
  localparam int unsigned CycleBytes    = 4;

  localparam logic [31:0] CrcStart   = 32'hFFFF_FFFF;
  localparam logic [31:0] CrcResidue = 32'hDEBB_20E3;  // behind a frame's own CRC

  function automatic logic [31:0] crc32(input logic [31:0] crc, input logic [7:0] data);
    logic [31:0] next;
    next = crc ^ {24'd0, data};
    for (int i = 0; i < 8; i++) next = next[0] ? (next >> 1) ^ 32'hEDB8_8320 : next >> 1;
    return next;
  endfunction

endpackage : uart_pkg

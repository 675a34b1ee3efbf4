// SPDX-FileCopyrightText: 2026 the steelflow engineers
// SPDX-License-Identifier: BSD-3-Clause
//
// How the operands of a matrix unit are coded.

package lut_pkg;

  typedef struct packed {
    int unsigned bits;
    bit          is_signed;  // two's complement
    bit          bipolar;    // one bit b that stands for 2b - 1
  } operand_t;

endpackage : lut_pkg

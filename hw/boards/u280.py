# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Alveo U280."""

from hw.boards.alveo import AlveoBoard

__all__ = ["BOARD"]

BOARD = AlveoBoard(
    name="u280",
    title="Alveo U280",
    part_name="xcu280-fsvh2892-2L-e",
    platform="xilinx_u280_gen3x16_xdma_1_202211_1",
    banks=tuple(f"HBM[{8 * unit}]" for unit in range(4)),
)

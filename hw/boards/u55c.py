# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Alveo U55C."""

from hw.boards.alveo import AlveoBoard

__all__ = ["BOARD"]

BOARD = AlveoBoard(
    name="u55c",
    title="Alveo U55C",
    part_name="xcu55c-fsvh2892-2L-e",
    platform="xilinx_u55c_gen3x16_xdma_3_202210_1",
    banks=tuple(f"HBM[{8 * unit}]" for unit in range(4)),
)

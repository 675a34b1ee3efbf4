# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Alveo U250."""

from hw.boards.alveo import AlveoBoard

__all__ = ["BOARD"]

BOARD = AlveoBoard(
    name="u250",
    title="Alveo U250",
    part_name="xcu250-figd2104-2L-e",
    platform="xilinx_u250_gen3x16_xdma_4_1_202210_1",
    banks=tuple(f"DDR[{bank}]" for bank in range(4)),
    slrs=tuple(f"SLR{die}" for die in range(4)),
)

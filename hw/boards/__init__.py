# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Boards, a file each: from a kernel to the plan of its bitstream, and what comes back of that."""

from hw.boards.board import Board, BoardSettings, Tool
from hw.boards.registry import BOARDS, find_board
from hw.boards.report import BitstreamReport

__all__ = ["BOARDS", "BitstreamReport", "Board", "BoardSettings", "Tool", "find_board"]

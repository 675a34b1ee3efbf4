# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The boards that are known, and boards of one's own."""

from hw.boards import ulx3s_85f
from hw.boards.board import Board
from hw.errors import HardwareError
from steelflow_names import hint

__all__ = ["BOARDS", "find_board"]

BOARDS: tuple[Board, ...] = (ulx3s_85f.BOARD,)


def find_board(name: str) -> Board:
    """Return a board by its name.

    Raises:
        HardwareError: there is none.
    """
    wanted = name.strip().lower().replace("_", "-")
    known = {board.name: board for board in BOARDS}
    if wanted not in known:
        raise HardwareError(
            f"board {name!r}: is unknown{hint(wanted, known)}. The boards that are known: "
            "`steelflow boards`"
        )
    return known[wanted]

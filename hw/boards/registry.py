# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The boards that are known, and boards of one's own."""

import runpy
from collections.abc import Callable
from functools import partial
from pathlib import Path

import yaml

from hw.boards import (
    kr260,
    kv260,
    pynq_z1,
    pynq_z2,
    u55c,
    u250,
    u280,
    ultra96_v2,
    ulx3s_85f,
    zcu104,
)
from hw.boards.alveo import AlveoBoard
from hw.boards.board import Board
from hw.boards.ulx3s import Ulx3s
from hw.boards.vivado.settings import ULTRASCALE, ZYNQ_7000
from hw.boards.zynq import ZynqBoard
from hw.errors import HardwareError
from steelflow_names import hint, one_line

__all__ = ["BOARDS", "find_board"]

BOARDS: tuple[Board, ...] = (
    pynq_z1.BOARD,
    pynq_z2.BOARD,
    zcu104.BOARD,
    kv260.BOARD,
    kr260.BOARD,
    ultra96_v2.BOARD,
    u250.BOARD,
    u280.BOARD,
    u55c.BOARD,
    ulx3s_85f.BOARD,
)


_KINDS: dict[str, Callable[..., Board]] = {
    "zynq-7000": partial(ZynqBoard, system=ZYNQ_7000),
    "ultrascale": partial(ZynqBoard, system=ULTRASCALE),
    "alveo": AlveoBoard,
    "ulx3s": Ulx3s,
}


def find_board(name: str) -> Board:
    """Return a board by its name, or from a file that describes one.

    A .py file defines BOARD; a .yaml file has the fields of a kind of boards and, as `kind`, which:
    zynq-7000, ultrascale, alveo or ulx3s.

    Raises:
        HardwareError: there is none; a file that describes none.
    """
    path = Path(name)
    if path.suffix in (".yaml", ".yml"):
        return _described(path)
    if path.suffix == ".py":
        return _programmed(path)
    wanted = name.strip().lower().replace("_", "-")
    known = {board.name: board for board in BOARDS}
    if wanted not in known:
        raise HardwareError(
            f"board {name!r}: is unknown{hint(wanted, known)}. A .py or .yaml file can describe one"
        )
    return known[wanted]


def _described(path: Path) -> Board:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        kind = _KINDS[content.pop("kind")]
        board = kind(**content)
    except (
        OSError,
        UnicodeDecodeError,
        yaml.YAMLError,
        AttributeError,
        KeyError,
        TypeError,
    ) as error:
        reason = one_line(error)
        raise HardwareError(
            f"board {path}: {type(error).__name__}: {reason}; give kind ({', '.join(_KINDS)}), "
            "name, title, part_name and what the kind asks for"
        ) from error
    _ = board.part  # is known, or refused
    return board


def _programmed(path: Path) -> Board:
    try:
        found = runpy.run_path(str(path)).get("BOARD")
    except OSError as error:
        raise HardwareError(f"board {path}: cannot be read ({error.strerror})") from error
    if not isinstance(found, Board):
        raise HardwareError(f"board {path}: BOARD is {found!r}; define it as a hw.boards.Board")
    return found

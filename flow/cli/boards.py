# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""`steelflow boards`."""

import argparse
from dataclasses import dataclass

from flow.cli.base import Command

__all__ = ["COMMAND"]


@dataclass(frozen=True)
class BoardsCommand(Command):
    """List the boards that --board takes, and what is missing here to build for them."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Declare nothing."""

    def run(self, options: argparse.Namespace) -> int:  # noqa: ARG002
        """Print a line for each board."""
        from hw.boards import BOARDS  # noqa: PLC0415 - keeps --help fast

        print(f"{'board':12} {'title':22} {'part':24} {'link':18} to build here")
        for board in BOARDS:
            missing = (
                "; ".join(dict.fromkeys(tool.remedy for tool in board.missing)) or "all is here"
            )
            print(
                f"{board.name:12} {board.title:22} {board.part.name:24} {board.link:18} {missing}"
            )
        return 0


COMMAND = BoardsCommand(name="boards", help="list the boards, and what is missing to build here")

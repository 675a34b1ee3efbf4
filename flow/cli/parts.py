# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""`steelflow parts`."""

import argparse
from dataclasses import dataclass

from flow.cli.base import Command

__all__ = ["COMMAND"]


@dataclass(frozen=True)
class PartsCommand(Command):
    """List the parts that --part and compile.part take, with what each holds."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Declare the filter."""
        parser.add_argument(
            "part",
            nargs="?",
            metavar="NAME",
            help="only this part, device or board, or the .yaml file that describes one",
        )

    def run(self, options: argparse.Namespace) -> int:
        """Print a line for each part."""
        from hw.parts import find_part, known_parts  # noqa: PLC0415 - keeps --help fast

        found = [find_part(options.part)] if options.part else known_parts()
        print(f"{'part':28}{'LUT':>12}{'FF':>12}{'DSP':>8}{'BRAM36':>8}  boards")
        for part in found:
            figures = f"{part.lut:>12,}{part.ff:>12,}{part.dsp:>8,}{part.bram36:>8,}"
            print(f"{part.name:28}{figures}  {part.board}".rstrip())
        return 0


COMMAND = PartsCommand(name="parts", help="list the FPGA parts and boards, and what each holds")

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Lists a model's ports for model.cpp: `python3 ports.py HEADER OUT`, in the folder of its build.

Travels with the plan, so it uses the standard library only.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

_PORT = re.compile(r" *VL_(IN|OUT)(?:8|16|64|W)?\(&(\w+),(\d+),(\d+)(?:,\d+)?\);")


def main(header: Path, out: Path) -> None:
    """Write PORT(name, is input, width, C++ member) for each port of Verilator's header."""
    section = header.read_text().split("// PORTS\n", 1)[1].split("// CELLS\n", 1)[0]
    out.write_text("".join(_port_lines(section)))


def _port_lines(section: str) -> Iterator[str]:
    for line in section.splitlines():
        if not line.strip() or line.strip().startswith("//"):
            continue
        match = _PORT.fullmatch(line)
        if match is None:
            sys.exit(
                f"error: port {line.strip()} (as Verilator has it): neither an input nor an output "
                "of one vector, which is all that a simulation drives; wrap the module"
            )
        direction, member, high, low = match.groups()
        name = re.sub(r"__0([0-9A-F]{2})", lambda code: chr(int(code[1], 16)), member)
        width = int(high) - int(low) + 1
        yield f'PORT("{name}", {direction == "IN":d}, {width}, {member})\n'


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""`steelflow bench simulator` in a process that is held to an instruction set.

`python -m flow.bench.simulator_process ISA OPTIONS` takes the options as JSON and prints each row
as a line of JSON.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from flow.bench.held import held_environment
from flow.bench.simulator_cases import chosen
from flow.bench.simulator_figures import measured
from flow.errors import FlowError, SettingError
from flow.integer.native import instruction_sets
from flow.tables import Row

__all__ = ["held_rows"]

_PASSED = ("models", "rivals", "threads", "seconds")


def held_rows(options: argparse.Namespace) -> Iterator[Row]:
    """Yield each row as soon as the process has measured it.

    Raises:
        SettingError: the instruction set is not this machine's.
        FlowError: the process failed; what it said is on standard error.
    """
    known = instruction_sets()
    if options.isa not in known:
        raise SettingError(f"isa {options.isa}: unknown here; give {' or '.join(known)}", "isa")
    given = {name: getattr(options, name) for name in _PASSED}
    given["data"] = None if options.data is None else str(options.data)
    command = [sys.executable, "-m", __spec__.name, options.isa, json.dumps(given)]
    environment = held_environment(options.isa)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        yield from map(json.loads, process.stdout)
    if process.returncode:
        raise FlowError(
            f"bench simulator --isa {options.isa}: its process ended with status "
            f"{process.returncode}; see its messages above"
        )


def _main(isa: str, given: str) -> None:
    options = argparse.Namespace(**json.loads(given))
    options.data = None if options.data is None else Path(options.data)
    for row in measured(chosen(options), options, isa):
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    _main(*sys.argv[1:])

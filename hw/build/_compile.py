# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Runs a CxxJob in the folder of its plan: `python3 compile.py`.

Travels with the plan, so it uses the standard library only. Ends with the exit status of the tool
that failed, after a last line that names it; says nothing of its own otherwise.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

JOB = "compile.json"


class _FailedError(Exception):
    """A tool has failed: (name, exit status)."""


def main() -> int:
    """Generate sources, compile them side by side, link; return the exit status."""
    job = json.loads(Path(JOB).read_text())
    try:
        for command in job["before"]:
            _run(command)
        units = _write_units(job["sources"], job["least_bytes"], job["most_bytes"])
        commands = [[*job["compile"], "-c", f"{unit}.cpp", "-o", f"{unit}.o"] for unit in units]
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            list(pool.map(_run, commands))
        if job["link"]:
            _run([*job["link"], *(f"{unit}.o" for unit in units), *job["libraries"]])
    except _FailedError as failure:
        tool, status = failure.args
        print(f"{tool}: exit status {status}", flush=True)
        return 1
    return 0


def _run(words: Sequence[str]) -> None:
    first, *rest = map(os.path.expandvars, words)
    try:
        done = subprocess.run([sys.executable if first == "python3" else first, *rest], check=False)
    except OSError as error:
        print(f"error: {first}: {error.strerror}", flush=True)
        raise _FailedError(Path(first).name, 127) from error
    if done.returncode:
        raise _FailedError(Path(rest[0] if first == "python3" else first).name, done.returncode)


def _write_units(patterns: Iterable[str], least: int, most: int) -> list[str]:
    """Join sources to units of similar size; return the names without suffix."""
    paths = [path for pattern in patterns for path in _files(os.path.expandvars(pattern))]
    total = sum(path.stat().st_size for path in paths)
    limit = min(max(least, total // (os.cpu_count() or 1)), most)
    units: list[list[Path]] = [[]]
    filled = 0
    for path in paths:
        if filled > limit:
            units.append([])
            filled = 0
        units[-1].append(path)
        filled += path.stat().st_size
    for index, unit in enumerate(units):
        text = "".join(f'#include "{path}"\n' for path in unit)
        Path(f"unit_{index}.cpp").write_text(text)
    return [f"unit_{index}" for index in range(len(units))]


def _files(pattern: str) -> list[Path]:
    """Return the files of a pattern in the folder, or an absolute path as it is."""
    return [Path(pattern)] if Path(pattern).is_absolute() else sorted(Path().glob(pattern))


if __name__ == "__main__":
    sys.exit(main())

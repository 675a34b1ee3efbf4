# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Runs Yosys on one job, in the folder of its plan: `python3 synthesize.py JOB.json`.

Travels with the plan, so it needs pyosys and the standard library only.

The job: {"reads": [[command word, ...], ...], "top": module, "tied": [port pattern, ...],
"commands": [command or [type, command], ...], "pairs": file or ""}, where a command with a type
runs only if there is a cell whose type begins so; the file gets {"pairs": LUTs that share a site
with another}. Yosys' log goes to standard output.
"""

import json
import sys
from fnmatch import fnmatch
from pathlib import Path

from packing import count_pairs  # type: ignore[import-not-found]  # beside it in the plan
from pyosys import libyosys

__all__ = ["main"]


def main(job_file: Path) -> None:
    """Run the job: read, tie the ports that the accelerator leaves open, synthesise."""
    job = json.loads(job_file.read_text())
    design = libyosys.Design()
    for words in job["reads"]:
        libyosys.run_pass(" ".join(_quoted(word) for word in words), design)
    libyosys.run_pass(f"hierarchy -check -top {job['top']}", design)
    _tie_ports(design.top_module(), job["tied"])
    for command in job["commands"]:
        kind, words = ("", command) if isinstance(command, str) else command
        if not kind or _has_cell(design, kind):
            libyosys.run_pass(words, design)
    if job["pairs"]:
        Path(job["pairs"]).write_text(json.dumps({"pairs": _pairs(design)}))


def _pairs(design: libyosys.Design) -> int:
    """Return the pairs of LUTs in all modules; nothing but a netlist's JSON tells the nets."""
    whole = Path("whole.json")
    libyosys.run_pass(f"write_json {whole}", design)
    modules = json.loads(whole.read_text())["modules"].values()
    whole.unlink()
    return sum(count_pairs(module["cells"]) for module in modules)


def _has_cell(design: libyosys.Design, kind: str) -> bool:
    """Say whether any module that is no black box has a cell of a type that begins so."""
    return any(
        cell.type.str().startswith(kind)
        for module in design.modules_.values()
        for cell in module.cells_.values()
    )


def _quoted(word: str) -> str:
    return f'"{word}"' if " " in word and '"' not in word else word


def _tie_ports(module: libyosys.Module, patterns: list[str]) -> None:
    """Drive matching inputs with zero and drop matching outputs, so that dead logic goes."""
    for name in list(module.wires_):
        wire = module.wires_[name]
        if not any(fnmatch(name.str().lstrip("\\"), pattern) for pattern in patterns):
            continue
        if wire.port_input:
            module.connect(libyosys.SigSpec(wire), libyosys.SigSpec(libyosys.Const(0, wire.width)))
        wire.port_input = False
        wire.port_output = False
    module.fixup_ports()


if __name__ == "__main__":
    main(Path(sys.argv[1]))

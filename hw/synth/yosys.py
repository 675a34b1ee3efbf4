# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Synthesis of one module with Yosys, in a process of its own, cached by content."""

import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from hw.errors import HardwareError
from hw.parts import Part
from hw.synth._primitives import declare_primitives
from hw.synth.resources import Resources, count_cells

__all__ = ["OPEN_PORTS", "Plan", "prepare", "run_plan", "synthesize_module"]

# Ports of FINN's modules that a stitched accelerator leaves open: the configuration bus, the
# occupancy counters of FIFOs. Vivado drops the logic behind them, and so does synthesis here.
OPEN_PORTS = ("s_axilite_*", "count", "maxcount")

# Techmaps: of shift registers, and of memories that are to become LUTs but are never written,
# which Yosys knows no primitive for (it makes four times as many LUTs of them as Vivado).
_HERE = Path(__file__).parent
_MAPS = (_HERE / "srl_map.v", _HERE / "rom_map.v", _HERE / "rom_library.txt")

# Assertions and delays in FINN's RTL are for simulation.
_READ = ("read_slang", "--allow-use-before-declare", "--ignore-assertions", "--ignore-timing")

# FINN closes some files with `default_nettype wire inside a module, which slang refuses.
_DIRECTIVE = re.compile(rb"^`default_nettype.*$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What Yosys is to do for one module; a value, looked up by its digest."""

    top: str
    sources: tuple[Path, ...]  # of different names, packages before their users
    family: str  # as in `synth_xilinx -family`
    parameters: Mapping[str, int | str] = field(default_factory=dict)
    cores: tuple[str, ...] = ()  # modules below the top, read with their initial blocks ignored
    base_dir: Path | None = None  # memory files are named relative to it
    memory: tuple[str, ...] = ()  # those files

    def digest(self) -> str:
        """Return a digest of all that the result depends on, file contents included."""
        job = self.job(Path(), [path.name for path in self.sources])
        sha = hashlib.sha256(json.dumps([version("pyosys"), job]).encode())
        memory = [(self.base_dir or Path()) / name for name in self.memory]
        for path in (*self.sources, *memory, *_MAPS):
            sha.update(hashlib.sha256(_read(path)).digest())
        return sha.hexdigest()[:24]

    def job(self, work: Path, sources: Sequence[str]) -> dict[str, object]:
        """Return the job for hw.synth._worker; `work` is prepared, and takes cells.json."""
        files = [str(work / "primitives.sv"), *sources]
        pairs = zip(self.sources, sources, strict=True)
        rest = [files[0], *(name for path, name in pairs if not self._declares_core(path))]
        values = [_parameter(name, value) for name, value in sorted(self.parameters.items())]
        cores = [[*_READ, "--ignore-initial", "--top", core, *files] for core in self.cores]
        return {
            "reads": [*cores, [*_READ, "--top", self.top, *values, *rest]],
            "top": self.top,
            "tied": OPEN_PORTS,
            "commands": _commands(self.family, work),
        }

    def _declares_core(self, path: Path) -> bool:
        """Say whether a file declares a core; slang then takes the module from the design."""
        names = "|".join(re.escape(core) for core in self.cores) or "$"
        return re.search(rf"^module ({names})\b", _read(path).decode(), re.MULTILINE) is not None


def _commands(family: str, work: Path) -> list[str]:
    return [
        "flatten",
        "proc",
        "opt",
        f"techmap -map {work / 'srl_map.v'} t:$bmux",
        "memory_collect",
        f"memory_libmap -lib {work / 'rom_library.txt'} t:$mem_v2 a:rom_style=distributed %i",
        f"techmap -map {work / 'rom_map.v'} t:$__STEELFLOW_ROM*",
        f"synth_xilinx -family {family} -flatten -noiopad -noclkbuf",
        f"tee -q -o {work / 'cells.json'} stat -json",
    ]


def _parameter(name: str, value: int | str) -> str:
    return f'-G{name}="{value}"' if isinstance(value, str) else f"-G{name}={value}"


def prepare(work: Path) -> None:
    """Write the files that a job in this folder reads besides its sources."""
    (work / "primitives.sv").write_text(declare_primitives())
    for path in _MAPS:
        (work / path.name).write_bytes(path.read_bytes())


def synthesize_module(
    top: str,
    sources: Sequence[Path],
    part: Part,
    *,
    build_dir: Path,
    parameters: Mapping[str, int | str] | None = None,
    base_dir: Path | None = None,
    memory: Sequence[str] = (),
    timeout_s: float = 600,
) -> Resources:
    """Return the resources of a module and all below it for a part, from cache if known.

    Args:
        top: module name.
        sources: SystemVerilog or Verilog files, packages before their users.
        part: device; its family selects the primitives.
        build_dir: results, logs and the cache.
        parameters: overrides of the top's parameters.
        base_dir: folder that memory files ($readmemh) are named relative to.
        memory: those files, as part of what the result depends on.
        timeout_s: limit for Yosys.

    Raises:
        HardwareError: a missing file, a failure of Yosys (names its log), an unknown primitive.
    """
    plan = Plan(
        top=top,
        sources=tuple(sources),
        family=part.family.value,
        parameters=parameters or {},
        base_dir=base_dir,
        memory=tuple(memory),
    )
    return run_plan(plan, build_dir=build_dir, timeout_s=timeout_s)


def run_plan(plan: Plan, *, build_dir: Path, timeout_s: float = 600) -> Resources:
    """Run a plan, or return the result that an equal one left in `build_dir`.

    Raises:
        HardwareError: as `synthesize_module`.
    """
    folder = build_dir / f"{plan.top}-{plan.digest()}"
    cells_file = folder / "cells.json"
    if not cells_file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as work:
            _run_yosys(plan, Path(work), folder / "yosys.log", timeout_s)
            (Path(work) / "cells.json").replace(cells_file)
    design = json.loads(cells_file.read_text())["design"]
    cells = {name: int(count) for name, count in design["num_cells_by_type"].items()}
    if not cells:
        raise HardwareError(
            f"synthesis of {plan.top}: nothing is left of it, so its outputs are constant or open; "
            f"see {folder / 'yosys.log'}"
        )
    return count_cells(cells, f"synthesis of {plan.top}")


def _run_yosys(plan: Plan, work: Path, log: Path, timeout_s: float) -> None:
    work = work.resolve()
    sources = [str(_copy_source(path, log.parent.resolve() / "sources")) for path in plan.sources]
    prepare(work)
    job_file = work / "job.json"
    job_file.write_text(json.dumps(plan.job(work, sources)))
    subject = f"synthesis of {plan.top}"
    try:
        status = _run_worker(job_file, plan.base_dir or work, log, timeout_s)
    except subprocess.TimeoutExpired as error:
        raise HardwareError(
            f"{subject}: Yosys was stopped after {timeout_s:g} s; fold the "
            f"layer further or see {log}"
        ) from error
    if status != 0:
        raise HardwareError(
            f"{subject}: Yosys ended with exit status {status}: {_first_error(log)}; see {log}"
        )


def _copy_source(path: Path, folder: Path) -> Path:
    """Copy a source without the directives that slang refuses; line numbers stay."""
    folder.mkdir(exist_ok=True)
    copy = folder / path.name
    copy.write_bytes(_DIRECTIVE.sub(b"", _read(path)))
    return copy


def _run_worker(job_file: Path, folder: Path, log: Path, timeout_s: float) -> int:
    """Return the exit status of a worker that runs in `folder`."""
    environment = os.environ | {
        "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
        "TMPDIR": str(job_file.parent),
    }
    with log.open("w") as out:
        return subprocess.run(
            [sys.executable, "-m", "hw.synth._worker", str(job_file)],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            timeout=timeout_s,
            check=False,
        ).returncode


def _first_error(log: Path) -> str:
    for line in log.read_text(errors="replace").splitlines():
        if "ERROR: " in line:
            return line.split("ERROR: ", 1)[1].strip()
    return "no error in its log"


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise HardwareError(f"{path}: cannot be read ({error.strerror})") from error

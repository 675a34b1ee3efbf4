# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Projects, filesets and runs of the model, and the cells of a synthesised design."""

import fnmatch
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from hw.boards.tcl_check.tables import STRATEGIES
from hw.errors import HardwareError

__all__ = ["Runs"]

_MAIN = "sources_1"
_MODULE = re.compile(r"^\s*module\s+(\w+)", re.MULTILINE)
_BOX = re.compile(r"\(\* black_box \*\)\s*module\s+(\w+)")


@dataclass
class _Project:
    """What a project holds: files of each fileset, tops, runs with their fileset, what has run."""

    folder: str  # of its runs
    files: dict[str, list[str]] = field(default_factory=lambda: {_MAIN: []})
    tops: dict[str, str] = field(default_factory=dict)
    runs: dict[str, str] = field(default_factory=lambda: {"synth_1": _MAIN, "impl_1": _MAIN})
    done: set[str] = field(default_factory=set)
    strategy: str = "Vivado Implementation Defaults"
    hook: str = ""  # before opt_design


class Runs:
    """The commands for them; runs end at once and leave placeholders.

    Args:
        folder: of the plan.
        run_hook: runs a script as the process of an implementation would.
        said: a line in the log of each run.

    Raises:
        HardwareError: in all methods: the object, the rule and the remedy.
    """

    def __init__(self, folder: Path, run_hook: Callable[[str], None], said: str = "") -> None:
        self.folder, self._run_hook = folder, run_hook
        self.strategies: list[str] = []  # that were implemented
        self.parallel: list[int] = []  # runs that were launched together, for each launch
        self.checkpoints: dict[str, str] = {}  # of layers: cell -> file that fills it
        self.said = said
        self._project: _Project | None = None

    @property
    def project(self) -> _Project:
        """The open project."""
        if self._project is None:
            raise HardwareError("no project is open; call create_project")
        return self._project

    def create_project(self, options: dict[str, str], name: str, folder: str) -> None:
        """Open a new project."""
        if not options.get("part"):
            raise HardwareError(f"create_project {name}: no -part; name one")
        if self._project is not None:
            raise HardwareError(f"create_project {name}: another one is open; call close_project")
        self._project = _Project(f"{folder}/{name}.runs")
        (self.folder / folder).mkdir(exist_ok=True)

    def close_project(self, options: dict[str, str]) -> None:  # noqa: ARG002
        """Close it."""
        _ = self.project
        self._project = None

    def create_fileset(self, options: dict[str, str], name: str) -> None:
        """Add a fileset for a module that is synthesised out of context."""
        if "blockset" not in options or name in self.project.files:
            raise HardwareError(f"create_fileset {name}: is no new -blockset; give it another name")
        self.project.files[name] = []

    def get_filesets(self, options: dict[str, str], name: str) -> str:  # noqa: ARG002
        """Return a fileset."""
        if name not in self.project.files:
            known = ", ".join(self.project.files)
            raise HardwareError(f"fileset {name}: is not there; known here: {known}")
        return name

    def add_files(self, options: dict[str, str], files: str) -> None:
        """Add files to a fileset."""
        target = self.project.files[self.get_filesets({}, options.get("fileset", _MAIN))]
        for name in files.split():
            if not (self.folder / name).is_file():
                raise HardwareError(f"add_files: {name} is not in the plan; add it")
            target.append(name)

    def update_compile_order(self, options: dict[str, str]) -> None:
        """Look at a fileset."""
        self.get_filesets({}, options.get("fileset", ""))

    def set_top(self, fileset: str, name: str) -> None:
        """Set a fileset's top; that of sources_1 is made by make_wrapper."""
        if fileset != _MAIN and not self.declares(fileset, name, ".v", ".sv"):
            raise HardwareError(f"top {name}: is in no file of {fileset}; add the file")
        self.project.tops[fileset] = name

    def declares(self, fileset: str, module: str, *suffixes: str) -> bool:
        """Say whether a module is declared in a fileset, in files with one of these suffixes."""
        paths = [self.folder / n for n in self.project.files[fileset] if n.endswith(suffixes)]
        return any(re.search(rf"\bmodule {module}\s", path.read_text()) for path in paths)

    def create_run(self, options: dict[str, str], name: str) -> None:
        """Add a synthesis run for a blockset."""
        fileset = self.get_filesets({}, options.get("constrset", ""))
        if not options.get("flow", "").startswith("Vivado Synthesis "):
            raise HardwareError(f"create_run {name}: -flow is no synthesis of Vivado; ask synth_1")
        if name in self.project.runs:
            raise HardwareError(f"create_run {name}: is there already; give it another name")
        self.project.runs[name] = fileset

    def get_runs(self, options: dict[str, str], names: str) -> str:
        """Return runs."""
        missing = [name for name in names.split() if name not in self.project.runs]
        if missing and "quiet" not in options:
            known = " and ".join(self.project.runs)
            raise HardwareError(f"run {missing[0]}: is not there; {known} are")
        return "" if missing else names

    def reset_run(self, options: dict[str, str], name: str) -> None:
        """Forget that a run is done, and what is built on it."""
        self.project.done.discard(self.get_runs(options, name))
        if name == "synth_1":
            self.project.done.clear()

    def launch_runs(self, options: dict[str, str], names: str) -> None:
        """Run them."""
        wanted = self.get_runs({}, names).split()
        if len(wanted) > 1 and int(options.get("jobs", "1")) < 2:
            raise HardwareError(f"launch_runs {names}: one after the other; give -jobs")
        self.parallel.append(len(wanted))
        for name in wanted:
            if name in self.project.done:
                raise HardwareError(f"launch_runs {name}: has run; reset it first")
            self._run(name)
            self.project.done.add(name)

    def _run(self, name: str) -> None:
        fileset = self.project.runs[name]
        self.write(f"{self.project.folder}/{name}/runme.log", f"INFO: {name}\n{self.said}\n")
        if name == "synth_1":
            self._check_modules(fileset)
        elif name == "impl_1":
            self._implement()
        elif fileset != _MAIN:
            top = self.project.tops.get(fileset)
            if top is None:
                raise HardwareError(f"launch_runs {name}: {fileset} has no top; set it")
            self.write(f"{self.project.folder}/{name}/{top}.dcp", f"checkpoint of {top}")

    def _check_modules(self, fileset: str) -> None:
        names = [n for n in self.project.files[fileset] if n.endswith((".v", ".sv"))]
        found = [m for n in names for m in _MODULE.findall((self.folder / n).read_text())]
        twice = sorted({module for module in found if found.count(module) > 1})
        if twice:
            raise HardwareError(f"module {twice[0]}: is in two files of {fileset}; leave one out")

    def _implement(self) -> None:
        if "synth_1" not in self.project.done:
            raise HardwareError("launch_runs impl_1: synth_1 has not run; launch that first")
        self.strategies.append(self.project.strategy)
        self.checkpoints.clear()
        if self.project.hook:
            self._run_hook(self.project.hook)
        empty = sorted(self.boxes().keys() - self.checkpoints.keys())
        if empty:
            raise HardwareError(f"opt_design: {empty[0]} is a black box; read its checkpoint")
        self.write(f"{self.project.folder}/impl_1/design_1_wrapper.bit", "placeholder of a model")
        generated = self.project.folder.replace(".runs", ".gen")
        handoff = f"{generated}/{_MAIN}/bd/design_1/hw_handoff/design_1.hwh"
        self.write(handoff, "placeholder of a model")

    def boxes(self) -> dict[str, str]:
        """Return black boxes of the main design: path of the cell -> module."""
        texts = [(self.folder / n).read_text() for n in self.project.files[_MAIN]]
        found = {}
        for text in texts:
            for module in _BOX.findall(text):
                (instance,) = re.findall(rf"^\s*{module}\s+(\w+)\s*\(", text, re.MULTILINE)
                found[f"design_1_i/kernel/inst/kernel/accelerator/layer/{instance}"] = module
        return found

    def get_cells(self, options: dict[str, str]) -> str:
        """Return cells of the main design; knows its black boxes alone."""
        if "hierarchical" not in options:
            raise HardwareError("get_cells: without -hierarchical it finds the top's cells alone")
        asked = options.get("filter", "")
        if asked == "IS_BLACKBOX":
            return " ".join(sorted(self.boxes().keys() - self.checkpoints.keys()))
        field_name, _, pattern = asked.partition(" =~ ")
        if field_name != "NAME":
            raise HardwareError(f"get_cells: filter {asked} is not known; see UG912")
        return " ".join(sorted(fnmatch.filter(self.boxes(), pattern)))

    def read_checkpoint(self, options: dict[str, str], file: str) -> None:
        """Fill a black box."""
        cell, path = options.get("cell", ""), Path(file)
        module = self.boxes().get(cell)
        if module is None or cell in self.checkpoints:
            raise HardwareError(f"read_checkpoint: {cell or 'no -cell'} is no black box; name one")
        if not path.is_file() or path.read_text() != f"checkpoint of {module}":
            raise HardwareError(f"read_checkpoint: {path.name} is no checkpoint of {module}")
        self.checkpoints[cell] = path.name

    def set_strategy(self, value: str) -> None:
        """Choose the strategy of the implementation, which sets its steps anew."""
        if value not in STRATEGIES:
            raise HardwareError(f"strategy {value}: is not known; see UG904")
        self.project.strategy, self.project.hook = value, ""

    def set_hook(self, path: str) -> None:
        """Choose the script that runs before opt_design."""
        if not Path(path).is_file():
            raise HardwareError(f"STEPS.OPT_DESIGN.TCL.PRE {path}: is no file; give its whole path")
        self.project.hook = path

    def wait_on_run(self, options: dict[str, str], name: str) -> None:
        """See that it was launched."""
        if self.get_runs(options, name) not in self.project.done:
            raise HardwareError(f"wait_on_run {name}: was not launched; launch it")

    def open_run(self, options: dict[str, str], name: str) -> None:
        """Look at a run that is done."""
        self.wait_on_run(options, name)

    def property_of(self, name: str, run: str) -> str | None:
        """Return a run's property; None if it has none of this name."""
        known = {
            "PROGRESS": "100%",
            "STATUS": "complete",
            "FLOW": "Vivado Synthesis 2022",
            "DIRECTORY": str(self.folder / self.project.folder / run),
        }
        return known.get(name) if run in self.project.runs else None

    def write(self, name: str, text: str) -> None:
        """Write a file into the plan's folder."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

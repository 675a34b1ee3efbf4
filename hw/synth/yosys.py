# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Synthesis of one module with Yosys, in a process of its own, cached by content."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from hw.build import PYTHON, BuildPlan, BuildStore
from hw.errors import HardwareError
from hw.parts import Family, Part
from hw.synth._primitives import declare_primitives, extra_cells
from hw.synth.resources import KNOWN_CELLS, Resources, count_cells

__all__ = ["NETLIST", "NETLIST_JSON", "OPEN_PORTS", "SynthesisJob", "run_job", "synthesize_module"]

# Ports of FINN's modules that a stitched accelerator leaves open: the configuration bus, the
# occupancy counters of FIFOs. Vivado drops the logic behind them, and so does synthesis here.
OPEN_PORTS = ("s_axilite_*", "count", "maxcount")

# Techmaps: of shift registers, and of memories that are to become LUTs but are never written,
# which Yosys knows no primitive for (it makes four times as many LUTs of them as Vivado).
_HERE = Path(__file__).parent
_MAPS = ("srl_map.v", "rom_map.v", "rom_library.txt")
_SCRIPT, _JOB, _CELLS, _PAIRS = "synthesize.py", "job.json", "cells.json", "pairs.json"
_PACKING = "packing.py"
_PRIMITIVES, _LIBRARY = "primitives.sv", "library.v"
NETLIST, NETLIST_JSON = "netlist.v", "netlist.json"
_INSTANCE = "layer_instance"

# The step `map_memory` of Yosys 0.70 for each family, as pairs: a prefix of the types of the cells
# that a command is for, and the command.
_LIBMAP = "memory_libmap -logic-cost-rom 0.015625 -lib +/xilinx/lutrams_{lutrams}.txt"
_BLOCK_RAM = "-lib +/xilinx/brams_xc4v.txt -D HAS_SIZE_36 -D HAS_MIXWIDTH_SDP"
_NO_HUGE = "-no-auto-huge"
_MAP_MEMORY = {
    "xc7": (
        (
            "$mem",
            f"{_LIBMAP.format(lutrams='xc5v')} {_BLOCK_RAM} -D HAS_CASCADE -D HAS_CONFLICT_BUG "
            f"{_NO_HUGE}",
        ),
        ("$__XILINX_LUTRAM_", "techmap -map +/xilinx/lutrams_xc5v_map.v"),
        ("$__XILINX_BLOCKRAM_", "techmap -map +/xilinx/brams_xc6v_map.v"),
    ),
    "xcup": (
        (
            "$mem",
            f"{_LIBMAP.format(lutrams='xcu')} {_BLOCK_RAM} -D HAS_ADDRCE "
            f"-lib +/xilinx/urams.txt {_NO_HUGE}",
        ),
        ("$__XILINX_LUTRAM_", "techmap -map +/xilinx/lutrams_xc5v_map.v"),
        ("$__XILINX_BLOCKRAM_", "techmap -map +/xilinx/brams_xcu_map.v"),
    ),
}

# Assertions and delays in FINN's RTL are for simulation.
_READ = ("read_slang", "--allow-use-before-declare", "--ignore-assertions", "--ignore-timing")

# FINN closes some files with `default_nettype wire inside a module, which slang refuses.
_DIRECTIVE = re.compile(rb"^`default_nettype.*$", re.MULTILINE)


Command = str | list[str]  # of Yosys; or the type of the cells that it is for, and the command


@dataclass(frozen=True, kw_only=True)
class SynthesisJob:
    """One module to synthesise."""

    top: str
    sources: tuple[Path, ...]  # of different names, packages before their users
    family: str  # Family's value
    parameters: Mapping[str, int | str] = field(default_factory=dict)
    cores: tuple[str, ...] = ()  # modules below the top, read with their initial blocks ignored
    base_dir: Path | None = None  # memory files are named relative to it
    memory: tuple[str, ...] = ()  # those files
    # The prefix that tells this module and its files from equal ones: it is replaced, so that
    # layers which differ in nothing else are one job.
    instance: str = ""

    def plan(self) -> BuildPlan:
        """Return the build of the counts of the netlist's cells and of its pairs of LUTs.

        Reads all files.

        Raises:
            HardwareError: a source or a memory file is missing.
        """
        return self._plan(self._description(_commands(self.family)), self._products)

    def netlist_plan(self, keep: Sequence[str] = ()) -> BuildPlan:
        """Return the build of NETLIST, with what `plan` makes.

        Args:
            keep: modules that stay apart in the netlist, as slang names them.
        """
        marks = [f"setattr -mod -set keep_hierarchy 1 {module}" for module in keep]
        write = f"write_verilog -noattr {NETLIST}"
        job = self._description([*marks, *_commands(self.family), write], apart=bool(keep))
        return self._plan(job, (*self._products, NETLIST))

    def json_plan(self) -> BuildPlan:
        """Return the build of NETLIST_JSON, with what `plan` makes."""
        job = self._description([*_commands(self.family), f"write_json {NETLIST_JSON}"])
        return self._plan(job, (*self._products, NETLIST_JSON))

    @property
    def _products(self) -> tuple[str, ...]:
        """The counts; a LUT site of an ECP5 holds one LUT, so that there are no pairs."""
        return (_CELLS,) if self.family == Family.ECP5.value else (_CELLS, _PAIRS)

    def _plan(self, job: Mapping[str, object], products: tuple[str, ...]) -> BuildPlan:
        base = self.base_dir or Path()
        files = self._sources()
        files |= {self._rename(name): _read(base / name) for name in self.memory}
        files |= {name: (_HERE / name).read_bytes() for name in _MAPS}
        files[_PRIMITIVES] = declare_primitives().encode()
        files[_LIBRARY] = extra_cells(KNOWN_CELLS).encode()
        files[_SCRIPT] = (_HERE / "_worker.py").read_bytes()
        files[_PACKING] = (_HERE / _PACKING).read_bytes()
        files[_JOB] = json.dumps(job, indent=1).encode()
        return BuildPlan(
            subject=f"synthesis of {self.top}",
            files=files,
            command=(PYTHON, _SCRIPT, _JOB),
            products=products,
            tools={"pyosys": version("pyosys")},
            name=self._rename(self.top),
        )

    def _sources(self) -> dict[str, bytes]:
        """Return the sources, without the directives that slang refuses; line numbers stay."""
        texts = {path.name: _DIRECTIVE.sub(b"", _read(path)).decode() for path in self.sources}
        return {
            f"sources/{self._rename(name)}": self._rename(text).encode()
            for name, text in texts.items()
        }

    def _rename(self, text: str) -> str:
        if not self.instance:
            return text
        return re.sub(rf"\b{re.escape(self.instance)}(?![0-9])", _INSTANCE, text)

    def _description(
        self, commands: Sequence[Command], *, apart: bool = False
    ) -> dict[str, object]:
        """Return what the script reads; `apart`: the hierarchy of modules stays."""
        read = [*_READ, "--keep-hierarchy"] if apart else [*_READ]
        texts = self._sources()
        sources = [_PRIMITIVES, *texts]
        rest = [_PRIMITIVES, *(name for name in texts if not self._declares_core(texts[name]))]
        values = [_parameter(name, value) for name, value in sorted(self.parameters.items())]
        top, cores = self._rename(self.top), map(self._rename, self.cores)
        whole = [[*read, "--ignore-initial", "--top", core, *sources] for core in cores]
        return {
            "reads": [*whole, [*read, "--top", top, *values, *rest]],
            "top": top,
            "tied": OPEN_PORTS,
            "commands": list(commands),
            "pairs": _PAIRS if _PAIRS in self._products else "",
        }

    def _declares_core(self, text: bytes) -> bool:
        """Say whether a file declares a core; slang then takes the module from the design."""
        names = "|".join(re.escape(self._rename(core)) for core in self.cores) or "$"
        return re.search(rf"^module ({names})\b", text.decode(), re.MULTILINE) is not None


def _commands(family: str) -> list[Command]:
    """Return what is run after reading; the last step counts the cells."""
    synthesis = _ecp5_commands() if family == Family.ECP5.value else _xilinx_commands(family)
    return [*synthesis, f"tee -q -o {_CELLS} stat -json"]


def _ecp5_commands() -> list[Command]:
    """Return `synth_ecp5` as in bitstreams (hw.ecp5), but by abc; it chooses where memories lie.

    "distributed" would be LUT RAM to it, which has no contents.
    """
    return ["setattr -unset rom_style a:rom_style=distributed", "synth_ecp5 -noabc9 -nowidelut"]


def _xilinx_commands(family: str) -> list[Command]:
    """Return `synth_xilinx` without what costs most of its time and changes nothing here.

    That is reading thousands of cells that no netlist of ours holds, and the rules for memories
    where there are none. The counts are the same, which a test checks.
    """
    synth = f"synth_xilinx -family {family} -flatten -noiopad -noclkbuf -run"
    return [
        "flatten",
        "proc",
        "opt",
        "techmap -map srl_map.v t:$bmux",
        "memory_collect",
        "memory_libmap -lib rom_library.txt t:$mem_v2 a:rom_style=distributed %i",
        "techmap -map rom_map.v t:$__STEELFLOW_ROM*",
        "read_verilog -lib -specify +/xilinx/cells_sim.v",
        f"read_verilog -lib {_LIBRARY}",
        f"{synth} prepare:map_memory",
        *([cell, command] for cell, command in _MAP_MEMORY[family]),
        f"{synth} map_ffram:edif",
    ]


def _parameter(name: str, value: int | str) -> str:
    return f'-G{name}="{value}"' if isinstance(value, str) else f"-G{name}={value}"


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
    job = SynthesisJob(
        top=top,
        sources=tuple(sources),
        family=part.family.value,
        parameters=parameters or {},
        base_dir=base_dir,
        memory=tuple(memory),
    )
    return run_job(job, BuildStore(build_dir), timeout_s=timeout_s)


def run_job(job: SynthesisJob, store: BuildStore, *, timeout_s: float = 600) -> Resources:
    """Run a job, or return the result that an equal one left in the store.

    Raises:
        HardwareError: as `synthesize_module`.
    """
    products = store.build(job.plan(), timeout_s)
    design = json.loads(products.path(_CELLS).read_text())["design"]
    cells = {name: int(count) for name, count in design["num_cells_by_type"].items()}
    if not cells:
        raise HardwareError(
            f"synthesis of {job.top}: nothing is left of it, so its outputs are constant or open; "
            f"see {products.log}"
        )
    pairs = products.path(_PAIRS)
    shared = int(json.loads(pairs.read_text())["pairs"]) if pairs.is_file() else 0
    return count_cells(cells, f"synthesis of {job.top}", shared)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise HardwareError(f"{path}: cannot be read ({error.strerror})") from error

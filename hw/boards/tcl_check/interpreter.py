# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Runs a Vivado script in Tcl, with the model's commands in place of Vivado's."""

import tkinter
from collections.abc import Callable, Sequence
from contextlib import chdir
from dataclasses import dataclass, field
from pathlib import Path

from hw.boards.tcl_check.design import Design, known_ip
from hw.boards.tcl_check.packager import PACKAGER_COMMANDS, Packager, Register
from hw.boards.tcl_check.runs import Runs
from hw.boards.tcl_check.tables import COMMANDS, Interface, Ip, Pin
from hw.errors import HardwareError

__all__ = ["Outcome", "check_vivado"]

_ALL = {**COMMANDS, **PACKAGER_COMMANDS}

# The answer of a command, or its error, as _told gives them.
_WRAPPER = """
proc ::{name} args {{
    set answer [::model::{name} {{*}}$args]
    if {{[string index $answer 0] eq "-"}} {{
        return -code error [string range $answer 1 end]
    }}
    return [string range $answer 1 end]
}}
"""

_TABLE = """\
| Site Type | Used | Fixed | Prohibited | Available | Util% |
| Slice LUTs | 1000 | 0 | 0 | 53200 | 1.88 |
| Slice Registers | 2000 | 0 | 0 | 106400 | 1.88 |
| Block RAM Tile | 3.5 | 0 | 0 | 140 | 2.50 |
| DSPs | 0 | 0 | 0 | 220 | 0.00 |
"""


@dataclass
class Outcome:
    """What a script did.

    Attributes:
        design: the block design.
        registers: that the packager was told of.
        runs: syntheses and implementations.
        calls: names of the commands, in order.
        clocks: in MHz, that were asked of the clk_wiz.
    """

    design: Design
    registers: dict[str, Register]
    runs: Runs
    calls: list[str] = field(default_factory=list)
    clocks: list[str] = field(default_factory=list)


def check_vivado(
    folder: Path,
    *,
    kernel_bits: int,
    slacks: Sequence[float] = (0.1,),
    script: str = "build.tcl",
    said: str = "",
) -> Outcome:
    """Run a plan's script in its folder; return what it did.

    The runs of the model end at once; bitstream, hand-off and reports are placeholders, so that the
    script's own handling of files is exercised too.

    Args:
        folder: of the plan.
        kernel_bits: width of the kernel's memory port.
        slacks: worst slack in ns of the implementations, in order; the last one for all others.
        script: file in the folder.
        said: a line in the log of each run.

    Raises:
        HardwareError: the script does what Vivado would refuse; names the command and the line.
    """
    model = _Model(folder, kernel_bits, list(slacks), said)
    _source(model, folder, script)
    return model.outcome


def _source(model: "_Model", folder: Path, script: str) -> None:
    """Run a script in a folder, in a Tcl of its own."""
    interpreter = tkinter.Tcl()
    interpreter.eval("namespace eval ipx {}; namespace eval model {namespace eval ipx {}}")
    for name in _ALL:
        interpreter.createcommand(f"model::{name}", model.command(name))
        interpreter.eval(_WRAPPER.format(name=name))
    interpreter.eval("rename exec {}")  # a plan's script has no use for it
    try:
        with chdir(folder):
            interpreter.eval(f"source {{{script}}}")
    except tkinter.TclError as error:
        trace = str(interpreter.getvar("errorInfo")).splitlines()
        where = next((line.strip() for line in trace if "(file " in line or "(proc" in line), "")
        raise HardwareError(f"{folder / script}: {error} {where}".rstrip()) from error


class _Model:
    """The commands of Vivado."""

    def __init__(self, folder: Path, kernel_bits: int, slacks: list[float], said: str) -> None:
        self.packager = Packager(folder)
        self.runs = Runs(folder, self._hook, said)
        self.outcome = Outcome(Design(), self.packager.registers, self.runs)
        self._folder, self._slacks, self._bits = folder, slacks, kernel_bits

    def command(self, name: str) -> Callable[..., str]:
        """Return what Tcl calls: words are checked by the table, then the method runs."""
        table = _ALL[name]

        def run(*words: str) -> str:
            options: dict[str, str] = {}
            rest, waiting = [], list(words)
            while waiting:
                word = waiting.pop(0)
                option = word.removeprefix("-")
                if not word.startswith("-") or word[1:2].isdigit():
                    rest.append(word)
                elif option in table.flags:
                    options[option] = "1"
                elif option in table.values and waiting:
                    options[option] = waiting.pop(0)
                else:
                    raise HardwareError(f"{name}: option {word} is not known; see UG835")
            if not table.least <= len(rest) <= table.most:
                raise HardwareError(f"{name}: {len(rest)} words are too few or too many; see UG835")
            self.outcome.calls.append(name)
            if name in PACKAGER_COMMANDS:
                return self.packager.run(name, options, tuple(rest))
            owner = self if hasattr(self, name) else self.runs
            return str(getattr(owner, name)(options, *rest) or "")

        return _told(run)

    def _hook(self, script: str) -> None:
        """Run a script as an implementation does: in a process of its own, in the run's folder."""
        folder = self._folder / self.runs.project.folder / "impl_1"
        folder.mkdir(parents=True, exist_ok=True)
        _source(self, folder, script)

    @property
    def design(self) -> Design:
        """The block design."""
        return self.outcome.design

    def get_files(self, options: dict[str, str], name: str = "") -> str:
        if "filter" in options:
            suffix = ".xdc" if options["filter"] == "FILE_TYPE == XDC" else ".sv"
            files = self.runs.project.files[options.get("of_objects", "sources_1")]
            return " ".join(file for file in files if file.endswith(suffix))
        if name != "design_1.bd" or "create_bd_design" not in self.outcome.calls:
            raise HardwareError(f"get_files {name}: finds nothing; correct its name")
        return name

    def get_ipdefs(self, options: dict[str, str]) -> str:
        name = options["filter"].rpartition("==")[2].strip()
        known_ip(name)
        return f"xilinx.com:ip:{name}:5.4 xilinx.com:ip:{name}:5.10"

    def create_bd_design(self, options: dict[str, str], name: str) -> None:
        pass

    def create_bd_cell(self, options: dict[str, str], name: str) -> str:
        if options.get("type") == "module":
            self._require_module(options.get("reference", ""))
            self.design.add(name, _kernel_ip(self._bits))
        elif options.get("type") == "ip":
            self.design.add(name, known_ip(options.get("vlnv", "").split(":")[2]))
        else:
            raise HardwareError(f"create_bd_cell {name}: -type is neither ip nor module")
        return name

    def _require_module(self, name: str) -> None:
        """A module reference must be Verilog, and among the sources."""
        if not self.runs.declares("sources_1", name, ".v"):
            raise HardwareError(f"module {name}: is in no Verilog source; add the file")

    def set_property(self, options: dict[str, str], *words: str) -> None:
        if "dict" in options:
            values = self._words(options["dict"])
            for key, value in zip(values[::2], values[1::2], strict=True):
                self._set(key, value, words[0])
            return
        name, value, target = words
        self._set(name, value, target)

    def _set(self, name: str, value: str, target: str) -> None:
        if name.startswith("CONFIG."):
            self.design.configure(target, name.removeprefix("CONFIG."), value)
            if name.endswith("CLKOUT1_REQUESTED_OUT_FREQ"):
                self.outcome.clocks.append(value)
        elif name == "strategy":
            self.runs.set_strategy(value)
        elif name == "STEPS.OPT_DESIGN.TCL.PRE":
            self.runs.set_hook(value)
        elif name == "top":
            self.runs.set_top(target, value)
        elif name == "USED_IN":
            _check_uses(value, target)
        elif name != "file_type":
            if self.packager.set(name, value, target):
                return
            raise HardwareError(f"set_property {name} of {target}: is not known; see UG912")

    @staticmethod
    def _words(text: str) -> tuple[str, ...]:
        return tuple(str(word) for word in tkinter.Tcl().splitlist(text))

    def get_bd_cells(self, options: dict[str, str], name: str) -> str:  # noqa: ARG002
        if name not in self.design.cells:
            raise HardwareError(f"cell {name}: is not there; correct its name")
        return name

    def get_bd_pins(self, options: dict[str, str], path: str) -> str:  # noqa: ARG002
        self.design.pin(path)
        return path

    def get_bd_intf_pins(self, options: dict[str, str], path: str) -> str:  # noqa: ARG002
        self.design.interface(path)
        return path

    def get_bd_addr_spaces(self, options: dict[str, str], path: str) -> str:  # noqa: ARG002
        return self.design.space(path)

    def get_bd_addr_segs(self, options: dict[str, str], path: str) -> str:  # noqa: ARG002
        return self.design.segment(path)

    def connect_bd_net(self, options: dict[str, str], *pins: str) -> None:  # noqa: ARG002
        self.design.connect(list(pins))

    def connect_bd_intf_net(self, options: dict[str, str], one: str, other: str) -> None:  # noqa: ARG002
        self.design.link(one, other)

    def make_bd_intf_pins_external(self, options: dict[str, str], path: str) -> None:  # noqa: ARG002
        self.design.make_external(path)

    def assign_bd_address(self, options: dict[str, str], segment: str) -> None:
        self.design.map(
            options["target_address_space"], segment, options["offset"], options["range"]
        )

    def validate_bd_design(self, options: dict[str, str]) -> None:  # noqa: ARG002
        self.design.validate()

    def save_bd_design(self, options: dict[str, str]) -> None:
        pass

    def open_bd_design(self, options: dict[str, str], name: str) -> None:
        pass

    def make_wrapper(self, options: dict[str, str]) -> None:
        if "validate_bd_design" not in self.outcome.calls:
            raise HardwareError(
                "make_wrapper: the design was not validated; call validate_bd_design"
            )
        if not {"files", "top", "import"} <= options.keys():
            raise HardwareError("make_wrapper: -files, -top and -import belong together")

    def get_property(self, options: dict[str, str], name: str, target: str) -> str:  # noqa: ARG002
        if name == "STATS.WNS":
            found = len(self.runs.strategies) - 1
            return str(self._slacks[min(found, len(self._slacks) - 1)])
        found_text = self.runs.property_of(name, target)
        if name == "CONFIG.FREQ_HZ":
            found_text = self._hertz()
        if found_text is None:
            raise HardwareError(f"get_property {name} of {target}: is not known; see UG912")
        return found_text

    def _hertz(self) -> str:
        return str(round(1e6 * float(self.outcome.clocks[-1]))) if self.outcome.clocks else "0"

    def report_timing_summary(self, options: dict[str, str]) -> None:
        self.runs.write(options["file"], "placeholder of a model")

    def report_utilization(self, options: dict[str, str]) -> None:
        self.runs.write(options["file"], _TABLE)

    def report_route_status(self, options: dict[str, str]) -> None:
        self.runs.write(
            options["file"], "       # of nets with routing errors.......... :           0 :\n"
        )

    def version(self, options: dict[str, str]) -> str:  # noqa: ARG002
        return "0 (a model)"


def _told(run: Callable[..., str]) -> Callable[..., str]:
    """Return the answer or the error as text: the bridge to Python would lose the error's."""

    def call(*words: str) -> str:
        try:
            return f"+{run(*words)}"
        except HardwareError as error:
            return f"-{error}"

    return call


def _check_uses(value: str, target: str) -> None:
    """A clock of a layer's own must not reach the whole design."""
    wrong = set(value.split()) - {"synthesis", "out_of_context"}
    if wrong or not target:
        raise HardwareError(f"USED_IN {value} of {target or 'no file'}: is for synthesis alone")


def _kernel_ip(bits: int) -> Ip:
    """Return the kernel's wrapper."""
    return Ip(
        pins={
            "ap_clk": Pin("in", 1, "clock"),
            "ap_rst_n": Pin("in", 1, "reset"),
            "interrupt": Pin("out"),
        },
        interfaces={
            "s_axi_control": Interface("slave", "aximm", 32, "ap_clk", segment="reg0"),
            "m_axi_gmem": Interface("master", "aximm", bits, "ap_clk", space="m_axi_gmem"),
        },
    )

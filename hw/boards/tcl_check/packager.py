# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The IP packager's part of the model: a kernel with its registers, up to kernel.xo."""

from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from hw.boards.tcl_check.tables import Command
from hw.errors import HardwareError

__all__ = ["PACKAGER_COMMANDS", "Packager", "Register"]


def _command(values: str = "", flags: str = "", least: int = 0, most: int = 0) -> Command:
    return Command(frozenset(values.split()), frozenset(flags.split()), least, most)


PACKAGER_COMMANDS = {
    "ipx::add_register": _command("", "", 2, 2),
    "ipx::add_register_parameter": _command("", "", 2, 2),
    "ipx::associate_bus_interfaces": _command("busif clock", "", 1, 1),
    "ipx::check_integrity": _command("", "", 1, 1),
    "ipx::create_xgui_files": _command("", "", 1, 1),
    "ipx::current_core": _command(),
    "ipx::get_address_blocks": _command("of_objects", "", 1, 1),
    "ipx::get_memory_maps": _command("of_objects", "", 1, 1),
    "ipx::package_project": _command(
        "root_dir vendor library taxonomy set_current", "import_files"
    ),
    "ipx::save_core": _command("", "", 1, 1),
    "ipx::update_checksums": _command("", "", 1, 1),
    "package_xo": _command("xo_path kernel_name ip_directory ctrl_protocol", "force"),
}
_CORE = {"sdx_kernel", "sdx_kernel_type", "auto_family_support_level"}
_PORTS = ("s_axi_control", "m_axi_gmem")


@dataclass
class Register:
    """A register of the kernel, in bytes and bits; `port`: by which it reaches a buffer."""

    name: str
    offset: int = -1
    bits: int = 0
    port: str = ""


@dataclass
class Packager:
    """The core that a script packages.

    Raises:
        HardwareError: in all methods: the object, the rule and the remedy.
    """

    folder: Path
    registers: dict[str, Register] = field(default_factory=dict)
    associated: set[str] = field(default_factory=set)
    properties: dict[str, str] = field(default_factory=dict)
    saved: bool = False

    def run(self, name: str, options: dict[str, str], words: tuple[str, ...]) -> str:
        """Do what a command of PACKAGER_COMMANDS does."""
        method = getattr(self, f"_{name.removeprefix('ipx::')}", None)
        return str(method(options, *words) or "") if method else "core"

    def set(self, name: str, value: str, target: str) -> bool:
        """Set a property if the target is the packager's; say whether it is."""
        if target == "core" and name in _CORE:
            self.properties[name] = value
        elif target.startswith("parameter:") and name == "value":
            if value not in _PORTS:
                raise HardwareError(f"port {value}: is not the kernel's; name m_axi_gmem")
            self.registers[target.removeprefix("parameter:")].port = value
        elif target.startswith("register:") and name in ("address_offset", "size"):
            register = self.registers[target.removeprefix("register:")]
            if name == "size":
                register.bits = int(value)
            else:
                register.offset = int(value, 0)
        else:
            return False
        return True

    def _add_register(self, options: dict[str, str], name: str, block: str) -> str:  # noqa: ARG002
        if name in self.registers:
            raise HardwareError(f"register {name}: is there already; give it another name")
        self.registers[name] = Register(name)
        return f"register:{name}"

    def _add_register_parameter(self, options: dict[str, str], name: str, register: str) -> str:  # noqa: ARG002
        if name != "ASSOCIATED_BUSIF":
            raise HardwareError(f"parameter {name}: is not known; ASSOCIATED_BUSIF is")
        return register.replace("register:", "parameter:")

    def _associate_bus_interfaces(self, options: dict[str, str], core: str) -> None:  # noqa: ARG002
        port, clock = options.get("busif", ""), options.get("clock", "")
        if port not in _PORTS or clock != "ap_clk":
            raise HardwareError(f"ports {port} and {clock}: are not the kernel's; name its ports")
        self.associated.add(port)

    def _get_memory_maps(self, options: dict[str, str], name: str) -> str:  # noqa: ARG002
        if name != "s_axi_control":
            raise HardwareError(f"memory map {name}: is not there; s_axi_control is")
        return name

    def _get_address_blocks(self, options: dict[str, str], name: str) -> str:  # noqa: ARG002
        if name != "reg0":
            raise HardwareError(f"address block {name}: is not there; reg0 is")
        return name

    def _check_integrity(self, options: dict[str, str], core: str) -> None:  # noqa: ARG002
        missing = sorted(set(_PORTS) - self.associated)
        if missing:
            raise HardwareError(f"port {missing[0]}: has no clock; associate one")
        placed = sorted(self.registers.values(), key=lambda register: register.offset)
        for register in placed:
            if register.offset < 0 or not register.bits:
                raise HardwareError(f"register {register.name}: has no offset or size; set both")
        for one, other in pairwise(placed):
            if one.offset + one.bits // 8 > other.offset:
                raise HardwareError(f"register {other.name}: overlaps {one.name}; move it")

    def _save_core(self, options: dict[str, str], core: str) -> None:  # noqa: ARG002
        self.saved = True

    def _package_xo(self, options: dict[str, str]) -> None:
        if not self.saved or self.properties.get("sdx_kernel") != "true":
            raise HardwareError("package_xo: the core is no saved kernel; set sdx_kernel and save")
        if options.get("ctrl_protocol") != "ap_ctrl_hs":
            raise HardwareError("package_xo: -ctrl_protocol is not ap_ctrl_hs; the kernel has that")
        (self.folder / options["xo_path"]).write_text("placeholder of a model")

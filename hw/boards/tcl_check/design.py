# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A block design as Vivado would hold it: cells, nets, addresses, and the rules that they keep."""

import re
from dataclasses import dataclass, field

from hw.boards.tcl_check.tables import IPS, Interface, Ip, Pin
from hw.errors import HardwareError
from steelflow_names import hint

__all__ = ["Cell", "Design", "Mapped"]

_SIZES = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


@dataclass
class Cell:
    """An instance, and its settings."""

    ip: Ip
    settings: dict[str, str] = field(default_factory=dict)

    def has(self, name: str) -> bool:
        """Say whether a pin or an interface is there, with the settings as they are."""
        if name not in self.ip.pins and name not in self.ip.interfaces:
            return False
        setting, value = self.ip.when.get(name, ("", ""))
        return not setting or self.settings.get(setting) == value


@dataclass(frozen=True)
class Mapped:
    """A segment in an address space."""

    space: str
    segment: str
    offset: int
    size: int


class Design:
    """What a script has built; every method refuses what Vivado would refuse.

    Raises:
        HardwareError: in all methods: the object, the rule and the remedy.
    """

    def __init__(self) -> None:
        self.cells: dict[str, Cell] = {}
        self.nets: list[set[str]] = []
        self.links: dict[str, str] = {}  # both ways, between interfaces
        self.external: set[str] = set()
        self.mapped: list[Mapped] = []

    def add(self, name: str, ip: Ip) -> None:
        """Add a cell."""
        if name in self.cells:
            raise HardwareError(f"cell {name}: is there already; give it another name")
        self.cells[name] = Cell(ip)

    def configure(self, name: str, setting: str, value: str) -> None:
        """Set a CONFIG value of a cell."""
        cell = self._cell(name)
        if setting not in cell.ip.settings:
            meant = hint(setting, cell.ip.settings)
            raise HardwareError(f"cell {name}: no known script sets CONFIG.{setting} of it{meant}")
        cell.settings[setting] = value

    def pin(self, path: str) -> Pin:
        """Return a pin."""
        cell, name = self._split(path)
        if name not in cell.ip.pins or not cell.has(name):
            raise HardwareError(f"pin {path}: is not there; correct its name or enable it")
        return cell.ip.pins[name]

    def interface(self, path: str) -> Interface:
        """Return an interface."""
        cell, name = self._split(path)
        if name not in cell.ip.interfaces or not cell.has(name):
            raise HardwareError(f"interface {path}: is not there; correct its name or enable it")
        return cell.ip.interfaces[name]

    def connect(self, pins: list[str]) -> None:
        """Connect pins to one net, which may reach others."""
        widths = {self.pin(path).width for path in pins}
        if len(widths) > 1:
            raise HardwareError(f"net {' '.join(pins)}: widths {sorted(widths)} differ; match them")
        touched = [net for net in self.nets if net & set(pins)]
        joined = set(pins).union(*touched)
        drivers = sorted(path for path in joined if self.pin(path).way == "out")
        if len(drivers) != 1:
            found = " and ".join(drivers) or "nothing"
            raise HardwareError(f"net {' '.join(pins)}: driven by {found}; give it one driver")
        self.nets = [net for net in self.nets if net not in touched] + [joined]

    def link(self, one: str, other: str) -> None:
        """Connect a master's and a slave's interface."""
        ends = (self.interface(one), self.interface(other))
        if {end.way for end in ends} != {"master", "slave"}:
            raise HardwareError(f"interfaces {one} and {other}: both are {ends[0].way}s; turn one")
        if ends[0].protocol != ends[1].protocol:
            raise HardwareError(
                f"interfaces {one} and {other}: {ends[0].protocol} is not {ends[1].protocol}"
            )
        for path in (one, other):
            if path in self.links or path in self.external:
                raise HardwareError(f"interface {path}: is connected already; connect it once")
        self.links |= {one: other, other: one}

    def make_external(self, path: str) -> None:
        """Lead an interface out of the chip."""
        self.interface(path)
        if path in self.links or path in self.external:
            raise HardwareError(f"interface {path}: is connected already; connect it once")
        self.external.add(path)

    def space(self, path: str) -> str:
        """Return the master interface whose address space has this name."""
        cell_name, name = path.split("/", 1)
        for known, interface in self._cell(cell_name).ip.interfaces.items():
            if interface.way == "master" and interface.space == name:
                return f"{cell_name}/{known}"
        raise HardwareError(f"address space {path}: is not there; correct its name")

    def segment(self, path: str) -> str:
        """Return the slave interface whose address segment has this name."""
        cell_name, name = path.split("/", 1)
        for known, interface in self._cell(cell_name).ip.interfaces.items():
            if interface.segment and name in (interface.segment, f"{known}/{interface.segment}"):
                return f"{cell_name}/{known}"
        raise HardwareError(f"address segment {path}: is not there; correct its name")

    def map(self, space: str, segment: str, offset: str, size: str) -> None:
        """Put a slave's segment into a master's address space."""
        found = re.fullmatch(r"(\d+)([KMG]?)", size)
        if found is None:
            raise HardwareError(f"segment {segment}: range {size} is no size; write 64K or 512M")
        first, length = int(offset, 0), int(found[1]) * _SIZES[found[2]]
        if length & (length - 1) or length < 4096 or first % length:
            raise HardwareError(
                f"segment {segment}: {offset} with range {size} is not aligned to a power of two"
            )
        if segment not in self._reached(space):
            raise HardwareError(f"segment {segment}: is not reached from {space}; connect them")
        for other in self.mapped:
            overlaps = first < other.offset + other.size and other.offset < first + length
            if other.space == space and overlaps:
                raise HardwareError(
                    f"segment {segment}: overlaps {other.segment} at {other.offset:#x} in {space}"
                )
        if first + length > 1 << self.interface(space).address_bits:
            raise HardwareError(f"segment {segment}: {offset} is beyond the addresses of {space}")
        self.mapped.append(Mapped(space, segment, first, length))

    def validate(self) -> None:
        """Check that nothing that is needed is open, and that every slave has its addresses."""
        driven = set().union(*self.nets) if self.nets else set()
        for cell_name, cell in self.cells.items():
            for name, pin in cell.ip.pins.items():
                path = f"{cell_name}/{name}"
                if pin.way == "in" and pin.needed and cell.has(name) and path not in driven:
                    kind = f"{pin.kind} " if pin.kind else ""
                    raise HardwareError(f"{kind}pin {path}: is open; connect it")
            for name in cell.ip.interfaces:
                path = f"{cell_name}/{name}"
                if cell.has(name) and path not in self.links and path not in self.external:
                    raise HardwareError(f"interface {path}: is open; connect it")
        self._validate_kinds()
        self._validate_links()
        self._validate_addresses()

    def _validate_kinds(self) -> None:
        """A clock drives clocks, a reset drives resets."""
        for net in self.nets:
            (driver,) = (path for path in net if self.pin(path).way == "out")
            for path in sorted(net):
                kinds = self.pin(driver).kind, self.pin(path).kind
                if "clock" in kinds and kinds[0] != kinds[1]:
                    raise HardwareError(f"pin {path}: {driver} does not suit it; connect a clock")
                if kinds[1] == "reset" and kinds[0] != "reset":
                    raise HardwareError(f"pin {path}: {driver} is no reset; connect one")

    def _validate_links(self) -> None:
        """Both ends of a link have one clock, and one width where they have one."""
        for one, other in self.links.items():
            ends = self.interface(one), self.interface(other)
            clocks = [self._net_of(p, e.clock) for p, e in zip((one, other), ends, strict=True)]
            if clocks[0] != clocks[1]:
                raise HardwareError(f"interfaces {one} and {other}: their clocks differ")
        for cell_name, cell in self.cells.items():
            if {"S00_AXI", "M00_AXI"} <= cell.ip.interfaces.keys():
                self._validate_widths(cell_name)

    def _validate_widths(self, connect: str) -> None:
        """What meets at a SmartConnect could have any widths; ours are to be equal for memory."""
        master, slave = (self.links[f"{connect}/{name}"] for name in ("S00_AXI", "M00_AXI"))
        widths = self._width(master), self._width(slave)
        if self.interface(slave).segment != "reg0" and widths[0] != widths[1]:
            raise HardwareError(
                f"interfaces {master} and {slave}: {widths[0]} and {widths[1]} bits differ; build "
                "the kernel for the port's width"
            )

    def _width(self, path: str) -> int:
        """Return an interface's width, as its cell's settings have it."""
        cell, name = self._split(path)
        for setting in ("PCW_S_AXI_HP0_DATA_WIDTH", "PSU__SAXIGP2__DATA_WIDTH"):
            if self.interface(path).way == "slave" and setting in cell.settings:
                return int(cell.settings[setting])
        return cell.ip.interfaces[name].width

    def _validate_addresses(self) -> None:
        for cell_name, cell in self.cells.items():
            for name, interface in cell.ip.interfaces.items():
                path = f"{cell_name}/{name}"
                if not interface.space or not cell.has(name):
                    continue
                mapped = {entry.segment for entry in self.mapped if entry.space == path}
                for missing in sorted(self._reached(path) - mapped):
                    raise HardwareError(
                        f"segment of {missing}: has no address in {path}; assign one"
                    )

    def _reached(self, master: str) -> set[str]:
        """Return the slaves behind a master, through SmartConnects."""
        found, waiting = set(), [self.links.get(master, "")]
        while waiting:
            path = waiting.pop()
            if not path:
                continue
            if self.interface(path).segment:
                found.add(path)
            elif path.endswith("S00_AXI"):
                waiting.append(self.links.get(path.replace("S00_AXI", "M00_AXI"), ""))
        return found

    def _net_of(self, path: str, clock: str) -> frozenset[str]:
        pin = f"{path.split('/', maxsplit=1)[0]}/{clock}"
        return next((frozenset(net) for net in self.nets if pin in net), frozenset())

    def _cell(self, name: str) -> Cell:
        if name not in self.cells:
            raise HardwareError(f"cell {name}: is not there; correct its name")
        return self.cells[name]

    def _split(self, path: str) -> tuple[Cell, str]:
        name, _, rest = path.partition("/")
        return self._cell(name), rest


def known_ip(name: str) -> Ip:
    """Return an IP of Vivado's catalogue.

    Raises:
        HardwareError: the model does not know it.
    """
    if name not in IPS:
        raise HardwareError(f"IP {name}: is not known; known here: {', '.join(IPS)}")
    return IPS[name]

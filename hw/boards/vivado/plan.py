# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The bitstream of a kernel on a Zynq as a build plan, and what Vivado says of it."""

from collections.abc import Sequence
from pathlib import Path

from hw.boards.report import BitstreamReport, check_clock, check_log, check_routes, utilisation
from hw.boards.vivado.layers import SeparateLayer, separate_layers
from hw.boards.vivado.settings import ProcessingSystem
from hw.boards.vivado.tcl import render_settings, tcl_word
from hw.boards.vivado.wrapper import WRAPPER, render_wrapper
from hw.build import BuildPlan, BuildProducts
from hw.errors import HardwareError
from hw.shell.kernel import Kernel

__all__ = ["kernel_files", "plan_vivado", "read_vivado"]

_HERE = Path(__file__).parent
_JOBS = "4"  # runs of Vivado at once
_RESULT, _USED = "result.txt", "utilisation.rpt"
_PRODUCTS = ("kernel.bit", "kernel.hwh", "timing.rpt", _USED, "route.rpt", _RESULT)
_STRATEGIES = (
    "Vivado Implementation Defaults",
    "Performance_ExplorePostRoutePhysOpt",
    "Performance_NetDelay_high",
    "Performance_ExtraTimingOpt",
    "Congestion_SpreadLogic_high",
)
_README = """\
# {network} as a bitstream for {board}

Everything is here but Vivado (2022.2 to 2025.2): `vivado -mode batch -source build.tcl` ends in
kernel.bit and kernel.hwh. result.txt says the clock that was made and the worst slack. Board files
are not needed. This script was not run on Vivado by its authors: please send vivado.log.
"""


def kernel_files(kernel: Kernel) -> dict[str, bytes]:
    """Return all files of a kernel's folder, under kernel/."""
    return {
        f"kernel/{path.relative_to(kernel.folder).as_posix()}": path.read_bytes()
        for path in sorted(kernel.folder.rglob("*"))
        if path.is_file()
    }


def plan_vivado(
    kernel: Kernel,
    system: ProcessingSystem,
    *,
    board: str,
    part: str,
    memory: str,
    clock_mhz: float,
    lower_clock: bool,
    attempts: int,
) -> BuildPlan:
    """Return the plan; needs no tool, and does not depend on the version of Vivado.

    Args:
        kernel: what is built.
        system: the processing system of the part.
        board: its name, for people.
        part: as Vivado knows it.
        memory: size of the DDR memory that the kernel sees, as "512M".
        clock_mhz: of the kernel.
        lower_clock: take the most that is met where that is less.
        attempts: strategies of implementation for a clock.
    """
    layers = separate_layers(kernel.accelerator)
    values: dict[str, str | Sequence[str]] = {
        "part": part,
        "jobs": _JOBS,
        "layers": [_listed(layer) for layer in layers],
        "clock_mhz": f"{clock_mhz:g}",
        "lower_clock": str(int(lower_clock)),
        "kernel": kernel.manifest.top,
        "strategies": [tcl_word(strategy) for strategy in _STRATEGIES[:attempts]],
        "sources": [f"kernel/{name}" for name in kernel.manifest.sources],
        **_system_values(system),
        "memory_range": memory,
    }
    about = {"network": kernel.manifest.name, "board": board}
    return BuildPlan(
        subject=f"bitstream of {kernel.manifest.name}",
        files={
            **kernel_files(kernel),
            **_layer_files(layers, clock_mhz),
            "README.md": _README.format_map(about).encode(),
            "build.tcl": (_HERE / "build.tcl").read_bytes(),
            "link.tcl": (_HERE / "link.tcl").read_bytes(),
            "settings.tcl": render_settings(values).encode(),
            f"{WRAPPER}.v.in": render_wrapper(kernel.manifest).encode(),
        },
        command=("vivado", "-mode", "batch", "-notrace", "-source", "build.tcl"),
        products=_PRODUCTS,
        name=f"{kernel.manifest.name}-{board}",
    )


def _system_values(system: ProcessingSystem) -> dict[str, str | Sequence[str]]:
    """Return what build.tcl knows of the processing system."""
    return {
        "ps_ip": system.ip,
        "ps_settings": [f"CONFIG.{name} {tcl_word(v)}" for name, v in system.settings.items()],
        **{f"ps_{name}": getattr(system, name) for name in ("clock", "reset", "control", "memory")},
        "ps_control_clock": system.control_clock,
        "ps_memory_clock": system.memory_clock,
        "ps_interrupt": system.interrupt,
        "ps_segment": system.segment,
        "ps_external": system.external,
        "control_offset": system.control_offset,
    }


def _listed(layer: SeparateLayer) -> str:
    """Return what build.tcl knows of a layer: its name, shared and own sources."""
    lists = ([f"kernel/accelerator/{n}" for n in names] for names in (layer.shared, layer.own))
    shared, own = (tcl_word(*paths) if paths else "{}" for paths in lists)
    return f"{layer.name}\n    {shared}\n    {own}"


def _layer_files(layers: Sequence[SeparateLayer], clock_mhz: float) -> dict[str, bytes]:
    """Return the layers' shells and wrappers, and the clock that they are synthesised for."""
    if not layers:
        return {}
    files = {f"layers/{layer.name}.sv": layer.shell for layer in layers}
    files |= {f"layers/{layer.name}_ooc.sv.in": layer.wrapper for layer in layers}
    clock = f"create_clock -period {1000 / clock_mhz:.3f} [get_ports ap_clk]\n"
    return {name: text.encode() for name, text in (files | {"layers/ooc.xdc": clock}).items()}


def read_vivado(products: BuildProducts, bitstream: str) -> BitstreamReport:
    """Read what Vivado says of a bitstream, a file among the products.

    Raises:
        HardwareError: a report is missing or unreadable, timing is not met, or a net is not routed.
    """
    check_log(products)
    try:
        lines = products.path(_RESULT).read_text().splitlines()
        about = dict(line.split(maxsplit=1) for line in lines if line.strip())
        text = products.path(_USED).read_text()
        found = BitstreamReport(
            asked_mhz=float(about["asked_mhz"]),
            clock_mhz=float(about["clock_mhz"]),
            slack_ns=float(about["slack_ns"]),
            used=utilisation(text, _USED),
            bitstream=bitstream,
            tool=f"Vivado {about['vivado']}",
        )
        check_routes(products)
    except (OSError, ValueError, KeyError) as error:
        raise HardwareError(
            f"{products.folder}: {type(error).__name__}: {error}; build it again"
        ) from error
    if found.slack_ns < 0:
        raise HardwareError(
            f"{products.folder}: worst slack {found.slack_ns:g} ns at {found.clock_mhz:g} MHz; "
            "ask for a lower clock"
        )
    check_clock(found, products, lower_clock=about.get("lower_clock") != "0")
    return found

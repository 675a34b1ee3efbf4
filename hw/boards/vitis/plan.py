# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The xclbin of a kernel on an Alveo card as a build plan, and what Vitis says of it."""

import re
from collections.abc import Sequence
from pathlib import Path

from hw.boards.report import BitstreamReport, check_clock, check_log, check_routes, utilisation
from hw.boards.vitis.connectivity import Placement, render_connectivity
from hw.boards.vivado.plan import kernel_files
from hw.boards.vivado.tcl import render_settings
from hw.boards.vivado.wrapper import WRAPPER, render_wrapper
from hw.build import BuildPlan, BuildProducts
from hw.errors import HardwareError
from hw.shell.kernel import Kernel

__all__ = ["plan_vitis", "read_vitis"]

_HERE = Path(__file__).parent
_TIMING, _USED, _ABOUT = "timing_summary.rpt", "full_util.rpt", "xclbin.txt"
_LINK = "link.cfg"
_PRODUCTS = ("kernel.xclbin", _TIMING, _USED, "route.rpt", _ABOUT, _LINK)
_README = """\
# {network} as a kernel for {board}, {units}

Everything is here but Vitis (2022.2 to 2025.2) and the card's platform {platform}:
`bash build.sh` ends in kernel.xclbin. This was not run on Vitis by its authors: please send
vivado.log and v++_kernel.log.
"""


def plan_vitis(
    kernel: Kernel,
    *,
    board: str,
    part: str,
    platform: str,
    clock_mhz: float,
    lower_clock: bool,
    units: Sequence[Placement],
) -> BuildPlan:
    """Return the plan; needs no tool, and does not depend on the version of Vitis.

    Args:
        kernel: what is built.
        board: its name, for people.
        part: as Vivado knows it.
        platform: of the card.
        clock_mhz: of the kernel.
        lower_clock: whether a lower one will do; v++ itself lowers it where timing asks for that.
        units: its compute units.
    """
    settings = render_settings(
        {"part": part, "sources": [f"kernel/{name}" for name in kernel.manifest.sources]}
    )
    about = {
        "network": kernel.manifest.name,
        "board": board,
        "platform": platform,
        "units": f"{len(units)} compute unit{'s' * (len(units) > 1)}",
    }
    clock = (
        f"# lower_clock={int(lower_clock)}\nplatform={platform}\nkernel_frequency={clock_mhz:g}\n\n"
    )
    link = clock + render_connectivity(WRAPPER, "m_axi_gmem", units)
    return BuildPlan(
        subject=f"xclbin of {kernel.manifest.name}",
        files={
            **kernel_files(kernel),
            "README.md": _README.format_map(about).encode(),
            "build.sh": (_HERE / "build.sh").read_bytes(),
            "package.tcl": (_HERE / "package.tcl").read_bytes(),
            _LINK: link.encode(),
            "settings.tcl": settings.encode(),
            f"{WRAPPER}.v.in": render_wrapper(kernel.manifest).encode(),
        },
        command=("bash", "build.sh"),
        products=_PRODUCTS,
        name=f"{kernel.manifest.name}-{board}",
    )


def read_vitis(products: BuildProducts, bitstream: str) -> BitstreamReport:
    """Read what Vitis says of a bitstream, a file among the products.

    The timing report is for the clock that was asked for; where v++ has given the xclbin a lower
    one, the slack is that of the lower one.

    Raises:
        HardwareError: a report is missing or unreadable, timing is not met, a net is not routed, or
            the clock is another than the one that must be.
    """
    check_log(products)
    try:
        link = products.path(_LINK).read_text()
        info = products.path(_ABOUT).read_text()
        asked_mhz, clock_mhz = _asked(link), _clock(info)
        slack_ns = _slack(products.path(_TIMING).read_text())
        used = utilisation(products.path(_USED).read_text(), _USED)
        check_routes(products, or_empty=True)
    except (OSError, ValueError) as error:
        raise HardwareError(
            f"{products.folder}: {type(error).__name__}: {error}; build it again"
        ) from error
    found = BitstreamReport(
        asked_mhz=asked_mhz,
        clock_mhz=clock_mhz,
        slack_ns=slack_ns + max(0.0, 1000 / clock_mhz - 1000 / asked_mhz),
        used=used,
        bitstream=bitstream,
        tool=_tool(info),
    )
    if found.slack_ns < 0:
        raise HardwareError(
            f"{products.folder}: worst slack {found.slack_ns:g} ns at {clock_mhz:g} MHz; ask for a "
            "lower clock"
        )
    check_clock(found, products, lower_clock="# lower_clock=0" not in link)
    return found


def _asked(text: str) -> float:
    found = re.search(r"^kernel_frequency=([\d.]+)$", text, re.MULTILINE)
    if found is None:
        raise ValueError(f"{_LINK} names no kernel_frequency")
    return float(found[1])


def _clock(text: str) -> float:
    """Return the frequency of the clock DATA_CLK, which kernels have."""
    found = re.search(r"Name:\s*DATA_CLK.*?Frequency:\s*([\d.]+) MHz", text, re.DOTALL)
    if found is None:
        raise ValueError(f"{_ABOUT} names no DATA_CLK")
    return float(found[1])


def _tool(text: str) -> str:
    """Return name and version of the linker; xclbinutil of old versions does not tell them."""
    found = re.search(r"Generated by:\s*(v\+\+ \([\w.]+\))", text)
    return found[1] if found else ""


def _slack(text: str) -> float:
    """Return WNS of the design's summary: the first number below its heading."""
    found = re.search(r"WNS\(ns\).*\n[\s-]*\n\s*(-?[\d.]+)", text)
    if found is None:
        raise ValueError(f"{_TIMING} has no WNS")
    return float(found[1])

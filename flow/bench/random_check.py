# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Random small networks through compilation and RTL, against the integers that define them."""

import contextlib
import os
import shlex
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from flow.compile import compile_network
from flow.config import CompileConfig
from flow.dataflow import reachable_cycles, to_dataflow
from flow.errors import USER_ERRORS, FlowError
from flow.progress import banner, meter
from flow.random_networks import NetworkSpec, build, draw, shrunk
from flow.tables import Row
from hw.verilator.simulation import Simulation

__all__ = ["check_all", "check_one", "measure"]

_IMAGES = 3
_PART = "xc7z020clg400-1"
_SHRINKINGS = 40  # simulations spent on making a failing network simpler


def check_one(text: str) -> Row:
    """Return the row of the network that an error printed; FlowError if it fails (again)."""
    return _checked(NetworkSpec.parse(text), measure(text))


def check_all(seeds: Sequence[int], jobs: int) -> Iterator[Row]:
    """Yield a row a seed, in order.

    Raises:
        FlowError: a network fails; says the command that reproduces it in its simplest form.
    """
    specs = [draw(seed) for seed in seeds]
    with (
        tempfile.TemporaryDirectory(prefix="steelflow-random-") as runtime,
        ProcessPoolExecutor(jobs, get_context("spawn"), _silence) as pool,
        meter("random networks", unit="networks") as report,
    ):
        found = pool.map(measure, [spec.text() for spec in specs], repeat(Path(runtime)))
        for done, (spec, row) in enumerate(zip(specs, found, strict=True), start=1):
            if row["problem"]:
                pool.shutdown(wait=False, cancel_futures=True)
            yield _checked(spec, row)
            report(done, len(specs))


def _checked(spec: NetworkSpec, row: Row) -> Row:
    if not row["problem"]:
        return row
    simplest, problem = _simplest(spec, str(row["problem"]))
    command = f"steelflow bench random --spec {shlex.quote(simplest.text())}"
    raise FlowError(f"network of seed {spec.seed}: {problem}; reproduce it with: {command}")


def _simplest(spec: NetworkSpec, problem: str) -> tuple[NetworkSpec, str]:
    """Take simpler networks as long as they fail."""
    left = _SHRINKINGS
    candidates = shrunk(spec)
    while left and (simpler := next(candidates, None)):
        left -= 1
        banner(f"shrinking: {problem[:80]}")
        found = str(measure(simpler.text())["problem"])
        if found:
            spec, problem, candidates = simpler, found, shrunk(simpler)
    return spec, problem


def measure(text: str, runtime: Path | None = None) -> dict[str, Any]:
    """Compile one network and simulate noise; the row's "problem" is empty if all agrees.

    `runtime` is a folder for the objects that all simulations share.
    """
    spec = NetworkSpec.parse(text)
    network = build(spec)
    noise = np.random.default_rng(spec.seed)
    images = noise.integers(0, 256, (_IMAGES, *network.input_shape), dtype=np.uint8)
    start, problem, differ = time.perf_counter(), "", 0
    predicted, measured = 0, 0.0
    try:
        with tempfile.TemporaryDirectory(prefix="steelflow-random-") as scratch:
            folder = Path(scratch)
            build_dir = folder / "verilator"
            _share_objects(runtime, build_dir)
            cycles = reachable_cycles(to_dataflow(network, _PART), spec.cycles)
            config = CompileConfig(part=_PART, clock_mhz=100.0, target_fps=1e8 / cycles)
            compiled = compile_network(
                network,
                config,
                folder,
                name="random",
                scratch=folder / "work",
                build_dir=build_dir,
            )
            result = Simulation(compiled.accelerator, build_dir=build_dir).run(images)
            _share_objects(build_dir, runtime)
        predicted = compiled.accelerator.manifest.cycles_per_frame_predicted
        measured = result.initiation_interval_cycles
        differ = int((result.logits != network.logits(images)).sum())
        problem = f"{differ} logits differ" if differ else ""
        if measured > predicted * 1.01 + 2:
            problem = problem or f"{measured:g} cycles a frame, {predicted} predicted"
    except Exception as error:
        kind = "" if isinstance(error, USER_ERRORS) else f"{type(error).__name__}: "
        problem = kind + " ".join(str(error).split())
    return {
        "seed": spec.seed,
        "operations": len(network.operations),
        "images": _IMAGES,
        "logits_differ": differ,
        "cycles_predicted": predicted,
        "cycles_measured": measured,
        "seconds": round(time.perf_counter() - start, 1),
        "problem": problem,
    }


def _share_objects(source: Path | None, target: Path | None) -> None:
    """Link the compiled objects of one folder in another, so that they are compiled once."""
    if source is None or target is None:
        return
    target.mkdir(parents=True, exist_ok=True)
    for path in source.glob("*.o"):
        with contextlib.suppress(FileExistsError):
            (target / path.name).hardlink_to(path)


def _silence() -> None:
    """Leave the terminal to the bar of the process that started this one."""
    sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115 - for the life of the process

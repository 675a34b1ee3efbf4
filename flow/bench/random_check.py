# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Random small networks through compilation and RTL, against the integers that define them."""

import json
import shlex
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from flow.classifier import Images, Logits
from flow.cluster import Cluster, Work
from flow.compile import compile_network
from flow.config import CompileConfig
from flow.dataflow import reachable_cycles, to_dataflow
from flow.errors import USER_ERRORS, FlowError, SettingError
from flow.fuzz import GraphSpec, build, draw, simplest
from flow.integer import IntegerNetwork
from flow.lowering import lower
from flow.progress import banner
from flow.tables import Row
from hw.verilator.simulation import Simulation
from steelflow_names import one_line

__all__ = ["check_all", "check_one", "lively", "measure"]

_IMAGES = 8  # the first few frames may be further apart than those that follow
_NOTHING = {
    "seed": 0,
    "operations": 0,
    "images": _IMAGES,
    "distinct_logits": 0,
    "logits_differ": 0,
    "words_proven": 0,
    "cycles_predicted": 0,
    "cycles_measured": 0.0,
    "problem": "",
}
_NOISE = 64  # images among which those of different logits are chosen
_ATTEMPTS = 20
_PART = "xc7z020clg400-1"
_SHRINKINGS = 40  # simulations spent on making a failing network simpler


def check_one(text: str) -> Row:
    """Return the row of the network that an error printed; FlowError if it fails (again)."""
    return _checked(GraphSpec.from_json(text), measure(text))


def check_all(seeds: Sequence[int], cluster: Cluster, log: Path | None = None) -> Iterator[Row]:
    """Yield a row a seed, in order.

    Args:
        seeds: of the networks.
        cluster: who compiles and simulates.
        log: file of a row a line; seeds that are in it without a problem are not run again, and
            what is run is added.

    Raises:
        FlowError: a network fails; says the command that reproduces it in its simplest form.
    """
    done = {row["seed"]: row for row in _logged(log) if not row["problem"]}
    missing = [seed for seed in seeds if seed not in done]
    work: Work[int, Row] = Work(
        name="random network", version=2, do=_measured, prepare=_runtime, unit="networks"
    )
    found = cluster.map(work, missing, total=len(missing), title="random networks")
    for seed in seeds:
        row = done.get(seed)
        if row is None:
            row = next(found)
            _append(log, row)
        yield _checked(lively(seed), row) if row["problem"] else row


def lively(seed: int) -> GraphSpec:
    """Return the first network of a seed whose logits vary; of a constant one RTL proves nothing.

    One of seven is constant: its bits are few, and a threshold lies beyond all sums. One that
    cannot be built or lowered is kept, for `measure` to tell.
    """
    for attempt in range(_ATTEMPTS):
        spec = draw(seed, hardware=True, attempt=attempt)
        if not _constant(spec):
            break
    return spec


def _constant(spec: GraphSpec) -> bool:
    try:
        return len(_most_varied(spec, lower(build(spec)).network)[1]) == 1
    except Exception:
        return False


def _most_varied(spec: GraphSpec, network: IntegerNetwork) -> tuple[Images, Logits]:
    """Return noise images, those first whose logits no other one has, and these distinct logits."""
    noise = np.random.default_rng(spec.seed)
    images = noise.integers(0, 256, (_NOISE, *network.input_shape), dtype=np.uint8)
    distinct, first = np.unique(network.logits(images), axis=0, return_index=True)
    rest = np.setdiff1d(np.arange(_NOISE), first)
    return images[[*first, *rest]], distinct


def _runtime(_shared: None) -> tempfile.TemporaryDirectory[str]:
    """Return a folder for the compiled simulations of a worker, for as long as it lives."""
    return tempfile.TemporaryDirectory(prefix="steelflow-random-")


def _measured(runtime: tempfile.TemporaryDirectory[str], seed: int) -> Row:
    return measure(lively(seed).to_json(), Path(runtime.name))


def _logged(log: Path | None) -> list[Row]:
    if log is None or not log.exists():
        return []
    try:
        rows: list[Row] = [json.loads(line) for line in log.read_text().splitlines()]
        if all({"seed", "problem"} <= row.keys() for row in rows):
            return rows
    except (OSError, ValueError, AttributeError) as error:
        raise SettingError(f"log {log}: cannot be read ({error}); name another file", "log") from (
            error
        )
    raise SettingError(f"log {log}: holds no rows of this benchmark; name another file", "log")


def _append(log: Path | None, row: Row) -> None:
    if log is not None:
        with log.open("a") as file:
            file.write(json.dumps(row) + "\n")


def _checked(spec: GraphSpec, row: Row) -> Row:
    if not row["problem"]:
        return row
    problems = [str(row["problem"])]

    def fails(candidate: GraphSpec) -> bool:
        banner(f"shrinking: {problems[-1][:80]}")
        found = str(measure(candidate.to_json())["problem"])
        problems.extend([found] if found else [])
        return bool(found)

    simpler = simplest(spec, fails, tries=_SHRINKINGS)
    command = f"steelflow bench random --spec {shlex.quote(simpler.to_json())}"
    raise FlowError(f"network of seed {spec.seed}: {problems[-1]}; reproduce it with: {command}")


def measure(text: str, runtime: Path | None = None) -> dict[str, Any]:
    """Compile one network and simulate noise; the row's "problem" is empty if all agrees.

    `runtime` is a folder for compiled simulations and what all of them share.
    """
    spec = GraphSpec.from_json(text)
    start, row = time.perf_counter(), {**_NOTHING, "seed": spec.seed}
    try:
        network = lower(build(spec)).network
        row |= {"operations": len(network.operations), **_simulated(spec, network, runtime)}
    except Exception as error:
        kind = "" if isinstance(error, USER_ERRORS) else f"{type(error).__name__}: "
        row["problem"] = kind + one_line(error)
    return row | {"seconds": round(time.perf_counter() - start, 1)}


def _simulated(spec: GraphSpec, network: IntegerNetwork, runtime: Path | None) -> dict[str, Any]:
    """Return what the RTL of a network shows."""
    images, distinct = _most_varied(spec, network)
    images = images[:_IMAGES]
    with tempfile.TemporaryDirectory(prefix="steelflow-random-") as scratch:
        folder = Path(scratch)
        build_dir = runtime or folder / "verilator"
        cycles = reachable_cycles(to_dataflow(network, _PART), spec.cycles)
        config = CompileConfig(part=_PART, clock_mhz=100.0, target_fps=1e8 / cycles)
        compiled = compile_network(
            network,
            config,
            folder,
            name="random",
            scratch=folder / "work",
            build_dir=build_dir,
            optimize=False,
        )
        accelerator = compiled.accelerator
        result = Simulation(accelerator, build_dir=build_dir, optimize=False).run(images)
    predicted = accelerator.manifest.cycles_per_frame_predicted
    measured = result.initiation_interval_cycles
    differ = int((result.logits != network.logits(images)).sum())
    problem = f"{differ} logits differ" if differ else ""
    if abs(measured - predicted) > predicted * 0.01 + 2:
        problem = problem or f"{measured:g} cycles a frame, {predicted} predicted"
    return {
        "distinct_logits": len(distinct),
        "logits_differ": differ,
        "words_proven": accelerator.manifest.memory_words_proven,
        "cycles_predicted": predicted,
        "cycles_measured": measured,
        "problem": problem,
    }

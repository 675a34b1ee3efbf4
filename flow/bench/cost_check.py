# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Predicted resources and cycles of random candidates of a search, against synthesis and RTL."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from flow.cluster import Cluster, Work
from flow.compile import compile_network, synthesize_shown
from flow.compile.prediction import Prediction, predict
from flow.config import CompileConfig, NetworkConfig, PrecisionConfig
from flow.export.deployment import untrained
from flow.integer import IntegerNetwork
from flow.tables import Row
from flow.training.configured import network_settings
from hw.synth import Resources
from hw.verilator.simulation import Simulation

__all__ = ["Built", "candidate", "check_costs", "drawn", "predicted"]

_IMAGES = 3
_SHAPE, _CLASSES = (8, 8, 1), 10
_PART = "xc7z020clg400-1"


@dataclass(frozen=True, kw_only=True)
class Built:
    """A candidate as synthesised and simulated.

    Attributes:
        total: of all layers and FIFOs.
        cycles: between two frames.
        layers: name -> kind and LUTs; FIFOs too.
    """

    total: Resources
    cycles: float
    layers: Mapping[str, tuple[str, int]]


def check_costs(seeds: Sequence[int], cluster: Cluster) -> Iterator[Row]:
    """Yield a row a candidate, and one of the errors over all of them.

    Only what is built is kept in the cluster's store; predictions are made anew.
    """
    work: Work[int, Built] = Work(name="built candidate", version=2, do=_built, unit="candidates")
    found = []
    built = cluster.map(work, seeds, total=len(seeds), title="search cost")
    for seed, one in zip(seeds, built, strict=True):
        found.append(_row(seed, one))
        yield found[-1]
    yield _errors(found)


def _errors(rows: Sequence[Row]) -> Row:
    errors = np.abs([row["lut_error"] for row in rows])
    exact = {
        key: sum(row[key] != row[f"{key}_predicted"] for row in rows)
        for key in ("bram36", "dsp", "cycles")
    }
    within = np.quantile(errors, 0.95, method="higher")
    text = f"median {np.median(errors):.1%}, 95% within {within:.1%}; different in"
    return {
        **dict.fromkeys(rows[0], ""),
        "network": f"{len(rows)} candidates: LUT {text}",
        "bram36": exact["bram36"],
        "dsp": exact["dsp"],
        "cycles": exact["cycles"],
    }


def drawn(seed: int) -> tuple[NetworkConfig, CompileConfig]:
    """Return a random network for 8x8 images, and what it is folded for."""
    chance = np.random.default_rng(seed)
    count = int(chance.integers(1, 4))
    channels = tuple(int(n) for n in chance.choice([4, 8, 12, 16, 24, 32], count))
    strides = tuple(int(n) for n in chance.choice([1, 2], count))
    names = (*(f"conv{index}" for index in range(count)), "classifier")
    bits = {
        name: PrecisionConfig(
            weight_bits=int(chance.integers(2, 6)), activation_bits=int(chance.integers(2, 6))
        )
        for name in names
    }
    network = NetworkConfig(channels=channels, strides=strides, bits=bits)  # type: ignore[arg-type]
    fps = float(chance.choice([2_000, 10_000, 50_000, 100_000]))
    return network, CompileConfig(part=_PART, target_fps=fps)


def candidate(seed: int) -> tuple[IntegerNetwork, CompileConfig]:
    """Return a random candidate with the weights that it begins with."""
    shape, target = drawn(seed)
    settings = network_settings(shape, input_shape=_SHAPE, classes=_CLASSES)
    return untrained(settings, seed), target


def predicted(seed: int) -> Prediction:
    """Return what the cost model expects of a random candidate."""
    return predict(*candidate(seed))


def _row(seed: int, built: Built) -> Row:
    (shape, target), expected, total = drawn(seed), predicted(seed), built.total
    return {
        "network": "-".join(map(str, shape.channels)),
        "fps": target.target_fps,
        "lut": total.lut,
        "lut_predicted": round(expected.lut),
        "lut_error": round(expected.lut / total.lut - 1, 3),
        "bram36": total.bram36,
        "bram36_predicted": expected.bram36,
        "dsp": total.dsp,
        "dsp_predicted": expected.dsp,
        "cycles": round(built.cycles),
        "cycles_predicted": expected.cycles,
    }


def _built(_nothing: None, seed: int) -> Built:
    network, target = candidate(seed)
    noise = np.random.default_rng(0)
    images = noise.integers(0, 256, (_IMAGES, *network.input_shape), dtype=np.uint8)
    with tempfile.TemporaryDirectory(prefix="steelflow-bench-") as scratch:
        folder = Path(scratch)
        build_dir = folder / "verilator"
        compiled = compile_network(
            *(network, target, folder),
            name="candidate",
            scratch=folder / "work",
            build_dir=build_dir,
            optimize=False,
        )
        simulation = Simulation(compiled.accelerator, build_dir=build_dir, optimize=False)
        simulated = simulation.run(images)
        report = synthesize_shown(compiled.accelerator)
    assert np.array_equal(simulated.logits, network.logits(images)), "RTL and integers differ"
    layers = {one.name: (one.op_type, one.resources.lut) for one in report.layers}
    return Built(total=report.total, cycles=simulated.initiation_interval_cycles, layers=layers)

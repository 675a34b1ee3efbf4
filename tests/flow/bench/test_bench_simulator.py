# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The simulator's benchmark: its rows, its rivals and its options, on random images."""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from flow.bench import simulator_figures
from flow.bench.simulator import SIMULATOR
from flow.bench.simulator_attacks import (
    AttackPair,
    CountedModule,
    PgdArt,
    PgdFoolbox,
    SquareArt,
)
from flow.bench.simulator_cases import CASES, Case
from flow.bench.simulator_figures import Measurement, rate_pair, share_of_peak
from flow.bench.simulator_float import float_network
from flow.bench.simulator_rivals import RIVALS, as_tensor
from flow.cli import main
from flow.data.datasets import Dataset
from flow.errors import FlowError
from flow.fuzz import random_network
from flow.integer.native import Kind, NativeNetwork, StageTime, instruction_sets
from flow.zoo import networks as zoo

MODEL = "mnist-tfc-w2a2"
KEYS = [
    *(
        "model",
        "batch",
        "threads",
        "isa",
        "rival_isa",
        "rival",
        "ours_images_per_s",
        "rival_images_per_s",
    ),
    *("ratio", "target", "share_of_peak", "peak_rss_mib"),
]


@pytest.fixture(autouse=True)
def random_data(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give random images, since no data set is part of the package."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (20, 28, 28, 1), dtype=np.uint8)
    labels = rng.integers(0, 10, 20)
    data = Dataset("random", images, labels, images, labels, 10)
    monkeypatch.setattr(zoo, "dataset", lambda *_: data)


@pytest.fixture(scope="module")
def measurement(tmp_path_factory: pytest.TempPathFactory) -> Measurement:
    with pytest.MonkeyPatch.context() as patch:
        images = np.zeros((8, 28, 28, 1), dtype=np.uint8)
        labels = np.zeros(8, dtype=np.int64)
        data = Dataset("zeros", images, labels, images, labels, 10)
        patch.setattr(zoo, "dataset", lambda *_: data)
        folder = tmp_path_factory.mktemp("bench")
        return Measurement(MODEL, folder, threads=1, seconds=0.05, data=None)


@pytest.mark.parametrize("rival", list(RIVALS))
def test_every_rival_gives_a_row(measurement: Measurement, rival: str) -> None:
    row = measurement.row(Case(model=MODEL, rival=rival, batch=16, target=1))
    assert row is not None
    assert list(row) == KEYS
    assert row["ratio"] == row["ours_images_per_s"] / row["rival_images_per_s"]
    assert row["share_of_peak"] > 0
    assert 20 < row["peak_rss_mib"] < 300


def test_rivals_compute_the_same_labels(measurement: Measurement) -> None:
    subject = measurement.subject
    images = np.random.default_rng(3).integers(0, 256, (30, 28, 28, 1), dtype=np.uint8)
    expected = subject.network.logits(images)
    brevitas: Any = RIVALS["brevitas"].prepare(subject, images)()
    onnx: Any = RIVALS["onnxruntime_qcdq"].prepare(subject, images)()
    qonnx: Any = RIVALS["qonnx"].prepare(subject, images)()
    for found in (
        brevitas.numpy(),
        onnx[0],
        np.concatenate([v for r in qonnx for v in r.values()]),
    ):
        assert (np.rint(found / subject.network.scale) == expected).all()


@pytest.mark.parametrize("seed", range(6))
def test_float_networks_have_the_same_shape(seed: int) -> None:
    network = random_network(seed)
    images = np.zeros((2, *network.input_shape), dtype=np.uint8)
    with torch.no_grad():
        found = float_network(network)(as_tensor(images))
    assert found.shape == (2, network.classes)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of ART and of Foolbox, when imported
@pytest.mark.parametrize("attack", [PgdArt(steps=3), PgdFoolbox(steps=3), SquareArt(queries=5)])
def test_attacks_run_on_both(measurement: Measurement, attack: AttackPair) -> None:
    images = measurement.dataset.test_images
    labels = measurement.engine.logits(images).argmax(axis=1)  # so that there is what to attack
    rates = attack.rates(measurement.subject, measurement.engine, images, labels)
    assert min(rates) > 0


def test_gradients_count_and_nothing_else() -> None:
    counted = CountedModule(nn.Flatten())
    counted(torch.zeros(3, 2, 2, 1))
    counted(torch.zeros(4, 2, 2, 1).requires_grad_())
    assert (counted.seen, counted.gradients) == (7, 4)


class _Turns(PgdArt):
    found = iter([2.0, 10.0, 30.0, 11.0, 4.0, 500.0])

    def ours(self, *_: object) -> float:
        return next(self.found)

    theirs = ours


def test_attacks_take_turns_and_medians_count(measurement: Measurement) -> None:
    images, labels = measurement.dataset.test_images, measurement.dataset.test_labels
    rates = _Turns().rates(measurement.subject, measurement.engine, images, labels)
    assert rates == (4.0, 11.0)


def test_a_library_that_is_missing_gives_no_row(
    measurement: Measurement, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(PgdArt, "package", "no_such_library")
    case = Case(model=MODEL, rival="pgd40_art", batch=4, target=2)
    assert measurement.row(case) is None
    assert "pgd40_art: no_such_library is not installed; no row; install" in capsys.readouterr().err


class _Clock:
    """A clock that stands still but for the runs that are timed."""

    def __init__(self) -> None:
        self.now, self.runs = 0.0, 0

    def run(self, seconds: float) -> Callable[[], None]:
        def run() -> None:
            self.now, self.runs = self.now + seconds, self.runs + 1

        return run


def test_rates_are_runs_a_second() -> None:
    clock = _Clock()
    rates = rate_pair(clock.run(1 / 512), clock.run(1 / 64), 1.0, lambda: clock.now)
    assert rates == (512, 64)


def test_the_faster_of_a_pair_runs_more_often_a_turn() -> None:
    clock = _Clock()
    rate_pair(clock.run(1 / 512), clock.run(1 / 64), 0.0, lambda: clock.now)
    assert clock.runs == 2 + 2 + 5 * (512 // 64 + 1)  # after the warm-up


def test_a_pair_runs_for_the_seconds_asked_for() -> None:
    clock = _Clock()
    rate_pair(clock.run(1 / 4), clock.run(1 / 4), 8.0, lambda: clock.now)
    assert clock.now == 1 + 8  # after the warm-up


def test_share_of_peak_is_of_the_best_kernel_that_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    rates = {Kind.DOT: 4e9, Kind.BITS: 16e9, Kind.TABLES: 10e9}
    monkeypatch.setattr(simulator_figures, "peak_rate", lambda *asked: rates[asked[1]])
    every = ((Kind.DOT, 1), (Kind.BITS, 2), (Kind.TABLES, 2))
    work = {"planes": 0, "products": 10**9, "seconds": 1.0}
    stages = [
        StageTime(name="d", kernel="dot", fitting=((Kind.DOT, 1),), **work),
        StageTime(name="b", kernel="dot", fitting=every, **work),
        StageTime(name="p", kernel="max", planes=0, products=0, seconds=2.0),
    ]
    share, line = share_of_peak("portable", stages)
    assert share == (0.25 + 0.1) / 2
    assert "peak of portable (dot of 1 4 G, bits of 2 8 G, tables of 2 10 G a second" in line
    assert "take 50% of the time; most is lost in b (10%)" in line


def test_command_writes_its_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "rows.json"
    options = ["--models", MODEL, "--rivals", "torch_float32", "--seconds", "0.05"]
    assert main(["bench", "simulator", *options, "--threads", "1", "--json", str(path)]) == 0
    (row,) = json.loads(path.read_text())
    assert list(row) == KEYS
    assert row["target"] == 4
    assert row["isa"] == instruction_sets()[-1]
    assert "torch_float32" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"models": ["cnv"]}, "models cnv: unknown; known here: cifar10-cnv-w1a1"),
        ({"rivals": ["tvm"]}, "rivals tvm: unknown; known here: brevitas"),
        ({"isa": "sse9"}, "isa sse9: unknown here; give portable"),
        ({"threads": 0}, "threads 0: give at least 1"),
        ({"seconds": 0.0}, "seconds 0.0: give a positive number"),
    ],
)
def test_options_that_cannot_be_are_refused(given: dict[str, Any], message: str) -> None:
    options = {"models": [MODEL], "rivals": ["qonnx"], "threads": 1, "seconds": 1.0, "data": None}
    options["isa"] = None
    with pytest.raises(FlowError, match=message):
        next(SIMULATOR.rows(argparse.Namespace(**(options | given))))


def test_every_case_has_a_rival_of_its_name() -> None:
    names = {case.rival for case in CASES}
    assert names == {*RIVALS, "pgd40_art", "pgd40_foolbox", "square1000_art"}


def test_engine_of_the_benchmark_is_native(measurement: Measurement) -> None:
    assert isinstance(measurement.engine, NativeNetwork)

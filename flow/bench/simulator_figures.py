# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Times of the native engine and of a rival, in turn, on the same images."""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from brevitas_models import pretrained
from flow.bench.held import seen_by_cpuid, seen_by_torch
from flow.bench.simulator_attacks import ATTACKS
from flow.bench.simulator_cases import Case
from flow.bench.simulator_memory import peak_rss_mib
from flow.bench.simulator_rivals import RIVALS, Rival, Subject
from flow.classifier import Images
from flow.data.datasets import Dataset
from flow.integer.native import Kind, NativeNetwork, StageTime, peak_rate
from flow.lowering import lower, read_model
from flow.progress import banner
from flow.tables import Row
from flow.zoo import networks as zoo

__all__ = ["Measurement", "measured", "rate_pair", "share_of_peak"]

_FEWEST = 5  # runs of each of a pair
_PROFILED = 256  # images


class Measurement:
    """One model with all of its comparisons."""

    def __init__(
        self,
        model: str,
        folder: Path,
        *,
        threads: int,
        seconds: float,
        data: Path | None,
        isa: str | None = None,
    ) -> None:
        """Prepare a model of the zoo in a folder; seconds are those of rate_pair."""
        self.model, self.threads, self.seconds = model, threads, seconds
        zoo.export(model, folder / "model.onnx")
        network = lower(read_model(folder / "model.onnx")).network
        self.stored = folder / "network.npz"
        network.save(self.stored)
        self.subject = Subject(
            folder / "model.onnx", pretrained.load(model), network, threads, folder
        )
        self.engine = NativeNetwork(network, threads=threads, isa=isa)
        self.dataset: Dataset = zoo.dataset(model, data)
        self.share = self._share()

    def row(self, case: Case) -> Row | None:
        """Measure one comparison; None where the rival is not installed."""
        found = self._attack(case) if case.rival in ATTACKS else self._inference(case)
        if found is None:
            return None
        ours, rival = found
        return {
            "model": case.model,
            "batch": case.batch,
            "threads": self.threads,
            "isa": self.engine.isa,
            "rival_isa": seen_by_cpuid() if "onnx" in case.rival else seen_by_torch(),
            "rival": case.rival,
            "ours_images_per_s": ours,
            "rival_images_per_s": rival,
            "ratio": ours / rival,
            "target": float(case.target),
            "share_of_peak": self.share,
            "peak_rss_mib": peak_rss_mib(self.stored, case.batch, self.threads),
        }

    def _inference(self, case: Case) -> tuple[float, float]:
        images, rival = self._images(case.batch), RIVALS[case.rival]
        return self._rates(images, rival)

    def _rates(self, images: Images, rival: Rival) -> tuple[float, float]:
        few = images[: rival.most_images]
        theirs = rival.prepare(self.subject, few)
        ours, other = rate_pair(lambda: self.engine.logits(images), theirs, self.seconds)
        return len(images) * ours, len(few) * other

    def _attack(self, case: Case) -> tuple[float, float] | None:
        attack = ATTACKS[case.rival]
        if missing := attack.missing():
            banner(
                f"{case.rival}: {missing} is not installed; no row; "
                "install the tools of the tests: build_scripts/setup.sh test"
            )
            return None
        images = self._images(case.batch)
        labels = self.dataset.test_labels[: len(images)]
        return attack.rates(self.subject, self.engine, images, labels)

    def _images(self, count: int) -> Images:
        images = self.dataset.test_images
        repeats = -(-count // len(images))
        return np.ascontiguousarray(np.concatenate([images] * repeats)[:count])

    def _share(self) -> float:
        images = self._images(_PROFILED)
        self.engine.profile(images)
        stages = self.engine.profile(images)
        share, limits = share_of_peak(self.engine.isa, stages)
        banner(f"{self.model}: {limits}")
        return share


def rate_pair(
    first: Callable[[], object],
    second: Callable[[], object],
    seconds: float,
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[float, float]:
    """Return the median runs a second of two functions that take turns, after a warm-up.

    Each runs at least five times, and together at least `seconds` of the clock; the faster one
    runs several times a turn, so that both are seen for about as long.
    """
    warm = [min(_seconds(run, 1, clock) for _ in range(2)) for run in (first, second)]
    turns = [max(1, min(200, round(max(warm) / each))) for each in warm]
    times: tuple[list[float], list[float]] = ([], [])
    end = clock() + seconds
    while len(times[0]) < _FEWEST or clock() < end:
        for run, count, kept in zip((first, second), turns, times, strict=True):
            kept.append(_seconds(run, count, clock) / count)
    return 1 / statistics.median(times[0]), 1 / statistics.median(times[1])


def _seconds(run: Callable[[], object], count: int, clock: Callable[[], float]) -> float:
    start = clock()
    for _ in range(count):
        run()
    return clock() - start


def share_of_peak(isa: str, stages: list[StageTime]) -> tuple[float, str]:
    """Return the share of the peak rate that the products reach, and a line on what limits it.

    The peak of a stage is the best rate that any kernel for its bit widths reaches on this
    processor, on registers alone, one thread. Thresholds are part of the time.
    """
    peaks = {one: 0.0 for stage in stages for one in stage.fitting}
    for kind, planes in peaks:
        rate = peak_rate(isa, kind, planes)
        peaks[kind, planes] = rate / planes if kind == Kind.BITS else rate
    summed = [stage for stage in stages if stage.fitting]
    ideal = {s.name: s.products / max(peaks[one] for one in s.fitting) for s in summed}
    spent, whole = sum(s.seconds for s in summed), sum(s.seconds for s in stages)
    slowest = max(summed, key=lambda stage: stage.seconds - ideal[stage.name])
    share = sum(ideal.values()) / spent
    rates = ", ".join(
        f"{kind.name.lower()} of {planes} {rate / 1e9:.0f} G"
        for (kind, planes), rate in peaks.items()
    )
    line = (
        f"sums of products reach {share:.0%} of the peak of {isa} ({rates} a second and thread) "
        f"and take {spent / whole:.0%} of the time; most is lost in {slowest.name} "
        f"({ideal[slowest.name] / slowest.seconds:.0%}): windows gathered, thresholds counted"
    )
    return share, line


def measured(
    cases: Sequence[Case], options: argparse.Namespace, isa: str | None = None
) -> Iterator[Row]:
    """Measure in this process; `isa` as of NativeNetwork."""
    for model in dict.fromkeys(case.model for case in cases):
        with tempfile.TemporaryDirectory(prefix="steelflow-bench-") as folder:
            measurement = Measurement(
                model,
                Path(folder),
                threads=options.threads,
                seconds=options.seconds,
                data=options.data,
                isa=isa,
            )
            for case in cases:
                if case.model == model and (row := measurement.row(case)):
                    yield row

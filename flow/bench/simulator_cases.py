# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The comparisons of `steelflow bench simulator`, and what each must reach."""

import argparse
from dataclasses import dataclass

from flow.errors import SettingError
from steelflow_names import hint

__all__ = ["CASES", "Case", "chosen"]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One comparison: ours must reach `target` times the rival's images a second."""

    model: str
    rival: str  # a key of flow.bench.simulator_rivals.RIVALS or of simulator_attacks.ATTACKS
    batch: int
    target: float


def _of(model: str, batch: int, **targets: float) -> list[Case]:
    return [Case(model=model, rival=r, batch=batch, target=t) for r, t in targets.items()]


CASES = (
    *_of("cifar10-cnv-w2a2", 256, qonnx=250, brevitas=8, torch_float32=5, onnxruntime_qcdq=4),
    *_of("cifar10-cnv-w1a1", 256, brevitas=16),
    *_of("cifar10-cnv-w4a4", 256, torch_float32=2.7),
    *_of("mnist-tfc-w2a2", 10_000, torch_float32=4),
    *_of("mnist-tfc-w2a2", 1, onnxruntime_qcdq=3),
    *_of("cifar10-cnv-w2a2", 1, onnxruntime_qcdq=3),
    *_of("cifar10-cnv-w4a4", 64, pgd40_art=2.5, pgd40_foolbox=2.5),
    *_of("cifar10-cnv-w2a2", 16, square1000_art=10),
)


def chosen(options: argparse.Namespace) -> list[Case]:
    """Return the cases that the options ask for; FlowError for an unknown or unusable one."""
    for option, given, known in (
        ("models", options.models, {case.model for case in CASES}),
        ("rivals", options.rivals, {case.rival for case in CASES}),
    ):
        for name in given:
            if name not in known:
                raise SettingError(f"{option} {name}: unknown{hint(name, sorted(known))}", option)
    if options.threads < 1:
        raise SettingError(f"threads {options.threads}: give at least 1", "threads")
    if not 0 < options.seconds < float("inf"):
        raise SettingError(f"seconds {options.seconds}: give a positive number", "seconds")
    return [c for c in CASES if c.model in options.models and c.rival in options.rivals]

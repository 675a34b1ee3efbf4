# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The comparisons of `steelflow bench simulator`, and what each must reach."""

from dataclasses import dataclass

__all__ = ["CASES", "Case"]


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

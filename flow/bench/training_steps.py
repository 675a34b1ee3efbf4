# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Times of adversarial steps by flow.training.trainer and of plain steps by an ordinary torch loop.

Both train a Brevitas network of the same layers on the same images, on one thread of the CPU or
on the GPU, each step with its minibatch's gathering, forward and backward passes and AdamW.
"""

import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from brevitas_models.architectures import build
from brevitas_models.bits import BitTable
from brevitas_models.classifier import QuantClassifier
from brevitas_models.settings import ArchitectureSettings
from flow.bench.training_cases import Case
from flow.config import DataConfig, TrainerSettings
from flow.data.datasets import Dataset, load_dataset
from flow.objectives import build_objective
from flow.tables import Row
from flow.threads import one_thread
from flow.training.freezing import freeze_of
from flow.training.saved_tensors import SavedTensors
from flow.training.trainer import train
from flow.zoo.defaults import data_section

__all__ = ["devices", "measure"]

_TARGET = 1.15  # plain steps for each gradient of an adversarial step, at most
_MINIBATCHES = 2  # adversarial steps of one turn
_FEWEST = 5  # turns
_EPSILON_255, _LEARNING_RATE = 8.0, 1e-4
_MIB = 2**20


def devices() -> tuple[str, ...]:
    """Return what can be measured here."""
    return ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",)


def measure(case: Case, device: str, steps: int, seconds: float, data: Path | None) -> Row:
    """Return the row of one network.

    The two kinds take turns: a turn is two adversarial steps, then `steps` + 1 times as many
    plain ones. The medians over the turns count, and the ratio is the median of the turns' own.
    """
    network, plain = _network(case), _network(case)
    dataset = _images(case, network, data)
    ours = _adversarial(network, dataset, case.batch, device, steps)
    theirs = _plain(plain, dataset, case.batch, device, (steps + 1) * _MINIBATCHES)
    turns = _turns(ours, theirs, seconds)
    adversarial = statistics.median(one for one, _ in turns) / _MINIBATCHES
    other = statistics.median(one for _, one in turns) / _MINIBATCHES / (steps + 1)
    return {
        "model": case.name,
        "device": device,
        "batch": case.batch,
        "pgd_steps": steps,
        "frozen": "no" if freeze_of(network) is None else "yes",
        "adversarial_ms": 1000 * adversarial,
        "plain_ms": 1000 * other,
        "ratio": statistics.median(one / two for one, two in turns),
        "target": _TARGET,
        "adversarial_images_per_s": case.batch / adversarial,
        "plain_images_per_s": case.batch / other,
        "adversarial_saved_mib": _saved(ours),
        "plain_saved_mib": _saved(theirs),
    }


def _network(case: Case) -> QuantClassifier:
    bits = BitTable.uniform(case.bits, case.bits)
    return build(ArchitectureSettings(architecture=case.architecture, bits=bits))


def _images(case: Case, network: QuantClassifier, data: Path | None) -> Dataset:
    """Return the images of one turn; random ones without a folder, for which time is the same."""
    count = case.batch * _MINIBATCHES
    if data is not None:
        known = data_section(case.data) | {"train_images": count}
        return load_dataset(DataConfig.model_validate(known), data)
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (count, *network.input_shape), dtype=np.uint8)
    labels = rng.integers(0, network.classes, count)
    return Dataset("random", images, labels, images, labels, network.classes)


def _adversarial(
    network: QuantClassifier, dataset: Dataset, batch: int, device: str, steps: int
) -> Callable[[], float]:
    """Return what trains for one epoch of two minibatches, and returns the trainer's seconds."""
    settings = TrainerSettings(
        epochs=1,
        learning_rate=_LEARNING_RATE,
        epsilon_255=_EPSILON_255,
        batch_size=batch,
        accelerator="cuda" if device == "cuda" else "cpu",
    )

    def run() -> float:
        objective = build_objective("pgd", {"steps": steps})
        return train(network, dataset, objective, settings, freeze=freeze_of(network)).seconds

    return run


def _plain(
    network: QuantClassifier, dataset: Dataset, batch: int, device: str, steps: int
) -> Callable[[], float]:
    """Return what takes so many steps of quantization-aware training, and returns its seconds."""
    images = torch.from_numpy(dataset.train_images).permute(0, 3, 1, 2).contiguous()
    labels = torch.from_numpy(dataset.train_labels)
    network.to(device).train()
    optimiser = torch.optim.AdamW(network.parameters(), lr=_LEARNING_RATE)

    def run() -> float:
        started = time.monotonic()
        for _ in range(steps):
            rows = torch.randperm(len(labels))[:batch]
            shown = (images[rows].float() / 255).to(device)
            loss = F.cross_entropy(network(shown), labels[rows].to(device))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        loss.item()  # waits for the device
        return time.monotonic() - started

    return run


def _turns(
    ours: Callable[[], float], theirs: Callable[[], float], seconds: float
) -> list[tuple[float, float]]:
    """Return both times of every turn, after a warm-up."""
    found: list[tuple[float, float]] = []
    with one_thread():
        ours(), theirs()
        end = time.monotonic() + seconds
        while len(found) < _FEWEST or time.monotonic() < end:
            found.append((ours(), theirs()))
    return found


def _saved(run: Callable[[], float]) -> float:
    """Return how many MiB backward passes need at most."""
    with SavedTensors() as saved:
        run()
    return saved.peak_bytes / _MIB

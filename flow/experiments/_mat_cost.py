# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Time and memory of a training step, of several objectives in turns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

from brevitas_models.architectures import build
from brevitas_models.classifier import QuantClassifier
from flow.config import TrainerSettings
from flow.experiments.study import Study
from flow.experiments.trained import Training
from flow.objectives import build_objective
from flow.training.freezing import freeze_of
from flow.training.saved_tensors import SavedTensors
from flow.training.trainer import train

__all__ = ["StepCost", "step_costs"]

_TURNS, _MINIBATCHES = 7, 3
_MIB = 2**20


@dataclass(frozen=True, kw_only=True)
class StepCost:
    """One objective.

    Attributes:
        seconds: of a step, one value a turn; the objectives take turns.
        saved_mib: what backward passes read, the most that was kept at once.
    """

    seconds: Sequence[float]
    saved_mib: float

    @property
    def milliseconds(self) -> float:
        """The median."""
        return 1000 * median(self.seconds)


def step_costs(study: Study, bits: int, trainings: Mapping[str, Training]) -> dict[str, StepCost]:
    """Measure steps of the trainer on one thread, each a minibatch of the training's size.

    A turn is an epoch of three minibatches of every objective, one after the other, so that what
    else the machine does slows all of them.
    """
    networks = {name: build(study.settings(bits, bits)) for name in trainings}
    saved = {}
    for name, training in trainings.items():  # the first epoch, which is slower, is not timed
        with SavedTensors() as found:
            _epoch(study, networks[name], training)
        saved[name] = found.peak_bytes / _MIB
    turns = [
        {name: _epoch(study, networks[name], training) for name, training in trainings.items()}
        for _ in range(_TURNS)
    ]
    return {
        name: StepCost(seconds=[turn[name] for turn in turns], saved_mib=saved[name])
        for name in trainings
    }


def _epoch(study: Study, network: QuantClassifier, training: Training) -> float:
    """Train for an epoch; return the seconds of a step."""
    images, labels = study.dataset.train_images, study.dataset.train_labels
    batch = min(training.batch, len(labels))
    count = batch * _MINIBATCHES
    dataset = replace(study.dataset, train_images=images[:count], train_labels=labels[:count])
    settings = TrainerSettings(
        epochs=1,
        learning_rate=training.learning_rate,
        epsilon_255=training.epsilon_255,
        batch_size=batch,
    )
    objective = build_objective(training.objective, training.options)
    found = train(network, dataset, objective, settings, freeze=freeze_of(network))
    return found.seconds / (len(dataset.train_labels) // batch)

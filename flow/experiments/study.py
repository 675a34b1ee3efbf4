# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Trains, quantizes and attacks the networks of an experiment; nothing is trained twice."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from brevitas_models.architectures import build
from brevitas_models.bits import BitTable
from brevitas_models.quantizers import Quantizers, WeightQuantizer
from brevitas_models.settings import ArchitectureSettings
from flow.attacks.registry import build_attack
from flow.classifier import Images, Labels, accuracy
from flow.cluster import Cluster, ProcessCluster
from flow.config import TrainerSettings
from flow.data.datasets import Dataset, first_test_images
from flow.evaluation.divided import divided_worst_case
from flow.evaluation.evaluator import Evaluation
from flow.experiments.scale import Scale
from flow.experiments.trained import Trained, Training, digest_of, finished, take_over
from flow.objectives import Model, build_objective
from flow.progress import banner
from flow.training.freezing import freeze_of
from flow.training.named_controls import controls_of
from flow.training.norms import calibrate
from flow.training.trainer import train

__all__ = ["Study", "Trained", "Training"]

_CALIBRATION_BATCHES = 20
_QUERIES = 1000
_WARM_UP_EPOCHS = 1.0  # over which epsilon grows, so that large ones can be learned at all


class Study:
    """What experiments share.

    Args:
        dataset: its test images are attacked.
        scale: how much is trained and attacked.
        folder: where finished trainings are kept.
        architecture: of `settings`.
        cluster: who attacks; this process when None.

    Attributes:
        dataset: with the training images that the scale leaves.
        scale: as given, but with no more training images than there are.
    """

    def __init__(
        self,
        dataset: Dataset,
        scale: Scale,
        folder: Path,
        architecture: str = "lenet5",
        cluster: Cluster | None = None,
    ) -> None:
        self._folder, self._architecture = folder, architecture
        self._cluster = cluster or ProcessCluster(1)
        self.dataset = _limited(dataset, scale)
        self.scale = replace(scale, train_images=len(self.dataset.train_labels))
        self._shown = first_test_images(dataset, scale.images, "images")
        self._digest = hashlib.sha256(
            self.dataset.train_images.tobytes() + self.dataset.train_labels.tobytes()
        ).hexdigest()

    def settings(
        self,
        weight_bits: int,
        activation_bits: int,
        **changes: Any,  # noqa: ANN401
    ) -> ArchitectureSettings:
        """Return the experiments' network with those bits; learned scales unless `changes` says."""
        options: dict[str, Any] = {
            "architecture": self._architecture,
            "bits": BitTable.uniform(weight_bits, activation_bits),
            "input_shape": self.dataset.input_shape,
            "classes": self.dataset.classes,
            "quantizers": Quantizers(weights=WeightQuantizer.LEARNED),
        }
        return ArchitectureSettings(**(options | changes))

    def train(self, label: str, settings: ArchitectureSettings, training: Training) -> Trained:
        """Train a network, or take what the same call has left in the folder.

        Raises:
            FlowError: the loss diverged, or the objective or its options do not exist.
            ModelError: there is no such architecture, or the network does not fit the images.
        """
        seed = self.scale.seed if training.seed is None else training.seed
        network = build(settings, seed)
        if training.initial is not None:
            take_over(network, training.initial.state)
        self._folder.mkdir(parents=True, exist_ok=True)
        known = self._kept(settings, training, seed)
        banner(f"{label}: {'taken from an earlier run' if known.exists() else 'training'}")
        found = train(
            network,
            self.dataset,
            build_objective(training.objective, training.options),
            self._trainer(training),
            seed=seed,
            controls=controls_of(network, training.penalties),
            freeze=freeze_of(network),
            state_file=known,
        )
        return finished(label, network, found)

    def requantized(self, label: str, trained: Trained, settings: ArchitectureSettings) -> Trained:
        """Return the network with other bits: no step, but BatchNorm statistics taken anew."""
        network = build(settings, self.scale.seed)
        take_over(network, trained.state)
        batches = torch.from_numpy(self.dataset.train_images).split(100)[:_CALIBRATION_BATCHES]
        model = Model(network)
        passes = (lambda batch=batch: model(batch.permute(0, 3, 1, 2).float()) for batch in batches)
        calibrate(network, passes, lambda tensor: tensor)
        return finished(label, network, None)

    def clean(self, trained: Trained) -> float:
        """Return the accuracy on the whole test set."""
        logits = trained.engine.logits(self.dataset.test_images)
        return accuracy(logits, self.dataset.test_labels)

    def attack(
        self, trained: Trained, name: str, epsilon_255: int, *, steps: int = 20
    ) -> Evaluation:
        """Attack the scale's images once, a black box with 1,000 queries.

        Raises:
            FlowError: there is no such attack.
        """
        return self.worst_case(trained, (name,), epsilon_255, steps=steps)

    def worst_case(
        self, trained: Trained, names: Sequence[str], epsilon_255: int, *, steps: int = 20
    ) -> Evaluation:
        """Attack the scale's images with each of the attacks, see attack, and count the worst."""
        attacks = [build_attack(one, steps=steps, restarts=1, queries=_QUERIES) for one in names]
        images, labels = self._shown
        found = divided_worst_case(
            *(self._cluster, trained.integer, images, labels),
            attacks=attacks,
            epsilon_255=epsilon_255,
            name=trained.label,
            seed=self.scale.seed,
        )
        return found.evaluation

    def shown(self) -> tuple[Images, Labels]:
        """Return the attacked images uint8[N, H, W, C] and their labels int64[N]."""
        return self._shown

    def _trainer(self, training: Training) -> TrainerSettings:
        epochs = training.epochs or self.scale.epochs
        return TrainerSettings(
            epochs=epochs,
            learning_rate=training.learning_rate,
            float_epochs=training.float_epochs,
            epsilon_255=training.epsilon_255,
            warmup_epochs=0.0 if training.initial else min(_WARM_UP_EPOCHS, epochs / 2),
            batch_size=training.batch,
            calibration_batches=_CALIBRATION_BATCHES,
        )

    def _kept(self, settings: ArchitectureSettings, training: Training, seed: int) -> Path:
        """Return the file of a training, by all that decides its result."""
        options = self._trainer(training).model_dump() | {"seed": seed}
        objective = [training.objective, sorted(training.options.items())]
        start = None if training.initial is None else digest_of(training.initial.state)
        told = [settings.to_mapping(), options, objective, sorted(training.penalties.items())]
        text = json.dumps([self._digest, start, *told], default=str)
        return self._folder / f"{hashlib.sha256(text.encode()).hexdigest()[:24]}.state"


def _limited(dataset: Dataset, scale: Scale) -> Dataset:
    count = scale.train_images
    return replace(
        dataset,
        train_images=dataset.train_images[:count],
        train_labels=dataset.train_labels[:count],
    )

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""How the zoo's robust networks were trained; `python -m flow.zoo_training NAME` does it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from brevitas_models.frozen_classifier import freeze_classifier
from brevitas_models.lipschitz import make_control
from brevitas_models.pretrained import QuantClassifier, build, canonicalise
from flow._zoo_start import blend
from flow.data import Dataset
from flow.objectives import build_objective
from flow.progress import banner
from flow.trainer import EpochReport, HeldOut, Penalty, Schedule, TrainerSettings, train

__all__ = ["ROBUST_RECIPES", "RobustRecipe", "RobustTraining", "train_robust"]


@dataclass(frozen=True, kw_only=True)
class RobustRecipe:
    """One training with flow.trainer; brevitas_models.pretrained has the architecture.

    Attributes:
        objective: its name in flow.objectives.
        options: of the objective, where they are not its paper's.
        trainer: all else.
        penalties: name of a Lipschitz control to its strength.
        initial: trained network of the same layers to start from.
        initial_share: of the way from fresh weights to those.
        freeze: whether training attacks brevitas_models.frozen_classifier's fold of the network.
    """

    objective: str
    trainer: TrainerSettings
    options: Mapping[str, Any] = field(default_factory=dict)
    penalties: Mapping[str, float] = field(default_factory=dict)
    initial: str | None = None
    initial_share: float = 0.75
    freeze: bool = True

    @property
    def seed(self) -> int:
        """Of the first weights and of the trainer."""
        return self.trainer.seed

    @property
    def epochs(self) -> int:
        """Of both phases."""
        return self.trainer.epochs

    @property
    def epsilon_255(self) -> int:
        """Radius of the ball it is measured in; it may be trained in a larger one."""
        measured = self.trainer.held_out.epsilon_255
        return int(self.trainer.schedule.epsilon_255 if measured is None else measured)


@dataclass(frozen=True)
class RobustTraining:
    """The network in the form to save, the epoch whose weights it has, seconds of training."""

    network: QuantClassifier
    best_epoch: int
    seconds: float


# An image of one bit changes only where a pixel is within epsilon of 1/2: a few large steps are
# enough. They find less than the attacks that measure, which a larger epsilon makes up for.
ROBUST_RECIPES = {
    "mnist-tfc-w2a2-robust": RobustRecipe(
        objective="pgd",
        options={"steps": 4, "relative_step": 0.5},
        initial="mnist-tfc-w2a2",
        trainer=TrainerSettings(
            schedule=Schedule(epochs=8, learning_rate=5e-3, epsilon_255=36),
            batch=500,
            calibration_batches=30,
            held_out=HeldOut(images=1000, every=8, epsilon_255=26),
        ),
    ),
    "mnist-lenet5-w4a4-robust": RobustRecipe(
        objective="pgd",
        options={"steps": 3, "relative_step": 0.7},
        trainer=TrainerSettings(
            schedule=Schedule(
                epochs=6,
                learning_rate=5e-3,
                warmup=0.1,
                epsilon_255=80,
                epsilon_warmup_epochs=1,
            ),
            batch=250,
            calibration_batches=40,
            held_out=HeldOut(images=1000, epsilon_255=76),
        ),
    ),
}


def train_robust(
    name: str, dataset: Dataset, state_file: Path, recipe: RobustRecipe
) -> RobustTraining:
    """Train the network of that name; after each epoch `state_file` is replaced, see trainer.train.

    Raises:
        ModelError: there is no network of that name, or the state file is corrupt.
        FlowError: the loss diverged, or there are too few images.
    """
    network = build(name, recipe.seed)
    if recipe.initial is not None:
        blend(network, recipe.initial, recipe.initial_share)
    found = train(
        network,
        dataset,
        build_objective(recipe.objective, recipe.options),
        recipe.trainer,
        penalties=_penalties(network, recipe.penalties),
        freeze=freeze_classifier if recipe.freeze else None,
        state_file=state_file,
        report=lambda epoch: banner(f"{name}: {_line(epoch)}"),
    )
    canonicalise(network)
    return RobustTraining(network, found.best_epoch, found.seconds)


def _penalties(network: QuantClassifier, strengths: Mapping[str, float]) -> dict[str, Penalty]:
    height, width, channels = network.input_shape
    shape = (channels, height, width)
    return {
        name: make_control(name, network, shape, strength).penalty
        for name, strength in strengths.items()
    }


def _line(epoch: EpochReport) -> str:
    measured = ""
    if epoch.robust is not None and epoch.clean is not None:
        measured = f"; held out {epoch.clean:.4f} clean, {epoch.robust:.4f} robust"
    return (
        f"epoch {epoch.epoch} of {epoch.epochs} ({epoch.phase}), loss {epoch.loss:.4f}, "
        f"accuracy {epoch.accuracy:.4f} attacked{measured}; {epoch.seconds:.0f} s"
    )

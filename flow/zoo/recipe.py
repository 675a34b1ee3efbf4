# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What one training of a zoo network is, and doing it with flow.training.trainer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from brevitas_models.classifier import QuantClassifier
from brevitas_models.exact import make_exact
from brevitas_models.pretrained import build
from flow.config import TrainerSettings
from flow.data.datasets import Dataset
from flow.objectives import build_objective
from flow.progress import banner
from flow.training.freezing import freeze_of
from flow.training.named_controls import controls_of
from flow.training.trainer import EpochReport, train
from flow.zoo.start import blend

__all__ = ["Recipe", "Trained", "train_recipe"]


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One training with flow.training.trainer; brevitas_models.pretrained has the architecture.

    Attributes:
        trainer: all that is not here.
        seed: of the first weights and of the trainer.
        objective: its name in flow.objectives.
        options: of the objective, where they are not its paper's.
        penalties: name of a Lipschitz control to its strength.
        initial: trained network of the same layers to start from.
        initial_share: of the way from fresh weights to those.
    """

    trainer: TrainerSettings
    seed: int = 0
    objective: str = "standard"
    options: Mapping[str, Any] = field(default_factory=dict)
    penalties: Mapping[str, float] = field(default_factory=dict)
    initial: str | None = None
    initial_share: float = 0.75

    @property
    def epochs(self) -> int:
        """Of both phases."""
        return self.trainer.all_epochs

    @property
    def epsilon_255(self) -> int:
        """Radius of the ball it is measured in; it may be trained in a larger one. 0: in none."""
        measured = self.trainer.held_out.epsilon_255
        return int(self.trainer.epsilon_255 if measured is None else measured)


@dataclass(frozen=True)
class Trained:
    """The network in the form to save, the epoch whose weights it has, seconds of training."""

    network: QuantClassifier
    best_epoch: int
    seconds: float


def train_recipe(name: str, dataset: Dataset, state_file: Path, recipe: Recipe) -> Trained:
    """Train the network of that name; after each epoch `state_file` is replaced, see trainer.train.

    Raises:
        ModelError: there is no network of that name, or the state file is corrupt.
        FlowError: the loss diverged, or there are too few images.
    """
    network = build(name, recipe.seed)
    if recipe.initial is not None:
        blend(network, recipe.initial, recipe.initial_share)
    half = recipe.trainer.precision != "32-true"  # the fold computes in float32: slower
    found = train(
        network,
        dataset,
        build_objective(recipe.objective, recipe.options),
        recipe.trainer,
        seed=recipe.seed,
        controls=controls_of(network, recipe.penalties),
        freeze=None if half else freeze_of(network),
        state_file=state_file,
        report=lambda epoch: banner(f"{name}: {epoch_line(epoch)}"),
    )
    make_exact(network)
    return Trained(network, found.best_epoch, found.seconds)


def epoch_line(epoch: EpochReport) -> str:
    """Return an epoch's report as text."""
    measured = ""
    if epoch.robust is not None and epoch.clean is not None:
        measured = f"; held out {epoch.clean:.4f} clean, {epoch.robust:.4f} robust"
    attacked = " attacked" if epoch.epsilon_255 else ""
    return (
        f"epoch {epoch.epoch} of {epoch.epochs} ({epoch.phase}), loss {epoch.loss:.4f}, "
        f"accuracy {epoch.accuracy:.4f}{attacked}{measured}; {epoch.seconds:.0f} s"
    )

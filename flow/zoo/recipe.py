# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The training of a zoo network, with flow.training.trainer."""

from dataclasses import dataclass
from pathlib import Path

from brevitas_models.architectures import build
from brevitas_models.classifier import QuantClassifier
from brevitas_models.exact import make_exact
from flow.data.datasets import Dataset
from flow.objectives import build_objective
from flow.progress import banner
from flow.training.freezing import freeze_of
from flow.training.named_controls import controls_of
from flow.training.trainer import EpochReport, train
from flow.zoo.entry import ZooEntry
from flow.zoo.start import blend

__all__ = ["Trained", "train_entry"]


@dataclass(frozen=True)
class Trained:
    """The network in the form to save, the epoch whose weights it has, seconds of training."""

    network: QuantClassifier
    best_epoch: int
    seconds: float


def train_entry(entry: ZooEntry, dataset: Dataset, state_file: Path) -> Trained:
    """Train a network by its recipe; after each epoch `state_file` is replaced, see trainer.train.

    Raises:
        ModelError: the state file is corrupt.
        FlowError: the loss diverged, or there are too few images.
    """
    recipe = entry.recipe
    network = build(entry.network, recipe.seed)
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
        report=lambda epoch: banner(f"{entry.name}: {epoch_line(epoch)}"),
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

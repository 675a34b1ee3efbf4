# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""How the zoo's networks were trained; `steelflow zoo train NAME` does it again."""

import platform
from dataclasses import replace
from functools import partial
from importlib import metadata
from pathlib import Path

import torch

from brevitas_models.classifier import QuantClassifier
from brevitas_models.model_card import ModelCard
from brevitas_models.pretrained import save, save_card
from flow.classifier import accuracy
from flow.data.datasets import Dataset
from flow.errors import SettingError
from flow.export.deployment import lowered
from flow.progress import banner
from flow.storage.workspace import output_folder
from flow.training.configured import Trained, train_network
from flow.training.trainer import EpochReport
from flow.zoo import evaluation as zoo_evaluation
from flow.zoo import networks as zoo
from flow.zoo.entries import entry
from flow.zoo.entry import ZooEntry
from flow.zoo.lipschitz import lipschitz_figures
from flow.zoo.start import blend

__all__ = ["epoch_line", "train_and_save", "train_entry"]

_MACHINE = f"one thread, {platform.machine()}, torch {torch.__version__}"


def train_and_save(name: str, data: Path | None, output: Path, *, attacked: int) -> ModelCard:
    """Train a network; write NAME.npz and its card NAME.yaml, and return the card.

    The card of a robust network gets the worst case over zoo_evaluation.ATTACKS. An interrupted
    training goes on from NAME.state in the same folder.

    Args:
        name: of one of flow.zoo.entries.
        data: folder of the data sets.
        output: folder, made if it is not there.
        attacked: test images attacked; 0 for none.

    Raises:
        ModelError: there is no network of that name; the state file is corrupt.
        FlowError: missing or too few images, a folder that cannot be written, a diverging loss.
    """
    chosen = entry(name)
    dataset = zoo.dataset_of(chosen.data, data)
    if chosen.epsilon_255 and not 0 <= attacked <= len(dataset.test_labels):
        limit = len(dataset.test_labels)
        raise SettingError(
            f"images {attacked}: is not within 0..{limit}, the test images; change it",
            "images",
        )
    with output_folder("zoo train", output):
        return _trained_and_saved(chosen, dataset, output, attacked)


def _trained_and_saved(
    chosen: ZooEntry, dataset: Dataset, output: Path, attacked: int
) -> ModelCard:
    name = chosen.name
    trained = train_entry(chosen, dataset, output / f"{name}.state")
    description = _describe(chosen, trained, dataset)
    save(trained.network, description, output)
    if chosen.epsilon_255 and attacked:
        found = zoo_evaluation.attack(
            name,
            lowered(trained.network),
            dataset,
            zoo_evaluation.Budget(epsilon_255=chosen.epsilon_255, images=attacked),
        )
        description = replace(description, robust=found)
        save_card(description, output)
    return description


def train_entry(entry: ZooEntry, dataset: Dataset, state_file: Path) -> Trained:
    """Train a network by its recipe; after each epoch `state_file` is replaced, see trainer.train.

    Raises:
        ModelError: the state file is corrupt.
        FlowError: the loss diverged, or there are too few images.
    """
    start = entry.start
    return train_network(
        *(dataset, entry.network, entry.recipe),
        seed=entry.seed,
        start=None if start is None else partial(blend, start=start),
        fold=entry.recipe.precision == "32-true",  # it would be slower than half precision
        state_file=state_file,
        report=lambda epoch: banner(f"{entry.name}: {epoch_line(epoch)}"),
    )


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


def _describe(entry: ZooEntry, trained: Trained, dataset: Dataset) -> ModelCard:
    name, recipe, network = entry.name, entry.recipe, trained.network
    logits = zoo.brevitas_logits(network, dataset.test_images)
    return ModelCard(
        name=name,
        data=dataset.name,
        network=entry.network,
        command=f"steelflow zoo train {name}",
        seed=entry.seed,
        initial=None if entry.start is None else entry.start.network,
        epochs=recipe.all_epochs,
        training_images=len(dataset.train_labels) - recipe.held_out.images,
        training_s=round(trained.seconds, 1),
        trained_on=_MACHINE,
        trained_with=f"steelflow {metadata.version('steelflow')}, flow.training.trainer",
        test_images=len(dataset.test_labels),
        accuracy=round(accuracy(logits, dataset.test_labels), 4),
        weight_bits=network.precision.weight_bits,
        activation_bits=network.precision.activation_bits,
        parameters=_parameters(network),
        licence="BSD-3-Clause",
        objective=recipe.objective,
        lipschitz=lipschitz_figures(network),
    )


def _parameters(network: QuantClassifier) -> int:
    held = [part for _, norm in network.norms() for part in (norm.weight, norm.bias)]
    held += [layer.weight for _, layer in network.weighted_layers()]
    return sum(int(part.numel()) for part in held)

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""How the zoo's networks were trained: `python -m flow.zoo_training NAME`."""

import argparse
import math
import platform
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from brevitas_models.checkpoint import read_state, write_state
from brevitas_models.pretrained import (
    ModelCard,
    QuantClassifier,
    build,
    canonicalise,
    save,
    save_card,
)
from flow import zoo_evaluation
from flow._augmentation import mirrored, moved
from flow._threads import one_thread
from flow._zoo_start import blend
from flow.classifier import accuracy
from flow.data import Dataset, load_dataset
from flow.environment import data_folder
from flow.errors import USER_ERRORS, FlowError
from flow.progress import banner, track
from flow.settings import DataConfig
from flow.training import one_cycle
from flow.zoo import brevitas_logits
from flow.zoo_robust import ROBUST_RECIPES, RobustRecipe, train_robust

__all__ = ["RECIPES", "Recipe", "train"]

_MACHINE = f"one thread, {platform.machine()}, torch {torch.__version__}"
_INITIAL_SHARE = 0.5  # of the way from fresh weights to those of `initial`
_CALIBRATION_STEPS = 100  # minibatches from which the final BatchNorm statistics are taken


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One training: AdamW without decay, a one-cycle schedule, cross-entropy."""

    epochs: int
    learning_rate: float  # at its peak
    batch: int = 100
    shift: int = 0  # pixels that training images move at most
    flip: bool = False
    bfloat16: bool = False  # layers compute in bfloat16, which holds the grids exactly
    seed: int = 0
    initial: str | None = None  # trained network of the same architecture to start from


_TFC = Recipe(epochs=30, learning_rate=5e-3, shift=1)
_CIFAR10 = Recipe(epochs=2, learning_rate=2e-2, shift=2, flip=True, bfloat16=True)
RECIPES: dict[str, Recipe | RobustRecipe] = {
    "mnist-tfc-w1a1": replace(_TFC, learning_rate=2e-2, shift=0),  # too small to overfit much
    "mnist-tfc-w1a2": _TFC,
    "mnist-tfc-w2a2": _TFC,
    **ROBUST_RECIPES,
    "cifar10-cnv-w1a1": replace(_CIFAR10, initial="cifar10-cnv-w2a2"),
    "cifar10-cnv-w2a2": _CIFAR10,
    "cifar10-cnv-w4a4": replace(_CIFAR10, epochs=1, initial="cifar10-cnv-w2a2"),
    "cifar10-resnet8-w4a4": replace(_CIFAR10, epochs=4),
    "cifar10-mobilenet-w4a4": _CIFAR10,
}


class _Run:
    """One training, an epoch at a time; an epoch's random numbers depend on seed and epoch only."""

    def __init__(self, name: str, recipe: Recipe, dataset: Dataset) -> None:
        self.recipe, self.epoch, self.seconds = recipe, 0, 0.0
        self.images = torch.from_numpy(dataset.train_images)
        self.labels = torch.from_numpy(dataset.train_labels)
        self.network = build(name, recipe.seed)
        if recipe.initial is not None:
            blend(self.network, recipe.initial, _INITIAL_SHARE)
        self.network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimiser = torch.optim.AdamW(self.network.parameters(), weight_decay=0.0)
        self.steps = len(self.labels) // recipe.batch

    def state(self) -> dict[str, Any]:
        return {
            "epoch": self.epoch,
            "seconds": self.seconds,
            "network": self.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.network.load_state_dict(state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.epoch, self.seconds = state["epoch"], state["seconds"]

    def train_epoch(self) -> tuple[float, float]:
        """Return the mean loss and accuracy of the epoch."""
        started, losses, hits = time.monotonic(), 0.0, 0
        self.network.train()
        for step, (images, labels) in enumerate(self._minibatches(self.epoch)):
            loss, correct = self._update(images, labels, self.epoch + step / self.steps)
            losses, hits = losses + loss, hits + correct
        self.epoch += 1
        self.seconds += time.monotonic() - started
        if not math.isfinite(losses):
            rate = self.recipe.learning_rate
            raise FlowError(
                f"training: the loss is {losses}; lower the recipe's learning_rate ({rate:g})"
            )
        return losses / self.steps, hits / (self.steps * self.recipe.batch)

    def calibrate(self) -> None:
        """Take the BatchNorm statistics anew, with the final weights and in float32."""
        norms = [block.norm for block in self.network.blocks()]
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # the plain mean over minibatches
        self.network.train()
        with torch.no_grad():
            for step, (images, _) in enumerate(self._minibatches(self.recipe.epochs)):
                if step == _CALIBRATION_STEPS:
                    break
                self.network(images)

    def _minibatches(self, epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
        generator = torch.Generator().manual_seed(self.recipe.seed * 1_000_003 + epoch)
        order = torch.randperm(len(self.labels), generator=generator)
        size = self.recipe.batch
        for step in track(range(self.steps), f"epoch {epoch + 1}", unit="minibatches"):
            chosen = order[step * size : (step + 1) * size]
            images = self.images[chosen].permute(0, 3, 1, 2).float() / 255
            images = moved(images, self.recipe.shift, generator)
            images = mirrored(images, generator) if self.recipe.flip else images
            yield images.contiguous(memory_format=torch.channels_last), self.labels[chosen]

    def _update(self, images: Tensor, labels: Tensor, done: float) -> tuple[float, int]:
        for group in self.optimiser.param_groups:
            group["lr"] = self.recipe.learning_rate * one_cycle(done / self.recipe.epochs)
        self.optimiser.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=self.recipe.bfloat16):
            logits = self.network(images)
        loss = F.cross_entropy(logits.float(), labels)
        loss.backward()
        self.optimiser.step()
        return loss.item(), int((logits.argmax(1) == labels).sum())


def train(
    name: str, dataset: Dataset, state_file: Path, recipe: Recipe
) -> tuple[QuantClassifier, float]:
    """Train the network of that name; return it in the form to save, and the seconds it took.

    One thread, so that the bits depend on the recipe and the processor alone. After each epoch
    `state_file` is replaced; where it exists, training goes on from it.

    Raises:
        ModelError: there is no network of that name, or the state file is corrupt.
        FlowError: the loss diverged.
    """
    with one_thread():
        run = _Run(name, recipe, dataset)
        if state_file.exists():
            run.restore(read_state(state_file))
        while run.epoch < run.recipe.epochs:
            loss, accuracy = run.train_epoch()
            write_state(state_file, run.state())
            banner(
                f"{name}: epoch {run.epoch} of {run.recipe.epochs}, loss {loss:.4f}, "
                f"accuracy {accuracy:.4f} on training images, {run.seconds:.0f} s"
            )
        run.calibrate()
        canonicalise(run.network)
    return run.network, run.seconds


def main(arguments: list[str] | None = None) -> int:
    """Train one network and write its files; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m flow.zoo_training", description=main.__doc__)
    parser.add_argument("name", choices=RECIPES, metavar="NAME", help=", ".join(RECIPES))
    parser.add_argument("--data", type=Path, default=data_folder(), help="default: STEELFLOW_DATA")
    parser.add_argument("--output", type=Path, default=Path(), help="folder; default: this one")
    parser.add_argument(
        "--images",
        type=int,
        metavar="N",
        default=1000,
        help="test images attacked for the card of a robust network (default: 1000; 0: none)",
    )
    chosen = parser.parse_args(arguments)
    try:
        _train_and_save(chosen.name, chosen.data, chosen.output, chosen.images)
    except USER_ERRORS as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _trained(
    name: str, dataset: Dataset, state_file: Path, recipe: Recipe | RobustRecipe
) -> tuple[QuantClassifier, float]:
    if isinstance(recipe, Recipe):
        return train(name, dataset, state_file, recipe)
    found = train_robust(name, dataset, state_file, recipe)
    return found.network, found.seconds


def _train_and_save(name: str, data: Path | None, output: Path, attacked: int) -> None:
    source, recipe = name.split("-", maxsplit=1)[0], RECIPES[name]
    dataset = load_dataset(DataConfig.model_validate({"source": source}), data)
    output.mkdir(parents=True, exist_ok=True)
    network, seconds = _trained(name, dataset, output / f"{name}.state", recipe)
    description = _describe(name, network, dataset, seconds)
    save(network, description, output)
    banner(f"{name}: accuracy {description.accuracy:.4f} on {description.test_images} test images")
    if isinstance(recipe, RobustRecipe) and attacked:
        found = zoo_evaluation.measure(
            name,
            zoo_evaluation.lowered(network),
            dataset,
            epsilon_255=recipe.epsilon_255,
            images=attacked,
            attacks=zoo_evaluation.ATTACKS,
        )
        save_card(replace(description, robust=found.robust), output)
        for line in zoo_evaluation.lines(name, found):
            banner(line)


def _describe(name: str, network: QuantClassifier, dataset: Dataset, seconds: float) -> ModelCard:
    recipe, objective, held_out = RECIPES[name], "standard", 0
    if isinstance(recipe, RobustRecipe):
        objective, held_out = recipe.objective, recipe.trainer.held_out.images
    right = accuracy(brevitas_logits(network, dataset.test_images), dataset.test_labels)
    norms = sum(norm.weight.numel() + norm.bias.numel() for _, norm in network.norms())
    return ModelCard(
        name=name,
        data=dataset.name,
        command=f"python -m flow.zoo_training {name}",
        seed=recipe.seed,
        initial=recipe.initial,
        epochs=recipe.epochs,
        training_images=len(dataset.train_labels) - held_out,
        training_s=round(seconds, 1),
        trained_on=_MACHINE,
        test_images=len(dataset.test_labels),
        accuracy=round(right, 4),
        weight_bits=network.precision.weight_bits,
        activation_bits=network.precision.activation_bits,
        parameters=norms + sum(layer.weight.numel() for _, layer in network.weighted_layers()),
        licence="BSD-3-Clause",
        objective=objective,
    )


if __name__ == "__main__":
    sys.exit(main())

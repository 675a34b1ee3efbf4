# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Measure a network of the zoo again; `steelflow zoo evaluate NAME` does it.

The victim is the integer network that runs on the board, lowered from the exported QONNX file.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from brevitas_models.model_card import AttackFigure, LipschitzFigures, ModelCard, RobustFigures
from brevitas_models.pretrained import FOLDER, card, load
from flow.attacks.apgd import ApgdCe, ApgdDlr, ApgdTargetedDlr
from flow.attacks.base import Attack
from flow.attacks.flip import Flip
from flow.attacks.pgd import Pgd
from flow.attacks.square import Square
from flow.cluster import Cluster, ProcessCluster
from flow.data.datasets import Dataset, first_test_images
from flow.errors import SettingError
from flow.evaluation.divided import divided_worst_case
from flow.evaluation.worst_case import WorstCase
from flow.export.deployment import lowered
from flow.integer import IntegerNetwork
from flow.integer.incremental import cell_numbers
from flow.integer.native import NativeNetwork
from flow.zoo import networks as zoo
from flow.zoo.lipschitz import lipschitz_figures

__all__ = ["ATTACKS", "Budget", "Measurement", "attack", "attacks_for", "budget_of", "measure"]

# The cheap one first: the next ones have fewer images left. APGD climbs the cross-entropy at
# three temperatures in turn, PGD at the same. Flip is for images that the network squeezes to few
# bits; an image of 8 bits gets the targeted attack in its place.
ATTACKS: tuple[Attack, ...] = (
    ApgdCe(steps=100, restarts=3),
    Flip(steps=8000, gradient_starts=6),
    ApgdDlr(steps=100, restarts=3),
    Pgd(steps=50, restarts=10),
    Square(steps=5000),
)
_TARGETED = ApgdTargetedDlr(steps=100)
_FEW_CELLS = 16  # of a pixel, in all
_IMAGES = 1000  # attacked where the card says nothing


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What the attacks on one network may do.

    Attributes:
        epsilon_255: radius of the ball in uint8 units.
        images: how many of the first test images are attacked.
        seed: of the attacks.
    """

    epsilon_255: int
    images: int
    seed: int = 0

    def __post_init__(self) -> None:
        _require("epsilon", self.epsilon_255, 0 <= self.epsilon_255 <= 255, "give 0 to 255")
        _require("images", self.images, self.images >= 1, "give at least 1")
        _require("seed", self.seed, self.seed >= 0, "give at least 0")


def _require(setting: str, value: int, holds: bool, remedy: str) -> None:
    if not holds:
        raise SettingError(f"{setting} {value}: {remedy}", setting)


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """What one network does.

    Attributes:
        clean: accuracy on the whole test set.
        clean_attacked: on the images that were attacked; None where none were.
        robust: the worst case over the attacks.
        lipschitz: the network's bound.
    """

    clean: float
    clean_attacked: float | None
    robust: RobustFigures | None
    lipschitz: LipschitzFigures

    def on_card(self, found: ModelCard) -> ModelCard:
        """Return the card with these figures; robust ones stay where none were measured."""
        robust = found.robust if self.robust is None else self.robust
        clean = round(self.clean, 4)
        return replace(found, accuracy=clean, robust=robust, lipschitz=self.lipschitz)


def budget_of(
    found: ModelCard, *, epsilon_255: int | None, images: int | None, seed: int
) -> Budget | None:
    """Return the budget with the card's figures for what is None; None: no attack.

    Raises:
        FlowError: a value out of range, or there are images and no epsilon.
    """
    known = found.robust
    if epsilon_255 is None and known is not None:
        epsilon_255 = known.epsilon_255
    if images is None:
        images = _IMAGES if known is None else known.images
    elif epsilon_255 is None:
        raise SettingError(
            f"images {images}: the card of {found.name} has no robust figures; give an epsilon",
            "images",
        )
    if epsilon_255 is None:
        _require("seed", seed, seed >= 0, "give at least 0")
        return None
    return Budget(epsilon_255=epsilon_255, images=images, seed=seed)


def measure(
    name: str,
    data: Path | None,
    *,
    folder: Path = FOLDER,
    epsilon_255: int | None = None,
    images: int | None = None,
    seed: int = 0,
    cluster: Cluster | None = None,
) -> Measurement:
    """Classify a trained network's whole test set, and attack its first images.

    Args:
        name: of the network.
        data: folder of the data sets.
        folder: of the network's files.
        epsilon_255: radius of the ball in uint8 units; that of the card when None.
        images: how many are attacked; that of the card when None.
        seed: of the attacks.
        cluster: who attacks; this process when None.

    Raises:
        ModelError: there is no network of that name, or its files are missing or damaged.
        FlowError: see budget_of; the data are missing, or fewer than `images`.
    """
    found, network = card(name, folder), load(name, folder)
    budget = budget_of(found, epsilon_255=epsilon_255, images=images, seed=seed)
    dataset = zoo.dataset_of(found.data, data)
    victim = lowered(network)
    robust = None if budget is None else attack(name, victim, dataset, budget, cluster=cluster)
    right = NativeNetwork(victim).logits(dataset.test_images).argmax(axis=1) == dataset.test_labels
    return Measurement(
        clean=float(right.mean()),
        clean_attacked=None if budget is None else float(right[: budget.images].mean()),
        robust=robust,
        lipschitz=lipschitz_figures(network),
    )


def attack(
    name: str,
    network: IntegerNetwork,
    dataset: Dataset,
    budget: Budget,
    attacks: Sequence[Attack] | None = None,
    *,
    cluster: Cluster | None = None,
) -> RobustFigures:
    """Attack the first test images one attack after the other; see worst_case.

    Args:
        name: for the messages.
        network: the victim, also of the gradients.
        dataset: its test images count.
        budget: of every attack.
        attacks: of one norm; attacks_for the network when None.
        cluster: who attacks; this process when None.

    Raises:
        FlowError: there are fewer images, or they do not fit the network.
    """
    chosen = attacks_for(network) if attacks is None else attacks
    shown, labels = first_test_images(dataset, budget.images, "images")
    found = divided_worst_case(
        *(cluster or ProcessCluster(1), network, shown, labels),
        attacks=chosen,
        epsilon_255=budget.epsilon_255,
        name=name,
        seed=budget.seed,
    )
    return _figures(found, chosen)


def attacks_for(network: IntegerNetwork) -> tuple[Attack, ...]:
    """Return ATTACKS, with a targeted one for flip where an image has many cells."""
    squeezed = int(cell_numbers(network).max()) < _FEW_CELLS
    return tuple(one if squeezed or not isinstance(one, Flip) else _TARGETED for one in ATTACKS)


def _figures(found: WorstCase, attacks: Sequence[Attack]) -> RobustFigures:
    row = found.evaluation.row
    stages = zip(attacks, found.stages, strict=True)
    return RobustFigures(
        norm=row.norm,
        epsilon_255=row.epsilon_255,
        seed=row.seed,
        images=row.images,
        attacks=tuple(
            AttackFigure(
                attack=attack.name,
                steps=attack.steps,
                restarts=attack.restarts,
                accuracy=round(stage.row.accuracy, 4),
            )
            for attack, stage in stages
        ),
        accuracy=round(row.accuracy, 4),
        ci95=(round(row.ci95[0], 4), round(row.ci95[1], 4)),
    )

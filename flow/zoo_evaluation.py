# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Measure a network of the zoo again: `python -m flow.zoo_evaluation NAME`.

The victim is the integer network that runs on the board, lowered from the exported QONNX file.
"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from brevitas_models.model_card import AttackFigure, RobustFigures
from brevitas_models.pretrained import QuantClassifier, card, load, save_card
from flow import zoo
from flow.attacks.apgd import ApgdCe, ApgdDlr
from flow.attacks.base import Attack
from flow.attacks.pgd import Pgd
from flow.attacks.square import Square
from flow.classifier import accuracy
from flow.data import Dataset, first_test_images
from flow.environment import data_folder
from flow.errors import USER_ERRORS, FlowError
from flow.evaluation import Subject
from flow.export import export_qonnx_model
from flow.integer import IntegerNetwork
from flow.integer.native import NativeNetwork
from flow.lowering import lower, read_model
from flow.progress import banner, meter
from flow.worst_case import WorstCase, worst_case

__all__ = ["ATTACKS", "Measurement", "lines", "lowered", "measure"]

# The cheap one first: the next ones have fewer images left. APGD climbs the cross-entropy at
# three temperatures in turn, PGD at the same.
ATTACKS: tuple[Attack, ...] = (
    ApgdCe(steps=100, restarts=3),
    ApgdDlr(steps=100, restarts=3),
    Pgd(steps=50, restarts=10),
    Square(steps=5000),
)


@dataclass(frozen=True, kw_only=True)
class Measurement:
    """What one network does.

    Attributes:
        clean: accuracy on the whole test set.
        clean_attacked: on the images that were attacked.
        robust: the worst case over the attacks.
    """

    clean: float
    clean_attacked: float
    robust: RobustFigures


def lowered(network: QuantClassifier) -> IntegerNetwork:
    """Return the integer network by way of a QONNX file, as a deployment does.

    Raises:
        FlowError: it cannot be lowered.
    """
    with tempfile.TemporaryDirectory(prefix="steelflow-zoo-") as folder:
        path = Path(folder) / "model.onnx"
        export_qonnx_model(network, path)
        return lower(read_model(path)).network


def measure(
    name: str,
    network: IntegerNetwork,
    dataset: Dataset,
    *,
    epsilon_255: int,
    images: int,
    attacks: Sequence[Attack],
    seed: int = 0,
) -> Measurement:
    """Classify the whole test set, and attack its first images.

    Args:
        name: for the messages.
        network: the victim, also of the gradients.
        dataset: its test images count.
        epsilon_255: radius of the ball in uint8 units.
        images: how many are attacked.
        attacks: of one norm, one after the other; see worst_case.
        seed: of the attacks.

    Raises:
        FlowError: there are fewer images, or they do not fit the network.
    """
    shown, labels = first_test_images(dataset, images, "--images")
    engine = NativeNetwork(network)
    subject = Subject(victim=engine, network=name, seed=seed, surrogate=network)
    with meter(f"attacks on {name}", unit="images") as progress:
        found = worst_case(subject, shown, labels, attacks, epsilon_255, progress=progress)
    return Measurement(
        clean=accuracy(engine.logits(dataset.test_images), dataset.test_labels),
        clean_attacked=float((found.evaluation.labels_clean == labels).mean()),
        robust=_figures(found, attacks),
    )


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
                accuracy=round(stage.accuracy, 4),
            )
            for attack, stage in stages
        ),
        accuracy=round(row.accuracy, 4),
        ci95=(round(row.ci95[0], 4), round(row.ci95[1], 4)),
    )


def lines(name: str, measured: Measurement) -> list[str]:
    """Return the measurement as text."""
    robust = measured.robust
    low, high = robust.ci95
    budget = [f"{one.attack} {one.steps} x {one.restarts}" for one in robust.attacks]
    left = [
        f"  {each}: {one.accuracy:.4f}" for each, one in zip(budget, robust.attacks, strict=True)
    ]
    return [
        f"{name}: {measured.clean:.4f} of the test set, {measured.clean_attacked:.4f} of its first "
        f"{robust.images}; left of those by {robust.norm} {robust.epsilon_255}/255, one attack "
        "after the other:",
        *left,
        f"  worst case: {robust.accuracy:.4f} (95% {low:.4f} to {high:.4f})",
    ]


def main(arguments: list[str] | None = None) -> int:
    """Measure a trained network of the zoo, and print it; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m flow.zoo_evaluation", description=main.__doc__)
    parser.add_argument("name", metavar="NAME", help="of the zoo")
    parser.add_argument("--data", type=Path, default=data_folder(), help="default: STEELFLOW_DATA")
    parser.add_argument("--folder", type=Path, help="of the weights; default: the package's")
    parser.add_argument("--epsilon", type=int, metavar="E", help="uint8 units; default: the card's")
    parser.add_argument("--images", type=int, metavar="N", help="attacked; default: the card's")
    parser.add_argument("--seed", type=int, default=0, help="of the attacks; default: 0")
    parser.add_argument("--write", action="store_true", help="write the figures into the card")
    try:
        _measure_and_print(parser.parse_args(arguments))
    except USER_ERRORS as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _measure_and_print(chosen: argparse.Namespace) -> None:
    place: dict[str, Path] = {} if chosen.folder is None else {"folder": chosen.folder}
    found, network = card(chosen.name, **place), load(chosen.name, **place)
    epsilon, images = chosen.epsilon, chosen.images
    if found.robust is not None:
        epsilon = found.robust.epsilon_255 if epsilon is None else epsilon
        images = found.robust.images if images is None else images
    if epsilon is None or images is None:
        raise FlowError(f"{chosen.name}: its card has no robust figures; give --epsilon, --images")
    measured = measure(
        chosen.name,
        lowered(network),
        zoo.dataset_of(found, chosen.data),
        epsilon_255=epsilon,
        images=images,
        attacks=ATTACKS,
        seed=chosen.seed,
    )
    for line in lines(chosen.name, measured):
        banner(line)
    if chosen.write:
        written = replace(found, accuracy=round(measured.clean, 4), robust=measured.robust)
        save_card(written, **place)


if __name__ == "__main__":
    sys.exit(main())

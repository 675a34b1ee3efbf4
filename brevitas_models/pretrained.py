# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The trained networks that come with the package: weights, and cards that say what they are."""

from pathlib import Path

import yaml

from brevitas_models import architectures
from brevitas_models._weight_file import REMEDY, network_content, read_into, write
from brevitas_models.classifier import QuantClassifier
from brevitas_models.errors import ModelError
from brevitas_models.model_card import ModelCard
from steelflow_names import hint, one_line

__all__ = [
    "FOLDER",
    "ModelCard",
    "build",
    "card",
    "load",
    "save",
    "save_card",
    "trained",
]

FOLDER = Path(__file__).parent / "pretrained"


def trained(folder: Path = FOLDER) -> tuple[str, ...]:
    """Return the names of those that have weights and a card in the folder, sorted."""
    weights = sorted(path.stem for path in folder.glob("*.npz"))
    return tuple(name for name in weights if (folder / f"{name}.yaml").is_file())


def build(name: str, seed: int = 0) -> QuantClassifier:
    """Build the untrained network of a card with weights drawn from `seed`; torch's RNG is kept.

    Raises:
        ModelError: there is no network of that name; the message has the nearest.
    """
    return architectures.build(card(name).network, seed)


def load(name: str, folder: Path = FOLDER) -> QuantClassifier:
    """Return the trained network in eval mode, in the form of brevitas_models.pretrained.save.

    Raises:
        ModelError: there is no network of that name, or its file is missing or damaged.
    """
    path = folder / f"{name}.npz"
    _check_file(name, path)
    network = architectures.build(card(name, folder).network).eval()
    read_into(network, path)
    return network


def card(name: str, folder: Path = FOLDER) -> ModelCard:
    """Return the model card of a trained network.

    Raises:
        ModelError: there is no network of that name, or its card is missing or damaged.
    """
    path = folder / f"{name}.yaml"
    _check_file(name, path)
    try:
        return ModelCard.from_mapping(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise ModelError(f"{path}: is no model card ({one_line(error)}); {REMEDY}") from error


def save(network: QuantClassifier, description: ModelCard, folder: Path) -> None:
    """Write a network in exact form, and its card, for load and card.

    The file holds weight codes int8 and, for each channel, the BatchNorm's gain and bias; the
    same network gives the same bytes.

    Raises:
        ModelError: the files cannot be written.
    """
    write(folder / f"{description.name}.npz", network_content(network))
    save_card(description, folder)


def save_card(description: ModelCard, folder: Path = FOLDER) -> None:
    """Write a card alone, for figures that were measured again.

    Raises:
        ModelError: the file cannot be written.
    """
    text = yaml.safe_dump(description.to_mapping(), sort_keys=False)
    write(folder / f"{description.name}.yaml", text.encode())


def _check_file(name: str, path: Path) -> None:
    if path.is_file():
        return
    if name not in trained():
        raise ModelError(f"zoo: there is no network {name!r}{hint(name, trained())}")
    place = "" if path.parent == FOLDER else f" in {path.parent}"
    raise ModelError(f"zoo: {name} has no {path.name}{place}; run steelflow zoo train {name}")

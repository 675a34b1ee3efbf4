# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The named networks: their architectures, and the trained weights that come with the package."""

from dataclasses import asdict, replace
from pathlib import Path

import yaml

from brevitas_models import architectures
from brevitas_models._weight_file import REMEDY, network_content, read_into, write
from brevitas_models.bits import BitTable
from brevitas_models.classifier import QuantClassifier
from brevitas_models.errors import ModelError
from brevitas_models.model_card import ModelCard
from brevitas_models.quantizers import Quantizers, WeightQuantizer
from brevitas_models.settings import ArchitectureSettings
from steelflow_names import hint

__all__ = [
    "FOLDER",
    "ModelCard",
    "build",
    "card",
    "load",
    "names",
    "save",
    "save_card",
    "settings",
    "trained",
]

FOLDER = Path(__file__).parent / "pretrained"


def _fixed(architecture: str, weight_bits: int, activation_bits: int) -> ArchitectureSettings:
    bits = BitTable.uniform(weight_bits, activation_bits)
    return ArchitectureSettings(architecture=architecture, bits=bits)


def _on_one_bit(settings: ArchitectureSettings, width: float = 1.0) -> ArchitectureSettings:
    """Return the network that sees each pixel as 0 or 1: most pixels are far from 1/2."""
    return replace(settings, input_bits=1, width=width)


def _defended(
    architecture: str, bits: int, weights: WeightQuantizer, width: float = 1.0
) -> ArchitectureSettings:
    """Return the same with trained weight scales, which the DQ penalty needs."""
    fixed = _on_one_bit(_fixed(architecture, bits, bits), width)
    return replace(fixed, quantizers=Quantizers(weights=weights))


_MODELS = {
    "mnist-tfc-w1a1": _fixed("tfc", 1, 1),
    "mnist-tfc-w1a2": _fixed("tfc", 1, 2),
    "mnist-tfc-w2a2": _fixed("tfc", 2, 2),
    "mnist-tfc-w2a2-robust": _on_one_bit(_fixed("tfc", 2, 2)),
    "mnist-tfc-w2a2-certified": _on_one_bit(_fixed("tfc", 2, 2)),
    "mnist-convsmall-w4a4-certified": _on_one_bit(_fixed("conv_small", 4, 4)),
    "mnist-convsmall-w4a4-certified76": _on_one_bit(_fixed("conv_small", 4, 4)),
    "mnist-lenet-w4a4-dq": _defended("lenet5", 4, WeightQuantizer.POWER_OF_TWO, width=2.0),
    "mnist-lenet-w2a2-dq": _defended("lenet5", 2, WeightQuantizer.TERNARY, width=2.0),
    "cifar10-cnv-w1a1": _fixed("cnv", 1, 1),
    "cifar10-cnv-w2a2": _fixed("cnv", 2, 2),
    "cifar10-cnv-w4a4": _fixed("cnv", 4, 4),
    "cifar10-cnv-w4a4-robust": _fixed("cnv", 4, 4),
    "cifar10-resnet8-w4a4": _fixed("resnet8", 4, 4),
    "cifar10-mobilenet-w4a4": _fixed("mobilenet", 4, 4),
}


def names() -> tuple[str, ...]:
    """Return the name of every network, the data set it is for first."""
    return tuple(_MODELS)


def trained(folder: Path = FOLDER) -> tuple[str, ...]:
    """Return the names of those that have weights and a card in the folder."""
    files = ("npz", "yaml")
    return tuple(
        name for name in _MODELS if all((folder / f"{name}.{kind}").is_file() for kind in files)
    )


def build(name: str, seed: int = 0) -> QuantClassifier:
    """Build the untrained network with weights drawn from `seed`; torch's own RNG is kept.

    Raises:
        ModelError: there is no network of that name; the message has the nearest.
    """
    _check_name(name)
    return architectures.build(_MODELS[name], seed)


def settings(name: str) -> ArchitectureSettings:
    """Return what `build` builds the network of that name from.

    Raises:
        ModelError: there is no network of that name; the message has the nearest.
    """
    _check_name(name)
    return _MODELS[name]


def load(name: str, folder: Path = FOLDER) -> QuantClassifier:
    """Return the trained network in eval mode, in the form of brevitas_models.pretrained.save.

    Raises:
        ModelError: there is no network of that name, or its file is missing or damaged.
    """
    network, path = build(name).eval(), folder / f"{name}.npz"
    _check_file(name, path)
    read_into(network, path)
    return network


def card(name: str, folder: Path = FOLDER) -> ModelCard:
    """Return the model card of a trained network.

    Raises:
        ModelError: there is no network of that name, or its card is missing or damaged.
    """
    path = folder / f"{name}.yaml"
    _check_name(name)
    _check_file(name, path)
    try:
        return ModelCard.from_mapping(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, KeyError, TypeError, ValueError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise ModelError(f"{path}: is no model card ({reason}); {REMEDY}") from error


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
    text = yaml.safe_dump(asdict(description), sort_keys=False)
    write(folder / f"{description.name}.yaml", text.encode())


def _check_name(name: str) -> None:
    if name not in _MODELS:
        raise ModelError(f"zoo: there is no network {name!r}{hint(name, _MODELS)}")


def _check_file(name: str, path: Path) -> None:
    if not path.is_file():
        place = "" if path.parent == FOLDER else f" in {path.parent}"
        raise ModelError(f"zoo: {name} has no {path.name}{place}; run steelflow zoo train {name}")

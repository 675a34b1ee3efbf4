# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""From what Optuna suggests to a candidate."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from flow.config import CompileConfig, NetworkConfig, TrainingConfig, parse_section
from flow.search.candidate import Candidate, layers_of
from flow.search.settings import SearchConfig

__all__ = ["Trial", "layer_parameters", "suggest", "uniform_parameters"]

_SHORTCUT = ".shortcut"


class Trial(Protocol):
    """What is asked of Optuna's trial."""

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:  # noqa: ANN401
        """Return one of the choices."""


def suggest(trial: Trial, config: SearchConfig) -> Candidate:
    """Return the candidate of a trial; names of parameters begin with their family."""
    space = config.space
    index = trial.suggest_categorical("family", range(len(space.families)))
    network = dict(space.families[index]) | _cells(trial, index, config)
    family = parse_section(NetworkConfig, network, "search space")
    if space.each_layer:
        network["bits"] = _bits(trial, index, config, layers_of(family))
    else:
        network |= _bits(trial, index, config, ["all"])["all"]
    if family.architecture is not None:
        network |= _named(trial, index, config)
    return Candidate(
        network=parse_section(NetworkConfig, network, "search space"),
        training=_training(trial, config),
        compile=_target(trial, config),
    )


def _bits(
    trial: Trial, index: int, config: SearchConfig, places: Sequence[str]
) -> dict[str, dict[str, int]]:
    """Return the bits of each place; a shortcut's activation is that of what it is added to."""
    found: dict[str, dict[str, int]] = {}
    for place in places:
        found[place] = {
            kind: trial.suggest_categorical(f"{index}.{place}.{kind}", getattr(config.space, kind))
            for kind in ("weight_bits", "activation_bits")
            if (kind, place) not in _shared(places)
        }
    for kind, place in _shared(places):
        found[place][kind] = found[place.removesuffix(_SHORTCUT) + ".second"][kind]
    return found


def _shared(places: Sequence[str]) -> list[tuple[str, str]]:
    return [("activation_bits", place) for place in places if place.endswith(_SHORTCUT)]


def _cells(trial: Trial, index: int, config: SearchConfig) -> dict[str, Any]:
    """Return the cells of a family of channels that does not say its own."""
    family, kinds = config.family(index), config.space.cells
    if family.architecture is not None or family.cells or kinds == ("conv",):
        return {}
    places = range(1, len(family.channels))
    chosen = (trial.suggest_categorical(_cell(index, place), kinds) for place in places)
    return {"cells": ("conv", *chosen)}


def _cell(index: int, place: int) -> str:
    return f"{index}.cell{place}"


def _named(trial: Trial, index: int, config: SearchConfig) -> dict[str, Any]:
    """Return what only a named architecture may choose."""
    space, found = config.space, dict[str, Any]()
    kinds = {"weights": space.weight_quantizers, "activations": space.activation_quantizers}
    chosen = {
        key: trial.suggest_categorical(f"{index}.{key}", values)
        for key, values in kinds.items()
        if values
    }
    if chosen:
        found["quantizers"] = chosen
    if space.input_bits:
        found["input_bits"] = trial.suggest_categorical(f"{index}.input_bits", space.input_bits)
    return found


def _training(trial: Trial, config: SearchConfig) -> TrainingConfig:
    given = config.training.model_dump(exclude_unset=True)
    space = config.space
    changes = {
        "objective": trial.suggest_categorical("objective", space.objectives),
        "epsilon_255": trial.suggest_categorical("epsilon_255", space.epsilons_255),
        "plain": False,
    }
    return parse_section(TrainingConfig, given | changes, "search training")


def _target(trial: Trial, config: SearchConfig) -> CompileConfig:
    space = config.space
    return CompileConfig(
        part=trial.suggest_categorical("part", space.parts),
        target_fps=trial.suggest_categorical("target_fps", space.target_fps),
        clock_mhz=config.clock_mhz,
    )


def uniform_parameters(config: SearchConfig) -> list[dict[str, Any]]:
    """Return uniform bits of each family, weights as activations, to begin with; cells as one."""
    space = config.space
    widths = sorted(set(space.weight_bits) & set(space.activation_bits))
    found: list[dict[str, Any]] = []
    for index in range(len(space.families)):
        first = _First()
        cells = _cells(first, index, config)
        family = config.family(index).model_copy(update=cells)
        names = layers_of(family) if space.each_layer else ("all",)
        for width in widths:
            bits = {
                f"{index}.{name}.{kind}": width
                for name in names
                for kind in ("weight_bits", "activation_bits")
            }
            found.append({"family": index, **first.chosen, **bits})
    return found


class _First:
    """A trial of the first choices, which it keeps."""

    def __init__(self) -> None:
        self.chosen: dict[str, Any] = {}

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:  # noqa: ANN401
        self.chosen[name] = choices[0]
        return choices[0]


def layer_parameters(index: int, weight_bits: Mapping[str, int], width: int) -> dict[str, Any]:
    """Return the parameters of a family with its own weight bits in each layer."""
    weights = {f"{index}.{name}.weight_bits": bits for name, bits in weight_bits.items()}
    activations = {f"{index}.{name}.activation_bits": width for name in weight_bits}
    return {"family": index, **weights, **activations}

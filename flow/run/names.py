# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The names in a configuration that packages with torch know: architectures, layers, objectives."""

from collections.abc import Iterable

from brevitas_models import architectures
from brevitas_models.bits import BitTable, Precision
from brevitas_models.errors import ModelError
from brevitas_models.lipschitz import control_names
from brevitas_models.network import NetworkSettings
from flow.attacks import ATTACKS
from flow.config import NetworkConfig, TrainingConfig
from flow.errors import FlowError
from flow.objectives import OBJECTIVES
from flow.run.configuration import RunConfig
from flow.training.configured import objective_of
from steelflow_names import hint

__all__ = ["check_names"]


def check_names(config: RunConfig, where: str) -> None:
    """Refuse a name or a value that would stop the run only when it is used.

    Raises:
        FlowError: beginning with `where`, with the nearest name there is.
    """
    try:
        _check_network(config.network)
        _check_training(config.training)
        for name in config.attack.attacks:
            _check_known("attack.attacks", name, ATTACKS)
    except (FlowError, ModelError) as error:
        raise FlowError(f"{where}: {error}") from error


def _check_network(config: NetworkConfig) -> None:
    layers = {name: Precision(**bits.model_dump()) for name, bits in config.bits.items()}
    default = Precision(weight_bits=config.weight_bits, activation_bits=config.activation_bits)
    if config.architecture is None:
        shape = config.model_dump(include={"channels", "strides", "weight_bits", "activation_bits"})
        NetworkSettings(input_shape=(8, 8, 1), classes=2, layers=layers, **shape)
        return
    known = architectures.layer_names(config.architecture)
    BitTable(default=default, layers=layers).check(config.architecture, known)


def _check_training(config: TrainingConfig) -> None:
    _check_known("training.objective", config.objective, OBJECTIVES)
    for name in config.penalties or {}:
        _check_known("training.penalties", name, control_names())
    try:
        objective_of(config)
    except TypeError as error:
        raise FlowError(
            f"training.options: {config.options} cannot be used ({error}); give numbers"
        ) from error
    if config.devices > 1:
        raise FlowError(
            f"training.devices: {config.devices} is more than the 1 that a run trains on; its "
            "processes would each start the run: call flow.training.trainer.train from a "
            "program of its own"
        )


def _check_known(key: str, name: str, known: Iterable[str]) -> None:
    names = [*known]
    if name not in names:
        raise FlowError(f"{key}: {name!r} is unknown{hint(name, names)}")

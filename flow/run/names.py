# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The names in a configuration that other packages know: architectures, objectives, parts..."""

from collections.abc import Iterable

from brevitas_models.architectures import check
from brevitas_models.errors import ModelError
from brevitas_models.lipschitz import control_names
from flow.attacks import ATTACKS, build_attack, build_goal
from flow.config import AttackConfig, TrainingConfig
from flow.data.datasets import SOURCES
from flow.errors import FlowError
from flow.objectives import OBJECTIVES
from flow.run.configuration import RunConfig
from flow.training.configured import network_settings, objective_of
from hw.errors import HardwareError
from hw.parts import find_part
from steelflow_names import hint

__all__ = ["check_names"]

_ANY_IMAGE = (8, 8, 1)  # the names do not depend on it


def check_names(config: RunConfig, where: str) -> None:
    """Refuse a name or a value that would stop the run only when it is used.

    Raises:
        FlowError: beginning with `where`, with the nearest name there is.
    """
    try:
        check(network_settings(config.network, input_shape=_ANY_IMAGE, classes=2))
        _check_training(config.training)
        _check_known("data.source", config.data.source, SOURCES)
        for name in config.attack.attacks:
            _check_known("attack.attacks", name, ATTACKS)
        _check_goal(config.attack)
        find_part(config.compile.part)
    except (FlowError, HardwareError, ModelError) as error:
        raise FlowError(f"{where}: {error}") from error


def _check_goal(config: AttackConfig) -> None:
    goal = build_goal(config.goal, target=config.target, top_k=config.top_k)
    for name in config.attacks:
        build_attack(name, steps=1, restarts=1, goal=goal)


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

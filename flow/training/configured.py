# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The training that a recipe asks for, of a configuration or of the zoo: network and objective.

A configuration's is by default adversarial quantization-aware training with PGD (Madry et al. 2018)
and the penalty of Defensive Quantization (Lin, Gan and Han 2019).
"""

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from brevitas_models.architectures import build, convnet_settings
from brevitas_models.bits import Precision
from brevitas_models.classifier import QuantClassifier
from brevitas_models.exact import make_exact
from brevitas_models.settings import ArchitectureSettings
from flow.config import NetworkConfig, Recipe, TrainingConfig
from flow.data.datasets import Dataset
from flow.errors import SettingError
from flow.objectives import Objective, build_objective
from flow.threads import one_thread
from flow.training.freezing import freeze_of
from flow.training.named_controls import controls_of
from flow.training.trainer import EpochReport, train

__all__ = ["Trained", "network_settings", "objective_of", "plain_config", "train_network"]


@dataclass(frozen=True)
class Trained:
    """A network in eval mode and exact form, the report of each epoch, seconds of training."""

    network: QuantClassifier
    history: tuple[EpochReport, ...] = ()  # none where the network was loaded
    seconds: float = 0.0


def network_settings(
    config: NetworkConfig, *, input_shape: tuple[int, int, int], classes: int
) -> ArchitectureSettings:
    """Return the architecture that `config` asks for on images of (H, W, C)."""
    sizes: dict[str, Any] = {"input_shape": input_shape, "classes": classes}
    default = config.model_dump(include={"weight_bits", "activation_bits"})
    layers = {name: bits.model_dump() for name, bits in config.bits.items()}
    if config.architecture is None:
        bits = {name: Precision(**values) for name, values in layers.items()}
        return convnet_settings(
            **sizes,
            **default,
            channels=config.channels,
            strides=config.strides,
            layers=bits,
            cells=config.cells,
        )
    named = config.model_dump(include={field.name for field in fields(ArchitectureSettings)})
    bits_of_all = {"bits": {"default": default, "layers": layers}}
    return ArchitectureSettings.from_mapping(named | bits_of_all | sizes)


def plain_config(config: TrainingConfig) -> TrainingConfig:
    """Return the same training without attack and without penalty, for comparison."""
    held_out = config.held_out.model_copy(update={"epsilon_255": None})
    changes = {"epsilon_255": 0, "dq_beta": 0.0, "penalties": None, "held_out": held_out}
    return config.model_copy(update=changes | {"objective": "standard", "options": {}})


def objective_of(recipe: Recipe) -> Objective:
    """Return what is minimised; PGD of strength 0 is standard training.

    Raises:
        FlowError: the objective or an option is unknown or out of range, or its teacher is missing.
    """
    if recipe.objective == "pgd" and recipe.epsilon_255 == 0:
        return build_objective("standard")
    objective = build_objective(recipe.objective, recipe.objective_options)
    if objective.has_teacher and not recipe.float_epochs:
        raise SettingError(
            f"training.float_epochs: 0, but objective {recipe.objective} learns from the network "
            "of the float epochs; give some",
            "float_epochs",
        )
    return objective


def train_network(
    dataset: Dataset,
    settings: ArchitectureSettings,
    recipe: Recipe,
    *,
    seed: int,
    start: Callable[[QuantClassifier], None] | None = None,
    fold: bool = True,
    state_file: Path | None = None,
    log_folder: Path | None = None,
    report: Callable[[EpochReport], None] | None = None,
) -> Trained:
    """Train a network and put it into the form in which float rounding decides nothing.

    That is brevitas_models.exact. On the CPU the result's bits depend on the arguments and the
    processor alone. For `state_file`, `log_folder` and `report` see flow.training.trainer.train.

    Args:
        dataset: only its training images are used.
        settings: of the network.
        recipe: of the training.
        seed: of the first weights and of all else that is random.
        start: changes the first weights in place.
        fold: attack the network's fold, where it has one; it computes in float32.
        state_file: see above.
        log_folder: see above.
        report: see above.

    Raises:
        ModelError: the architecture does not fit the images, a control does not fit the weights,
            or the state file is corrupt or cannot be written.
        FlowError: see flow.training.trainer.train.
    """
    network = build(settings, seed)
    if start is not None:
        start(network)
    result = train(
        network,
        dataset,
        objective_of(recipe),
        recipe,
        seed=seed,
        controls=controls_of(network, recipe.strengths),
        freeze=freeze_of(network) if fold else None,
        state_file=state_file,
        log_folder=log_folder,
        report=report,
    )
    with one_thread():
        make_exact(network)
    return Trained(network, result.history, result.seconds)

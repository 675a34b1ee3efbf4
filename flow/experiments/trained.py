# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A network of an experiment, from its parameters to the integers that run."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from torch import Tensor

from brevitas_models.classifier import QuantClassifier
from brevitas_models.exact import make_exact
from flow.export.deployment import lowered
from flow.integer import IntegerNetwork
from flow.integer.native import NativeNetwork
from flow.training.trainer import TrainingResult

__all__ = ["Trained", "Training", "digest_of", "finished", "take_over"]


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A network of an experiment.

    Attributes:
        label: of the rows and messages.
        network: in exact form, in eval mode.
        state: its parameters before that, for further training.
        result: of its training; None where no step was taken.
    """

    label: str
    network: QuantClassifier
    state: Mapping[str, Tensor]
    result: TrainingResult | None

    @cached_property
    def integer(self) -> IntegerNetwork:
        """The network that runs in hardware, by way of its QONNX file."""
        return lowered(self.network)

    @cached_property
    def engine(self) -> NativeNetwork:
        """The same, fast."""
        return NativeNetwork(self.integer)


@dataclass(frozen=True, kw_only=True)
class Training:
    """How a network is trained; what is left out is the experiment's scale.

    Attributes:
        objective: its name in flow.objectives.
        options: of the objective.
        epsilon_255: of the training attack.
        penalties: name of a Lipschitz control to its strength.
        initial: a network of the same layers whose parameters training starts from.
    """

    objective: str = "standard"
    options: Mapping[str, Any] = field(default_factory=dict)
    epsilon_255: float = 0.0
    penalties: Mapping[str, float] = field(default_factory=dict)
    epochs: int | None = None
    float_epochs: int = 0
    learning_rate: float = 2e-3
    batch: int = 100
    initial: Trained | None = None
    seed: int | None = None


def finished(label: str, network: QuantClassifier, result: TrainingResult | None) -> Trained:
    """Bring a network into the form that runs; its state before that is kept."""
    state = {name: value.detach().clone() for name, value in network.state_dict().items()}
    make_exact(network)
    return Trained(label=label, network=network, state=state, result=result)


def take_over(network: QuantClassifier, state: Mapping[str, Tensor]) -> None:
    """Copy every parameter and statistic that both networks have in the same shape."""
    own = network.state_dict()
    fitting = {k: v for k, v in state.items() if k in own and own[k].shape == v.shape}
    network.load_state_dict({**own, **fitting})


def digest_of(state: Mapping[str, Tensor]) -> str:
    """Return a name of exactly these values."""
    digest = hashlib.sha256()
    for name, value in state.items():
        digest.update(name.encode() + value.cpu().numpy().tobytes())
    return digest.hexdigest()

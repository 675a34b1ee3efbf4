# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The Lipschitz controls of a training."""

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor, nn

from brevitas_models.lipschitz import LipschitzControl

__all__ = ["Controls"]


class Controls:
    """Controls by name.

    Attributes:
        penalties: of those that have one.
    """

    def __init__(self, controls: Mapping[str, LipschitzControl]) -> None:
        self._controls = dict(controls)
        self.penalties: dict[str, Callable[[nn.Module], Tensor]] = {
            name: control.penalty for name, control in controls.items() if _has_penalty(control)
        }

    def project(self, network: nn.Module) -> None:
        """Let each change the weights after a step of the optimiser."""
        for control in self._controls.values():
            control.project(network)

    def describe(self) -> str:
        """Return names and strengths, to tell trainings apart; "" where there are no controls."""
        return " ".join(f"{name}={_numbers(one)}" for name, one in self._controls.items())

    def state_dict(self) -> dict[str, Any]:
        """Return what the next projections depend on."""
        return {name: control.state_dict() for name, control in self._controls.items()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what state_dict returned."""
        for name, control in self._controls.items():
            control.load_state_dict(state[name])


def _has_penalty(control: LipschitzControl) -> bool:
    return type(control).penalty is not LipschitzControl.penalty


def _numbers(control: LipschitzControl) -> dict[str, float]:
    return {key: value for key, value in vars(control).items() if isinstance(value, (int, float))}

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The Lipschitz controls by name; adding one is a file and a line here."""

from collections.abc import Callable

from torch import nn

from brevitas_models.errors import ModelError
from brevitas_models.lipschitz.control import LipschitzControl
from brevitas_models.lipschitz.defensive import DefensiveQuantization
from brevitas_models.lipschitz.parseval import ParsevalTightness
from brevitas_models.lipschitz.spectral import SpectralNormalization
from steelflow_names import hint

__all__ = ["control_names", "make_control"]

_Make = Callable[[nn.Module, tuple[int, ...], float], LipschitzControl]


def _dq(_model: nn.Module, _shape: tuple[int, ...], beta: float) -> LipschitzControl:
    return DefensiveQuantization(beta)


def _dq_folded(_model: nn.Module, _shape: tuple[int, ...], beta: float) -> LipschitzControl:
    return DefensiveQuantization(beta, folded=True)


def _parseval(_model: nn.Module, _shape: tuple[int, ...], beta: float) -> LipschitzControl:
    return ParsevalTightness(beta)


def _spectral(model: nn.Module, shape: tuple[int, ...], target: float) -> LipschitzControl:
    return SpectralNormalization(model, shape, target=target)


def _none(_model: nn.Module, _shape: tuple[int, ...], _strength: float) -> LipschitzControl:
    return LipschitzControl()


_CONTROLS: dict[str, tuple[_Make, float]] = {
    "none": (_none, 0.0),
    "dq": (_dq, 1e-3),
    "dq_folded": (_dq_folded, 1e-3),
    "parseval": (_parseval, 3e-4),
    "spectral": (_spectral, 1.0),
}


def control_names() -> tuple[str, ...]:
    """Return the name of every control."""
    return tuple(_CONTROLS)


def make_control(
    name: str, model: nn.Module, shape: tuple[int, ...], strength: float | None = None
) -> LipschitzControl:
    """Return a control for a model.

    Args:
        name: one of control_names.
        model: to be controlled.
        shape: of one input, (C, H, W).
        strength: target of spectral, beta of the others; by default the control's own.

    Raises:
        ModelError: there is no such control, or the strength is out of its range.
    """
    if name not in _CONTROLS:
        raise ModelError(f"lipschitz: there is no control {name!r}{hint(name, _CONTROLS)}")
    make, usual = _CONTROLS[name]
    return make(model, shape, usual if strength is None else strength)

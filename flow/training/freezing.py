# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Which fold of a network training attacks."""

from collections.abc import Callable
from typing import Any

from brevitas_models.classifier import QuantClassifier
from brevitas_models.errors import ModelError
from brevitas_models.frozen import freeze
from flow.objectives.base import Logits

__all__ = ["freeze_of"]


def freeze_of(network: QuantClassifier) -> Callable[[Any], Logits] | None:
    """Return what trainer.train takes as `freeze`; None where the network has no fold."""
    try:
        freeze(network)
    except ModelError:
        return None
    return freeze

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Which fold of a network training attacks."""

from collections.abc import Callable
from typing import Any

from brevitas_models.classifier import QuantClassifier
from brevitas_models.errors import ModelError
from brevitas_models.frozen import freeze
from brevitas_models.frozen_classifier import freeze_classifier
from brevitas_models.network import QuantConvNet
from flow.objectives.base import Logits

__all__ = ["freeze_of"]


def freeze_of(network: QuantConvNet | QuantClassifier) -> Callable[[Any], Logits] | None:
    """Return what trainer.train takes as `freeze`; None where the network has no fold."""
    if isinstance(network, QuantConvNet):
        return freeze
    try:
        freeze_classifier(network)
    except ModelError:
        return None
    return freeze_classifier

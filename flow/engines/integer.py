# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The integer network as an engine."""

from flow.classifier import Images, Logits
from flow.engines.base import Trace
from flow.integer import IntegerNetwork, Threshold

__all__ = ["IntegerEngine"]


class IntegerEngine:
    """The integer network, which defines the result."""

    name = "integer"

    def __init__(self, network: IntegerNetwork) -> None:
        self.network = network
        self.input_shape, self.classes = network.input_shape, network.classes

    def logits(self, images: Images) -> Logits:
        """Return int32[N, K]; see Classifier."""
        return self.network.logits(images)

    def trace(self, image: Images) -> Trace:
        """See Engine."""
        *inner, logits = self.network.activations(image)
        thresholds = {op.name for op in self.network.operations if isinstance(op, Threshold)}
        return [*(entry for entry in inner if entry[0] in thresholds), logits]

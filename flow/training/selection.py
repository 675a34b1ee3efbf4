# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The best epoch by the held-out images, and when to stop."""

from typing import Any

from torch import nn

from flow.storage.network_state import capture
from flow.training.held_out import Measured

__all__ = ["Selection"]


class Selection:
    """Keeps the network of the best measurement; of equal ones the first.

    Attributes:
        epoch: of the best, 1 .. epochs; 0 before the first measurement.
        network: its state (flow.storage.network_state), None before the first.
        stale: measurements since the best.
    """

    def __init__(self) -> None:
        self.epoch, self.stale = 0, 0
        self.network: dict[str, Any] | None = None
        self._best = Measured(robust=-1.0, clean=-1.0)

    def see(self, found: Measured, epoch: int, network: nn.Module) -> None:
        """Take in the measurement of the network after an epoch."""
        if found <= self._best:
            self.stale += 1
            return
        self._best, self.epoch, self.stale = found, epoch, 0
        self.network = capture(network)

    def state_dict(self) -> dict[str, Any]:
        """Return all of it."""
        return {
            "epoch": self.epoch,
            "stale": self.stale,
            "network": self.network,
            "robust": self._best.robust,
            "clean": self._best.clean,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what state_dict returned."""
        self.epoch, self.stale, self.network = state["epoch"], state["stale"], state["network"]
        self._best = Measured(robust=state["robust"], clean=state["clean"])

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The best epoch by the held-out images, and when to stop."""

from dataclasses import asdict
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
        self._best: Measured | None = None

    def see(self, found: Measured, epoch: int, network: nn.Module) -> None:
        """Take in the measurement of the network after an epoch."""
        if self._best is not None and found <= self._best:
            self.stale += 1
            return
        self._best, self.epoch, self.stale = found, epoch, 0
        self.network = capture(network)

    def state_dict(self) -> dict[str, Any]:
        """Return all of it."""
        best = {"robust": None, "clean": None} if self._best is None else asdict(self._best)
        return {"epoch": self.epoch, "stale": self.stale, "network": self.network, **best}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what state_dict returned."""
        self.epoch, self.stale, self.network = state["epoch"], state["stale"], state["network"]
        best = {key: state[key] for key in ("robust", "clean")}
        self._best = None if best["robust"] is None else Measured(**best)

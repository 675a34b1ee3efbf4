# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What a training tells about each epoch and about its end."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from torch import nn

from flow.training.held_out import Measured

__all__ = ["EpochReport", "ScalarLog", "TrainingResult"]


@dataclass(frozen=True, kw_only=True)
class EpochReport:
    """One finished epoch; means over its minibatches, as the network was while it learned."""

    epoch: int  # 1 .. epochs
    epochs: int
    phase: str  # float or quantized
    loss: float  # with penalties
    accuracy: float  # on the attacked training images
    epsilon_255: float  # reached at its end
    learning_rate: float  # of its last step
    seconds: float  # of training so far
    clean: float | None = None  # on the held-out images, where they were measured
    robust: float | None = None
    penalties: Mapping[str, float] = field(default_factory=dict)

    def scalars(self) -> dict[str, float]:
        """Return every number by its name in TensorBoard."""
        found: dict[str, float | None] = {
            "training/loss": self.loss,
            "training/accuracy": self.accuracy,
            "training/epsilon_255": self.epsilon_255,
            "training/learning_rate": self.learning_rate,
            "training/seconds": self.seconds,
            "held_out/clean": self.clean,
            "held_out/robust": self.robust,
        }
        found |= {f"penalty/{name}": value for name, value in self.penalties.items()}
        return {name: value for name, value in found.items() if value is not None}


@dataclass(frozen=True)
class TrainingResult:
    """A finished training.

    Attributes:
        network: the one that was given, in eval mode on the CPU, with the best epoch's weights,
            or the last's where nothing was held out; averaged ones where there is an average.
        history: a report of each epoch.
        best_epoch: 1 .. epochs, the one whose weights these are.
        held_out: accuracies of exactly this network, after the BatchNorm calibration.
        stopped_early: whether patience ended the training.
        seconds: of training, all runs together.
    """

    network: nn.Module
    history: tuple[EpochReport, ...]
    best_epoch: int
    held_out: Measured | None
    stopped_early: bool
    seconds: float


class ScalarLog:
    """TensorBoard's event files in a folder; nothing without one.

    Args:
        folder: made when it is not there.
        epochs_done: what an interrupted run has written beyond them is hidden.
    """

    def __init__(self, folder: Path | None, epochs_done: int) -> None:
        self._writer = None
        if folder is not None:
            from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415 - slow to import

            self._writer = SummaryWriter(str(folder), purge_step=epochs_done + 1)

    def write(self, report: EpochReport) -> None:
        """Add an epoch."""
        if self._writer is not None:
            for name, value in report.scalars().items():
                self._writer.add_scalar(name, value, report.epoch)
            self._writer.flush()

    def close(self) -> None:
        """Close the files."""
        if self._writer is not None:
            self._writer.close()

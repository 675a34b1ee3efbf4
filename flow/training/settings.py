# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What a training may be told."""

from dataclasses import dataclass
from typing import Literal, get_args

from flow.errors import FlowError

__all__ = ["HeldOut", "Machine", "Schedule", "TrainerSettings"]

Accelerator = Literal["cpu", "cuda"]
OptimiserName = Literal["adamw", "sgd"]
Precision = Literal["32-true", "bf16-mixed", "16-mixed"]


def _require(key: str, value: object, holds: bool, rule: str) -> None:
    if not holds:
        raise FlowError(f"trainer: {key} {value} is not {rule}; change it")


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Epochs, learning rates and the attack's strength.

    Attributes:
        epochs: quantization-aware epochs.
        learning_rate: their peak; each phase rises linearly and falls as a cosine to 0.
        float_epochs: epochs before them with Brevitas' quantizers off.
        float_learning_rate: the peak of that phase; the other's when None.
        warmup: share of a phase over which the learning rate rises.
        epsilon_255: strength of the training attack in uint8 units.
        epsilon_warmup_epochs: over which it grows linearly from 0, from the first epoch on.
    """

    epochs: int
    learning_rate: float
    float_epochs: int = 0
    float_learning_rate: float | None = None
    warmup: float = 0.15
    epsilon_255: float = 0.0
    epsilon_warmup_epochs: float = 0.0

    def __post_init__(self) -> None:
        _require("epochs", self.epochs, self.epochs >= 1, "at least 1")
        _require("float_epochs", self.float_epochs, self.float_epochs >= 0, "at least 0")
        for key in ("learning_rate", "float_learning_rate"):
            rate = getattr(self, key)
            _require(key, rate, rate is None or rate > 0, "above 0")
        _require("warmup", self.warmup, 0 <= self.warmup < 1, "at least 0 and below 1")
        _require("epsilon_255", self.epsilon_255, 0 <= self.epsilon_255 <= 255, "within 0..255")
        length = self.epsilon_warmup_epochs
        _require("epsilon_warmup_epochs", length, length >= 0, "at least 0")


@dataclass(frozen=True, kw_only=True)
class HeldOut:
    """The slice of the training images that is not trained on, and what is measured on it.

    Attributes:
        images: how many; 0 measures nothing and keeps the last weights.
        every: epochs between measurements; the last epoch is measured too.
        steps: of the PGD that measures, each of 2.5 epsilons / steps.
        restarts: an image is robust when it withstands them all.
        epsilon_255: of that attack; the training's when None. Its fraction is cut off.
        patience: training stops after so many measurements without a better one; None: never.
    """

    images: int = 0
    every: int = 1
    steps: int = 10
    restarts: int = 1
    epsilon_255: float | None = None
    patience: int | None = None

    def __post_init__(self) -> None:
        _require("held_out.images", self.images, self.images >= 0, "at least 0")
        for key in ("every", "steps", "restarts", "patience"):
            value = getattr(self, key)
            _require(f"held_out.{key}", value, value is None or value >= 1, "at least 1")
        value = self.epsilon_255
        _require("held_out.epsilon_255", value, value is None or 0 <= value <= 255, "within 0..255")
        needed = self.patience is None or self.images > 0
        _require("held_out.images", self.images, needed, "above 0, which patience needs")


@dataclass(frozen=True, kw_only=True)
class Machine:
    """Where and in which precision to compute; Lightning Fabric's names.

    On the CPU one thread is used, which makes the bits independent of the number of cores.
    `channels_last` keeps images and convolutions in that memory format, which in bf16-mixed on a
    CPU saves a tenth of ResNet-8's step and a sixth of MobileNet's; rounding may differ.
    """

    accelerator: Accelerator = "cpu"
    devices: int = 1
    precision: Precision = "32-true"
    channels_last: bool = False

    def __post_init__(self) -> None:
        for key, kind in (("accelerator", Accelerator), ("precision", Precision)):
            value, known = getattr(self, key), get_args(kind)
            _require(f"machine.{key}", value, value in known, f"one of {', '.join(known)}")
        half = self.precision == "16-mixed" and self.accelerator == "cpu"
        _require("machine.precision", self.precision, not half, "for the cpu, bf16-mixed is")
        _require("machine.devices", self.devices, self.devices >= 1, "at least 1")


@dataclass(frozen=True, kw_only=True)
class TrainerSettings:
    """One training.

    Attributes:
        schedule: epochs, learning rates, epsilon.
        batch: images of a minibatch, over all devices; fewer where the set is smaller.
        optimiser: adamw, or sgd with a Nesterov momentum of 0.9.
        weight_decay: of the weights; never of BatchNorms, scales, thresholds and biases.
        ema_decay: of the moving average of the weights, which is then what is measured and
            returned; None: no average.
        calibration_batches: minibatches from which the BatchNorm statistics are taken anew at
            the end; 0 keeps those of training.
        shift: pixels that training images move at most.
        flip: whether they are mirrored.
        seed: of everything random but the network's first weights.
        held_out: early stopping and the choice of the best epoch.
        machine: devices and precision.
    """

    schedule: Schedule
    batch: int = 128
    optimiser: OptimiserName = "adamw"
    weight_decay: float = 0.0
    ema_decay: float | None = None
    calibration_batches: int = 0
    shift: int = 0
    flip: bool = False
    seed: int = 0
    held_out: HeldOut = HeldOut()
    machine: Machine = Machine()

    def __post_init__(self) -> None:
        _require("batch", self.batch, self.batch >= 2 * self.machine.devices, "2 a device or more")
        known = get_args(OptimiserName)
        _require("optimiser", self.optimiser, self.optimiser in known, f"one of {', '.join(known)}")
        _require("weight_decay", self.weight_decay, self.weight_decay >= 0, "at least 0")
        decay = self.ema_decay
        _require("ema_decay", decay, decay is None or 0 < decay < 1, "above 0 and below 1")
        for key in ("calibration_batches", "shift", "seed"):
            _require(key, getattr(self, key), getattr(self, key) >= 0, "at least 0")

    @property
    def epochs(self) -> int:
        """Of both phases."""
        return self.schedule.float_epochs + self.schedule.epochs

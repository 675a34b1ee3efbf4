# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The training of a network: one object for configurations, the zoo's networks and the trainer.

Schedule, Machine and HeldOut are what single parts of the trainer read; TrainerSettings is all that
flow.training.trainer reads; Recipe also names what is minimised; TrainingConfig is the recipe of a
configuration, with its defaults and its short keys.
"""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from flow.config.section import Epsilon, Positive, Section, unless_given

__all__ = ["HeldOut", "Machine", "Recipe", "Schedule", "TrainerSettings", "TrainingConfig"]

_Count = Annotated[int, Field(ge=0)]
_Rate = Annotated[float, Field(gt=0, le=1)]
_Epochs = Annotated[int | float, Field(ge=0)]
_Strength = Annotated[int | float, Field(ge=0, le=255)]
_Batch = Annotated[int, Field(ge=2)]
_NotNegative = Annotated[float, Field(ge=0)]


class Schedule(Section):
    """Epochs, learning rates and the strength of the training attack."""

    epochs: Positive  # quantization-aware ones
    learning_rate: _Rate  # the peak; each phase rises linearly and falls as a cosine to 0
    float_epochs: _Count = 0  # before the others, without quantizers
    float_learning_rate: _Rate | None = unless_given(None)  # of theirs; the others' if null
    # share of a phase over which the learning rate rises
    learning_rate_warmup: Annotated[float, Field(ge=0, lt=1)] = unless_given(0.15)
    epsilon_255: _Strength = 0  # of the training attack, in uint8 units
    # epsilon grows linearly from 0 over these, from the first epoch on
    warmup_epochs: _Epochs = 0


class Machine(Section):
    """Where and in which precision to compute; Lightning Fabric's names.

    On the CPU one thread is used, which makes the bits independent of the number of cores.
    `channels_last` keeps images and convolutions in that memory format, which in bf16-mixed on a
    CPU saves a tenth of ResNet-8's step and a sixth of MobileNet's; rounding may differ.
    """

    accelerator: Literal["cpu", "cuda"] = "cpu"
    devices: Positive = 1
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = "32-true"
    channels_last: bool = unless_given(False)

    @model_validator(mode="after")
    def _half_precision_of_the_cpu(self) -> "Machine":
        if self.precision == "16-mixed" and self.accelerator == "cpu":
            raise ValueError("precision 16-mixed is not for the cpu; choose bf16-mixed")
        return self


class HeldOut(Section):
    """Training images that are not trained on: the best epoch on them is kept."""

    images: _Count = 0  # 0 measures nothing and keeps the last epoch
    every: Positive = 1  # epochs between two measurements; the last epoch is measured too
    steps: Positive = 10  # of the PGD that measures, each of 2.5 epsilons / steps
    restarts: Positive = 1  # an image is robust when it withstands them all
    epsilon_255: Epsilon | None = None  # of it; that of the training when absent
    patience: Positive | None = None  # measurements without a better one that end the training

    @model_validator(mode="after")
    def _patience_has_images(self) -> "HeldOut":
        if self.patience is not None and not self.images:
            raise ValueError(f"patience {self.patience} needs held-out images; give images")
        return self


class TrainerSettings(Schedule, Machine):
    """All that decides a training but its seed, its objective and its penalties."""

    # of a minibatch, over all devices; fewer where the set is smaller; BatchNorm needs two images
    batch_size: _Batch = 128
    # of the weights; never of BatchNorms, scales, thresholds and biases
    weight_decay: _NotNegative = 0.0
    optimiser: Literal["adamw", "sgd"] = "adamw"  # sgd has a Nesterov momentum of 0.9
    # of the moving average of the weights, which is then measured and kept; no average when absent
    ema_decay: Annotated[float, Field(gt=0, lt=1)] | None = None
    # minibatches that BatchNorm's statistics are taken from anew at the end; 0 keeps the training's
    calibration_batches: _Count = 0
    shift: _Count = 0  # pixels that training images move at most
    flip: bool = False  # whether they are mirrored
    held_out: HeldOut = HeldOut()

    @property
    def all_epochs(self) -> int:
        """Epochs of both phases."""
        return self.float_epochs + self.epochs

    @model_validator(mode="after")
    def _two_images_a_device(self) -> "TrainerSettings":
        if self.batch_size < 2 * self.devices:
            raise ValueError(
                f"batch_size {self.batch_size} is less than 2 for each of {self.devices} devices; "
                "raise it"
            )
        return self


class Recipe(TrainerSettings):
    """What is minimised, and how; the names are checked where they are known."""

    objective: str = "standard"  # of flow.objectives
    # of the objective, where they are not its paper's
    options: dict[str, Any] = Field(default_factory=dict)
    penalties: dict[str, _NotNegative] | None = None  # dq, parseval, spectral, ...

    @property
    def objective_options(self) -> dict[str, Any]:
        """Options of the objective."""
        return dict(self.options)

    @property
    def strengths(self) -> dict[str, float]:
        """Name of a Lipschitz control to its strength."""
        return dict(self.penalties or {})


class TrainingConfig(Recipe):
    """Adversarial quantization-aware training (PGD, Madry et al. 2018) with the DQ penalty.

    `objective` and `penalties` choose others; what they are called is checked on loading.
    """

    epochs: Positive = 40
    learning_rate: _Rate = 0.002
    epsilon_255: _Strength = 32
    warmup_epochs: _Epochs = 5
    batch_size: _Batch = 64
    weight_decay: _NotNegative = 0.0001
    objective: str = "pgd"
    pgd_steps: Positive = 7  # of objective pgd
    pgd_step_255: Annotated[float, Field(gt=0)] = 8.0  # at full epsilon; of objective pgd
    dq_beta: _NotNegative = 0.001  # Defensive Quantization's beta, where there are no penalties
    plain: bool = True  # train the same without attack and penalty too, for comparison
    # files to load instead of training; saved by this version for the same network
    checkpoints: dict[Literal["robust", "plain"], str] = Field(default_factory=dict)

    @property
    def objective_options(self) -> dict[str, Any]:
        """Options of the objective; those of pgd have keys of their own."""
        if self.objective != "pgd" or not self.epsilon_255:
            return super().objective_options
        step = self.pgd_step_255 / self.epsilon_255
        return {"steps": self.pgd_steps, "relative_step": step} | self.options

    @property
    def strengths(self) -> dict[str, float]:
        """Name of a Lipschitz control to its strength."""
        if self.penalties is None and self.dq_beta > 0:
            return {"dq": self.dq_beta}
        return super().strengths

    @model_validator(mode="after")
    def _said_once(self) -> "TrainingConfig":
        given = self.model_fields_set
        for key, option in (("pgd_steps", "steps"), ("pgd_step_255", "relative_step")):
            if key in given and (self.objective != "pgd" or option in self.options):
                raise ValueError(
                    f"{key} is for objective: pgd without options.{option}, and this is "
                    f"{self.objective} with options {self.options}; remove one of them"
                )
        if {"dq_beta", "penalties"} <= given:
            raise ValueError("dq_beta is given beside penalties; write it as penalties: {dq: ...}")
        return self

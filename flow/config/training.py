# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The training of a run."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from flow.config.section import Epsilon, Positive, Section

__all__ = ["HeldOutConfig", "TrainingConfig"]


class HeldOutConfig(Section):
    """Training images that are not trained on: the best epoch on them is kept."""

    images: Annotated[int, Field(ge=0)] = 0  # 0 keeps the last epoch
    every: Positive = 1  # epochs between two measurements
    steps: Positive = 10  # of the PGD that measures
    restarts: Positive = 1
    epsilon_255: Epsilon | None = None  # of it; that of the training when absent
    patience: Positive | None = None  # measurements without a better one that end the training


class TrainingConfig(Section):
    """Adversarial quantization-aware training (PGD, Madry et al. 2018) with the DQ penalty.

    `objective` and `penalties` choose others; what they are called is checked on loading.
    """

    epochs: Positive = 40
    batch_size: Annotated[int, Field(ge=2)] = 64  # BatchNorm needs two images
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.002
    weight_decay: Annotated[float, Field(ge=0)] = 0.0001
    epsilon_255: Epsilon = 32  # strength of the training attack, in uint8 units
    warmup_epochs: Annotated[int, Field(ge=0)] = 5  # epsilon grows linearly from 0 over these
    objective: str = "pgd"  # of flow.objectives
    # of the objective, where they are not its paper's
    options: dict[str, Any] = Field(default_factory=dict)
    pgd_steps: Positive = 7  # of objective pgd
    pgd_step_255: Annotated[float, Field(gt=0)] = 8.0  # at full epsilon; of objective pgd
    dq_beta: Annotated[float, Field(ge=0)] = 0.001  # Defensive Quantization's beta
    penalties: dict[str, Annotated[float, Field(ge=0)]] | None = None  # dq, parseval, spectral, ...
    float_epochs: Annotated[int, Field(ge=0)] = 0  # before the others, without quantizers
    optimiser: Literal["adamw", "sgd"] = "adamw"
    ema_decay: Annotated[float, Field(gt=0, lt=1)] | None = None  # of averaged weights
    calibration_batches: Annotated[int, Field(ge=0)] = 0  # of BatchNorm's statistics, at the end
    shift: Annotated[int, Field(ge=0)] = 0  # pixels that training images move at most
    flip: bool = False  # whether they are mirrored
    held_out: HeldOutConfig = HeldOutConfig()
    accelerator: Literal["cpu", "cuda"] = "cpu"
    devices: Positive = 1
    precision: Literal["32-true", "bf16-mixed", "16-mixed"] = "32-true"
    plain: bool = True  # train the same without attack and penalty too, for comparison
    # files to load instead of training; saved by this version for the same network
    checkpoints: dict[Literal["robust", "plain"], str] = Field(default_factory=dict)

    @property
    def strengths(self) -> dict[str, float]:
        """Name of a Lipschitz control to its strength."""
        if self.penalties is not None:
            return dict(self.penalties)
        return {"dq": self.dq_beta} if self.dq_beta > 0 else {}

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

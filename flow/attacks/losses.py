# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What attacks climb: functions of the logits that are larger the closer an image is to failing."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from flow.errors import FlowError

__all__ = [
    "CrossEntropy",
    "DifferenceOfLogitsRatio",
    "Loss",
    "RivalCrossEntropy",
    "TargetedLogitsRatio",
    "label_margins",
    "need_classes",
]

_LEAST_SPREAD = 1.0  # of integer logits that differ


class Loss(ABC):
    """Of a batch; per-image settings are tensors that rows select from."""

    @abstractmethod
    def __call__(self, logits: Tensor, labels: Tensor, rows: Tensor) -> Tensor:
        """Return [n] of integer-valued logits float[n, K], labels int64[n] and rows int64[n]."""


@dataclass(frozen=True)
class CrossEntropy(Loss):
    """Of the logits times a temperature, in the logits' own float."""

    temperature: float

    def __call__(self, logits: Tensor, labels: Tensor, rows: Tensor) -> Tensor:  # noqa: ARG002
        """See Loss."""
        return functional.cross_entropy(logits * self.temperature, labels, reduction="none")


@dataclass(frozen=True)
class RivalCrossEntropy(Loss):
    """log sum over rivals of exp(z_j) minus z_label, z the logits times a temperature, in float64.

    The cross-entropy is softplus of this. It therefore ranks images alike, and its gradient is
    1 - p_label times this one's: the same sign, but where the network is sure, p_label rounds to
    1 and the cross-entropy's gradient to 0, while this one's never vanishes.

    Attributes:
        temperatures: float64[N], or [1] for all images; of the integer logits.
    """

    temperatures: Tensor

    def __call__(self, logits: Tensor, labels: Tensor, rows: Tensor) -> Tensor:
        """See Loss."""
        chosen = self.temperatures if len(self.temperatures) == 1 else self.temperatures[rows]
        scores = logits.double() * chosen[:, None]
        own = scores.gather(1, labels[:, None])
        rivals = scores.scatter(1, labels[:, None], -torch.inf)
        return rivals.logsumexp(1) - own[:, 0]


class DifferenceOfLogitsRatio(Loss):
    """-(z_label - largest other) / (z_first - z_third) (Croce and Hein 2020, eq. 6).

    Invariant to the logits' scale. Where the first and the third are equal, which integers often
    are, the spread counts as 1 instead of the paper's 1e-12.
    """

    def __call__(self, logits: Tensor, labels: Tensor, rows: Tensor) -> Tensor:  # noqa: ARG002
        """See Loss."""
        ordered = logits.sort(dim=1, descending=True).values
        spread = (ordered[:, 0] - ordered[:, 2]).clamp(min=_LEAST_SPREAD)
        return -label_margins(logits, labels) / spread


@dataclass(frozen=True)
class TargetedLogitsRatio(Loss):
    """-(z_label - z_target) / (z_first - (z_third + z_fourth) / 2) (Croce and Hein 2020, eq. 7).

    Attributes:
        targets: int64[N], a class for each image.
    """

    targets: Tensor

    def __call__(self, logits: Tensor, labels: Tensor, rows: Tensor) -> Tensor:
        """See Loss."""
        ordered = logits.sort(dim=1, descending=True).values
        own = logits.gather(1, labels[:, None])[:, 0]
        target = logits.gather(1, self.targets[rows][:, None])[:, 0]
        spread = ordered[:, 0] - (ordered[:, 2] + ordered[:, 3]) / 2
        return (target - own) / spread.clamp(min=_LEAST_SPREAD)


def label_margins(logits: Tensor, labels: Tensor) -> Tensor:
    """Return [n]: the label's logit minus the largest other, differentiable."""
    rivals = logits.scatter(1, labels[:, None], -torch.inf).amax(1)
    return logits.gather(1, labels[:, None])[:, 0] - rivals


def need_classes(attack: str, least: int, classes: int) -> None:
    """Refuse a network with fewer classes than a loss compares.

    Raises:
        FlowError: naming the attack, what it needs and what there is.
    """
    if classes < least:
        raise FlowError(
            f"attack {attack}: its loss compares {least} logits and the network has {classes}; "
            "use apgd_ce"
        )

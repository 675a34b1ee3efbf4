# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What is told about a trained network."""

from dataclasses import asdict, dataclass
from typing import Any

from brevitas_models.plain_values import from_plain
from brevitas_models.settings import ArchitectureSettings

__all__ = [
    "AttackFigure",
    "CertifiedFigures",
    "HardwareFigures",
    "LipschitzFigures",
    "ModelCard",
    "RobustFigures",
]


@dataclass(frozen=True, kw_only=True)
class AttackFigure:
    """What one attack and all before it in the list left: a share of the images."""

    attack: str
    steps: int  # gradients, or queries of a black box, of one restart
    restarts: int
    accuracy: float

    @property
    def budget(self) -> str:
        """The attack and what it may spend: `pgd 50x10`, `square 5000`."""
        return f"{self.attack} {self.steps}" + (f"x{self.restarts}" if self.restarts > 1 else "")


@dataclass(frozen=True, kw_only=True)
class RobustFigures:
    """Robust accuracy of the integer network that runs on the board, the worst case per image."""

    norm: str
    epsilon_255: int
    seed: int  # of the attacks
    images: int  # the first ones of the test set
    attacks: tuple[AttackFigure, ...]  # each only on what those before it left
    accuracy: float  # 0..1, under all of them
    ci95: tuple[float, float]  # Wilson interval

    @property
    def union(self) -> str:
        """The attacks with what each may spend: `apgd_ce 100x3 + square 5000`."""
        return " + ".join(figure.budget for figure in self.attacks)


@dataclass(frozen=True, kw_only=True)
class CertifiedFigures:
    """The robust accuracy of the integer network from both sides: certified <= exact <= possible.

    Attributes:
        norm: of the ball.
        epsilon_255: its radius in uint8 units.
        images: the first ones of the test set.
        certified: share that is proven robust.
        possible: share that the proofs' searches have not broken, see `at_most`; `certified` where
            all are decided.
        nodes: boxes that the search might bound for an image.
    """

    norm: str
    epsilon_255: int
    images: int
    certified: float
    possible: float
    nodes: int

    def at_most(self, attacked: RobustFigures | None) -> float:
        """Return the share that neither the proofs nor attacks in the same ball have broken.

        The cards count images and do not name them: the attacks' broken ones may be those that the
        proofs broke, and those beyond the first `images` are taken to be broken first.
        """
        broken = _broken(self.images, self.possible)
        if attacked and attacked.norm == self.norm and attacked.epsilon_255 <= self.epsilon_255:
            fooled = _broken(attacked.images, attacked.accuracy)
            broken = max(broken, fooled - max(attacked.images - self.images, 0))
        return 1 - broken / self.images


@dataclass(frozen=True, kw_only=True)
class LipschitzFigures:
    """||logits(x) - logits(y)|| <= slope * ||x - y|| + rounding, as lipschitz.network_bound has it.

    Attributes:
        norm: of both distances, l2 or linf.
        slope: 0 where 1-bit activations leave nothing but rounding.
        rounding: what the steps of the activations can add.
        of: which network, and what x is.
    """

    norm: str
    slope: float
    rounding: float
    of: str


@dataclass(frozen=True, kw_only=True)
class HardwareFigures:
    """The accelerator on one part."""

    part: str
    clock_mhz: float
    lut: int
    ff: int
    dsp: int
    bram36: float
    frames_per_second: float
    measured: str  # how
    latency_us: float | None = None  # from a frame's first input to its last logit, if known


@dataclass(frozen=True, kw_only=True)
class ModelCard:
    """Where a trained network comes from and what it does."""

    name: str
    data: str
    network: ArchitectureSettings  # that the weights are of
    command: str
    seed: int
    initial: str | None  # the trained network whose weights it started from
    epochs: int
    training_images: int
    training_s: float  # on the machine that `trained_on` describes
    trained_on: str
    test_images: int
    accuracy: float  # 0..1, on the whole test set
    weight_bits: int
    activation_bits: int
    parameters: int  # weights and two numbers for each channel of a BatchNorm
    licence: str
    objective: str = "standard"  # of flow.objectives
    trained_with: str = "unknown"  # version of the code whose weights these are
    robust: RobustFigures | None = None  # where it was measured
    certified: CertifiedFigures | None = None  # where it was proven
    lipschitz: LipschitzFigures | None = None
    hardware: HardwareFigures | None = None

    @classmethod
    def from_mapping(cls, content: Any) -> "ModelCard":  # noqa: ANN401 - whatever a file holds
        """Return the card that to_mapping wrote, as YAML has it; see from_plain."""
        return from_plain(cls, content, "card")

    def to_mapping(self) -> dict[str, Any]:
        """Return plain values, for from_mapping."""
        return asdict(self) | {"network": self.network.to_mapping()}


def _broken(images: int, accuracy: float) -> int:
    return images - round(accuracy * images)

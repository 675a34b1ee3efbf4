# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Quantized activations as a defence, and what is left of it under attacks that allow for them.

The paper measures networks whose activations have few levels, with fixed and with learned
thresholds, under FGSM, PGD, C&W, ZOO and a substitute model. Here each attack is also run by an
attacker who knows that a staircase hides gradients (Athalye et al. 2018; Gupta and Ajanthan 2020).
"""

from dataclasses import dataclass
from typing import ClassVar

from brevitas_models.quantizers import ActivationQuantizer, Quantizers, WeightQuantizer
from flow.experiments._dqa_attacks import attacked
from flow.experiments._dqa_verdicts import judged, panel
from flow.experiments.base import Experiment, Findings, Row
from flow.experiments.scale import Scale
from flow.experiments.study import Study
from flow.experiments.trained import Trained, Training

__all__ = ["DQA", "DynamicActivations", "dqa_network"]

_WEIGHT_BITS = 8  # stands for the paper's float weights
_BASELINE = ("relu", 8)  # stands for its float activations
_KINDS = {
    "relu": ActivationQuantizer.FIXED,
    "fixed": ActivationQuantizer.DQA_FIXED,
    "learned": ActivationQuantizer.DQA_LEARNED,
}


@dataclass(frozen=True)
class DynamicActivations(Experiment):
    """Trains every kind of activation with and without attack, and attacks each.

    Attributes:
        bits: of the activations; b bits are 2**b - 1 levels around 0, one bit is two.
        epsilons_255: of the attacks by the way of training, and of the training attack: one step
            from a random start (Wong et al. 2020), where the paper takes PGD.
    """

    name: ClassVar[str] = "dqa"
    title: ClassVar[str] = "Few activation levels as a defence, fixed and learned thresholds"
    source: ClassVar[str] = "Rakin, Yi, Gong and Fan, arXiv:1807.06714, 2018"
    scale: ClassVar[Scale] = Scale(train_images=4000, epochs=4, images=200)

    bits: tuple[int, ...] = (1, 2, 3, 4)
    epsilons_255: tuple[tuple[str, int], ...] = (("standard", 26), ("adversarial", 51))

    def run(self, study: Study) -> Findings:
        """Return a row for each network and attacker."""
        networks = [*((kind, bits) for kind in ("fixed", "learned") for bits in self.bits)]
        rows = tuple(
            row
            for training, epsilon in self.epsilons_255
            for kind, bits in [_BASELINE, *networks]
            for row in _rows(study, training, kind, bits, epsilon)
        )
        return Findings(
            rows=rows,
            panels=tuple(
                panel(rows, training, kind)
                for training, _ in self.epsilons_255
                for kind in ("fixed", "learned")
            ),
            verdicts=judged(rows),
        )


def _rows(study: Study, training: str, kind: str, bits: int, epsilon_255: int) -> list[Row]:
    trained = dqa_network(study, training, kind, bits, epsilon_255)
    network: Row = {
        "training": training,
        "activations": kind,
        "bits": bits,
        "clean": study.clean(trained),
    }
    return [
        {
            **network,
            "attack": attack,
            "knowledge": knowledge,
            "norm": found.norm,
            "epsilon_255": found.epsilon_255,
            "images": found.images,
            "robust": found.accuracy,
            "low": found.ci95[0],
            "high": found.ci95[1],
        }
        for (attack, knowledge), found in attacked(study, trained, epsilon_255).items()
    ]


def dqa_network(study: Study, training: str, kind: str, bits: int, epsilon_255: int) -> Trained:
    """Train a network, or take it from an earlier run; the arguments are its row's."""
    quantizers = Quantizers(weights=WeightQuantizer.LEARNED, activations=_KINDS[kind])
    settings = study.settings(_WEIGHT_BITS, bits, quantizers=quantizers)
    how = (
        Training(objective="fgsm", epsilon_255=epsilon_255)
        if training == "adversarial"
        else Training()
    )
    width = "1 bit" if bits == 1 else f"{bits} bits"
    return study.train(f"{training}, {kind} {width}", settings, how)


DQA = DynamicActivations()

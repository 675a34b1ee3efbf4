# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Attack both networks' integer forms, and measure how errors grow with depth."""

import json
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flow._records import write_json
from flow._threads import one_thread
from flow.amplification import error_amplification
from flow.attacks import build_attack
from flow.classifier import Images, Labels
from flow.data import first_test_images, load_dataset
from flow.evaluation import (
    Evaluation,
    RobustAccuracy,
    Verdict,
    evaluate,
    masked_gradient_signs,
    noise_accuracy,
    union,
)
from flow.integer import IntegerNetwork
from flow.pipeline import Context, Settings, Step
from flow.progress import meter
from flow.settings import AttackConfig
from flow.steps.train import NETWORKS

__all__ = ["AttackStep"]

_EXAMPLES = 64  # images kept for pictures and for the amplification


class AttackStep(Step):
    """robust.npz, plain.npz -> attack.json, examples.npz."""

    name = "attack"
    version = 2
    needs = ("compile",)
    tools = ("numpy", "torch")

    def settings(self, context: Context) -> Settings:
        """Return the budget, and epsilon of the examples."""
        config = context.config
        example = config.rtlsim.epsilon_255
        return {
            "data": config.data,
            "attack": config.attack,
            "seed": config.seed,
            "example": example,
        }

    def inputs(self, context: Context) -> list[Path]:
        """Return the integer networks; a new folding changes nothing here."""
        return [context.folder("compile") / f"{name}.npz" for name in NETWORKS]

    def run(self, context: Context, folder: Path, scratch: Path) -> None:
        """Evaluate every combination; one that an interrupted run has finished is not redone."""
        config = context.config
        dataset = load_dataset(config.data, context.data)
        images, labels = first_test_images(dataset, config.attack.images, "attack.images")
        findings: dict[str, list[Any]] = {"rows": [], "noise": [], "amplification": [], "signs": []}
        examples: dict[str, NDArray[Any]] = {
            "clean": images[:_EXAMPLES],
            "labels": labels[:_EXAMPLES],
        }
        for name in NETWORKS:
            network = IntegerNetwork.load(context.folder("compile") / f"{name}.npz")
            job = _Job(name, network, images, labels, config.attack, config.seed)
            rows = job.rows(scratch)
            noise = job.noise()
            attacked = job.adversarial_examples(config.rtlsim.epsilon_255)
            examples[name] = attacked.adversarial
            right = attacked.labels_clean == attacked.labels  # the others were left alone
            growth = error_amplification(
                network, examples["clean"][right], examples[name][right], name=name
            )
            findings["rows"] += [asdict(row) for row in rows]
            findings["noise"] += [{"network": name, **point} for point in noise]
            findings["amplification"] += [asdict(layer) for layer in growth]
            findings["signs"] += _signs(name, rows, noise)
        write_json(folder / "attack.json", findings)
        np.savez(folder / "examples.npz", allow_pickle=False, **examples)


def _signs(
    name: str, rows: list[RobustAccuracy], noise: list[dict[str, Any]]
) -> list[dict[str, str]]:
    """Say what hints at masked gradients in the strongest attack's rows."""
    pgd = [row for row in rows if row.attack == "pgd"]
    by_epsilon = {point["epsilon_255"]: point["accuracy"] for point in noise}
    found = masked_gradient_signs(pgd, by_epsilon) if pgd else []
    return [{"network": name, "sign": sign} for sign in found]


@dataclass(frozen=True)
class _Job:
    """What is measured on one network."""

    name: str
    network: IntegerNetwork
    images: Images
    labels: Labels
    config: AttackConfig
    seed: int

    def rows(self, scratch: Path) -> list[RobustAccuracy]:
        """Return each attack at each epsilon, then their union: the worst case image by image."""
        attacks, epsilons = self.config.attacks, self.config.epsilons_255
        found = {key: self._verdict(*key, scratch) for key in product(attacks, epsilons)}
        rows = [verdict.row for verdict in found.values()]
        if len(attacks) > 1:
            rows += [union([found[attack, eps] for attack in attacks]) for eps in epsilons]
        return rows

    def _verdict(self, attack: str, epsilon_255: int, scratch: Path) -> Verdict:
        """Measure, or read again what an interrupted run has measured."""
        path = scratch / f"{self.name}-{attack}-{epsilon_255}.json"
        if not path.exists():
            found = self._evaluate(attack, epsilon_255, self.images, self.labels).verdict
            write_json(path, {"row": asdict(found.row), "holds": found.holds.tolist()})
        known = json.loads(path.read_text())
        row = RobustAccuracy(**known["row"] | {"ci95": tuple(known["row"]["ci95"])})
        return Verdict(row, np.array(known["holds"], dtype=np.bool_))

    def noise(self) -> list[dict[str, Any]]:
        """Return the accuracy under random noise of each size."""
        return [
            {
                "epsilon_255": epsilon,
                "accuracy": noise_accuracy(
                    self.network, self.images, self.labels, epsilon, seed=self.seed
                ),
            }
            for epsilon in self.config.epsilons_255
        ]

    def adversarial_examples(self, epsilon_255: int) -> Evaluation:
        """Attack the first images with PGD."""
        images, labels = self.images[:_EXAMPLES], self.labels[:_EXAMPLES]
        return self._evaluate("pgd", epsilon_255, images, labels)

    def _evaluate(
        self, attack: str, epsilon_255: int, images: Images, labels: Labels
    ) -> Evaluation:
        built = build_attack(attack, steps=self.config.steps, restarts=self.config.restarts)
        with (
            one_thread(),
            meter(f"{attack} at {epsilon_255}/255, {self.name}", unit="images") as report,
        ):
            return evaluate(
                self.network,
                images,
                labels,
                built,
                epsilon_255,
                seed=self.seed,
                network=self.name,
                progress=report,
            )

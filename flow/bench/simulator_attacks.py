# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Attacks through our engines, and the same attacks by other libraries on the Brevitas model.

A library may stop early on an image that is misclassified, and each evaluates its start or its
result on its own terms. What counts is therefore the work that they share: images a second =
gradients / gradients of one image / seconds for PGD, classified images / queries of one image /
seconds for a black box. What else an attack evaluates costs it time and counts for nothing.
"""

import statistics
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from flow.attacks import build_attack
from flow.bench.simulator_rivals import Subject, as_tensor
from flow.classifier import Classifier, Images, Labels, Logits
from flow.evaluation.adapters import as_art
from flow.integer import IntegerNetwork
from flow.threads import threads

__all__ = ["ATTACKS", "AttackPair", "CountedModule"]

_EPSILON_255 = 2
_RELATIVE_STEP = 2.5  # of epsilon over the steps, as flow.attacks takes it


class AttackPair(ABC):
    """One attack, by ours and by a rival library."""

    package: str
    turns = 1  # that each takes; the medians count

    def rates(
        self, subject: Subject, engine: Classifier, images: Images, labels: Labels
    ) -> tuple[float, float]:
        """Return images a second of ours and of the rival, which take turns."""
        with threads(subject.threads):
            found = [
                (self.ours(subject, engine, images, labels), self.theirs(subject, images, labels))
                for _ in range(self.turns)
            ]
        ours, theirs = zip(*found, strict=True)
        return statistics.median(ours), statistics.median(theirs)

    def missing(self) -> str | None:
        """Return the package that is needed and not installed."""
        return None if find_spec(self.package) else self.package

    @abstractmethod
    def ours(self, subject: Subject, engine: Classifier, images: Images, labels: Labels) -> float:
        """Return images a second."""

    @abstractmethod
    def theirs(self, subject: Subject, images: Images, labels: Labels) -> float:
        """Return images a second on the Brevitas model."""


class CountedModule(nn.Module):
    """A network that counts the images that it classifies, and those with a gradient."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network, self.seen, self.gradients = network, 0, 0

    def forward(self, images: Tensor) -> Tensor:
        """Classify."""
        self.seen += len(images)
        self.gradients += len(images) if images.requires_grad else 0
        found: Tensor = self.network(images)
        return found


class _CountedEngine:
    """An engine that counts the images that it classifies."""

    def __init__(self, engine: Classifier) -> None:
        self.engine, self.seen = engine, 0
        self.input_shape, self.classes = engine.input_shape, engine.classes

    def logits(self, images: Images) -> Logits:
        self.seen += len(images)
        return self.engine.logits(images)


class _CountedTwin:
    """An integer network whose twin counts the images that it classifies."""

    def __init__(self, network: IntegerNetwork) -> None:
        self.network, self.module = network, CountedModule(network.twin())
        self.input_shape, self.classes = network.input_shape, network.classes
        self.scale = network.scale

    def logits(self, images: Images) -> Logits:
        return self.network.logits(images)

    def twin(self) -> nn.Module:
        return self.module


def _rate(run: Callable[[], object], seen: Callable[[], int], queries: int) -> float:
    before, start = seen(), time.perf_counter()
    run()
    return (seen() - before) / queries / (time.perf_counter() - start)


@dataclass(frozen=True)
class PgdArt(AttackPair):
    """Linf PGD with one random start: the same steps, step size and loss on both sides.

    Ours evaluates every iterate rounded to uint8 and drops images that are misclassified; the
    others take every step of every image.
    """

    steps: int = 40
    turns = 3
    package = "art"

    def ours(
        self,
        subject: Subject,
        engine: Classifier,  # noqa: ARG002 - gradients come from the twin
        images: Images,
        labels: Labels,
    ) -> float:
        """See AttackPair."""
        network = _CountedTwin(subject.network)
        attack = build_attack("pgd", steps=self.steps, restarts=1)
        attack.run(network, images[:4], labels[:4], _EPSILON_255, 0)  # warm-up
        return _rate(
            lambda: attack.run(network, images, labels, _EPSILON_255, 0),
            lambda: network.module.gradients,
            self.steps,
        )

    def theirs(self, subject: Subject, images: Images, labels: Labels) -> float:
        """See AttackPair."""
        from art.attacks.evasion import ProjectedGradientDescent  # noqa: PLC0415 - heavy

        counted, classifier = _art_classifier(subject)
        epsilon = _EPSILON_255 / 255
        attack = ProjectedGradientDescent(
            classifier,
            eps=epsilon,
            eps_step=_RELATIVE_STEP * epsilon / self.steps,
            max_iter=self.steps,
            num_random_init=1,
            batch_size=len(images),
            verbose=False,
        )
        values = as_tensor(images).numpy()
        attack.generate(values[:4], labels[:4])
        return _rate(lambda: attack.generate(values, labels), lambda: counted.gradients, self.steps)


def _art_classifier(subject: Subject) -> tuple[CountedModule, Any]:
    from art.estimators.classification import PyTorchClassifier  # noqa: PLC0415 - heavy

    counted = CountedModule(subject.brevitas.eval()).eval()
    height, width, channels = subject.network.input_shape
    classifier = PyTorchClassifier(
        counted,
        loss=nn.CrossEntropyLoss(),
        input_shape=(channels, height, width),
        nb_classes=subject.network.classes,
        clip_values=(0.0, 1.0),
        device_type="cpu",
    )
    return counted, classifier


@dataclass(frozen=True)
class PgdFoolbox(PgdArt):
    """The same by Foolbox."""

    package = "foolbox"

    def theirs(self, subject: Subject, images: Images, labels: Labels) -> float:
        """See AttackPair."""
        foolbox: Any = import_module("foolbox")  # optional
        counted = CountedModule(subject.brevitas.eval()).eval()
        model = foolbox.PyTorchModel(counted, bounds=(0, 1), device="cpu")
        epsilon = _EPSILON_255 / 255
        step = _RELATIVE_STEP * epsilon / self.steps
        attack = foolbox.attacks.LinfPGD(abs_stepsize=step, steps=self.steps)
        values, targets = as_tensor(images), torch.from_numpy(np.asarray(labels))
        attack(model, values[:4], targets[:4], epsilons=[epsilon])
        return _rate(
            lambda: attack(model, values, targets, epsilons=[epsilon]),
            lambda: counted.gradients,
            self.steps,
        )


@dataclass(frozen=True)
class SquareArt(AttackPair):
    """ART's Square attack, on ours through its black-box interface and on Brevitas."""

    queries: int = 1000
    package = "art"

    def ours(self, subject: Subject, engine: Classifier, images: Images, labels: Labels) -> float:
        """See AttackPair."""
        counted = _CountedEngine(engine)
        estimator = as_art(counted, scale=subject.network.scale)
        return self._rate(estimator, lambda: counted.seen, images, labels)

    def theirs(self, subject: Subject, images: Images, labels: Labels) -> float:
        """See AttackPair."""
        counted, classifier = _art_classifier(subject)
        return self._rate(classifier, lambda: counted.seen, images, labels)

    def _rate(
        self,
        estimator: Any,  # noqa: ANN401 - of ART
        seen: Callable[[], int],
        images: Images,
        labels: Labels,
    ) -> float:
        from art.attacks.evasion import SquareAttack  # noqa: PLC0415 - heavy

        attack = SquareAttack(
            estimator,
            eps=_EPSILON_255 / 255,
            max_iter=self.queries,
            nb_restarts=1,
            batch_size=len(images),
            verbose=False,
        )
        values = as_tensor(images).numpy()
        np.random.seed(0)  # what ART draws from
        return _rate(lambda: attack.generate(values, labels), seen, self.queries)


ATTACKS: dict[str, AttackPair] = {
    "pgd40_art": PgdArt(),
    "pgd40_foolbox": PgdFoolbox(),
    "square1000_art": SquareArt(),
}

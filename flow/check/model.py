# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The figures of a QONNX file of the user's own."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from flow.attacks import build_attack
from flow.check.hardware import measure_hardware
from flow.check.limits import Figure, Found, Limits, Name
from flow.classifier import Images, Labels, check_images
from flow.config import CompileConfig, DataConfig, parse_section
from flow.data.datasets import load_dataset
from flow.engines.simulation import as_pixels, read_images
from flow.errors import SettingError
from flow.evaluation.accuracy import wilson_interval
from flow.evaluation.evaluator import Subject
from flow.evaluation.worst_case import worst_case
from flow.integer import IntegerNetwork
from flow.integer.native import NativeNetwork
from flow.lowering import InputEncoding, lower, read_model
from flow.progress import meter

__all__ = ["ModelCheck", "TestSet", "check_model", "dataset_images", "file_images"]

_ATTACKS = ("apgd_ce", "apgd_dlr", "pgd", "square")  # the cheap one first


@dataclass(frozen=True, kw_only=True)
class TestSet:
    """What accuracies are measured on.

    Attributes:
        images: uint8[N, H, W, C].
        labels: int64[N].
    """

    __test__ = False  # no class of tests
    images: Images
    labels: Labels


@dataclass(frozen=True, kw_only=True)
class ModelCheck:
    """How the figures of a model are measured.

    Attributes:
        folder: of the accelerator, as `compile` leaves it; None where none is asked for.
        compile: part, clock and folding.
        encoding: the model's input for a uint8 pixel; see lower.
        attacked: how many images are attacked at most, the first ones.
        steps: gradients of one restart of an attack.
        restarts: of every attack that starts at random.
        queries: of the black box for an image.
        seed: of the attacks.
    """

    folder: Path
    compile: CompileConfig
    encoding: InputEncoding | None = None
    attacked: int = 200
    steps: int = 40
    restarts: int = 2
    queries: int = 1000
    seed: int = 0


def check_model(
    model: Path, limits: Limits, settings: ModelCheck, tests: TestSet | None
) -> list[Figure]:
    """Measure what the limits ask for, and nothing else.

    Accuracies are the integer network's, which is what the board computes; the accelerator is
    compiled, its RTL compared with that network, and synthesised.

    Raises:
        FlowError: a file that cannot be used, images that do not fit, no images where an accuracy
            is asked for; nodes that cannot be compiled; an RTL that differs.
        HardwareError: an unknown part, or a tool that fails.
    """
    wanted, found = limits.wanted, dict[Name, Found]()
    if wanted.keys() & {"accuracy", "robust"}:
        network = lower(read_model(model), input_encoding=settings.encoding).network
        chosen = _fitting(tests, network)
        found["accuracy"] = _accuracy(network, chosen)
        if limits.epsilon_255 is not None:
            found["robust"] = _robust(network, chosen, limits.epsilon_255, settings)
    if wanted.keys() & {"fps", "lut"}:
        hardware = measure_hardware(
            model, settings.folder, settings.compile, settings.encoding, lut="lut" in wanted
        )
        found |= hardware
    return limits.judge(found)


def file_images(images: Path, labels: Path, model: Path, encoding: InputEncoding | None) -> TestSet:
    """Read images as `simulate` does, and labels int[N] 0..K-1, both .npy.

    Raises:
        FlowError: a file that cannot be read, images that do not fit the model, labels that do
            not fit the images or the classes.
    """
    network = lower(read_model(model), input_encoding=encoding).network
    pixels, found = (
        as_pixels(read_images(images), network.input_shape, network.preprocessing),
        read_images(labels),
    )
    if found.dtype.kind not in "ui" or found.shape != (len(pixels),):
        raise SettingError(
            f"labels {labels}: holds {found.dtype} of shape {found.shape}, not one integer for "
            f"each of the {len(pixels)} images of {images}",
            "labels",
        )
    return TestSet(images=pixels, labels=found.astype(np.int64))


def dataset_images(source: str, folder: Path | None) -> TestSet:
    """Return the test images of a data set by its name in configurations.

    Raises:
        FlowError: there is no such data set, or its files are missing or damaged.
    """
    config = parse_section(DataConfig, {"source": source}, "data set")
    dataset = load_dataset(config, folder)
    return TestSet(images=dataset.test_images, labels=dataset.test_labels)


def _fitting(tests: TestSet | None, network: IntegerNetwork) -> TestSet:
    if tests is None:
        raise SettingError(
            "check: an accuracy is asked for and there are no images; "
            "give images with their labels, or a data set",
            *("images", "labels", "dataset"),
        )
    check_images(tests.images, network.input_shape)
    if not len(tests.labels):
        raise SettingError("check: there are 0 images; give at least one", "images")
    low, high = int(tests.labels.min()), int(tests.labels.max())
    if not 0 <= low <= high < network.classes:
        wrong = low if low < 0 else high
        raise SettingError(
            f"labels: {wrong} is not a class 0..{network.classes - 1} of the model", "labels"
        )
    return tests


def _accuracy(network: IntegerNetwork, tests: TestSet) -> Found:
    right = NativeNetwork(network).logits(tests.images).argmax(axis=1) == tests.labels
    return Found(float(right.mean()), _sample(int(right.sum()), len(right)))


def _robust(
    network: IntegerNetwork, tests: TestSet, epsilon_255: int, settings: ModelCheck
) -> Found:
    if settings.attacked < 1:
        raise SettingError(f"attacked {settings.attacked}: give at least 1 image", "attacked")
    images, labels = tests.images[: settings.attacked], tests.labels[: settings.attacked]
    attacks = [
        build_attack(
            name, steps=settings.steps, restarts=settings.restarts, queries=settings.queries
        )
        for name in _ATTACKS
    ]
    subject = Subject(
        victim=NativeNetwork(network), network="model", seed=settings.seed, surrogate=network
    )
    with meter("attacks", unit="images") as progress:
        found = worst_case(subject, images, labels, attacks, epsilon_255, progress=progress)
    row = found.evaluation.row
    how = f"{', '.join(_ATTACKS)} within {epsilon_255}/255; "
    return Found(row.accuracy, how + _sample(round(row.accuracy * row.images), row.images))


def _sample(right: int, count: int) -> str:
    low, high = wilson_interval(right, count)
    return f"{right} of {count} images, 95% interval {low:.4f} to {high:.4f}"

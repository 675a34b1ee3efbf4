# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What workers do with a candidate: predict its cost, train it briefly, or measure all of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from brevitas_models.classifier import QuantClassifier
from brevitas_models.settings import ArchitectureSettings
from flow.attacks.pgd import Pgd
from flow.classifier import Images, accuracy
from flow.cluster import Cluster, DataFile, Work
from flow.compile.prediction import predict
from flow.config import TrainingConfig
from flow.data.datasets import Dataset, data_files, load_dataset
from flow.environment import data_folder
from flow.errors import USER_ERRORS
from flow.export.deployment import lowered, untrained
from flow.integer import IntegerNetwork
from flow.integer.native import NativeNetwork
from flow.progress import banner
from flow.search.candidate import Candidate
from flow.search.cost import Cost, cost_of
from flow.search.measured import Measured, cell_search, measure, worst_case_of
from flow.search.prior import MANY_BITS, sensitive_bits
from flow.search.settings import Rung, SearchConfig
from flow.search.space import layer_parameters
from flow.storage.records import sha256
from flow.training.configured import network_settings, train_network
from steelflow_names import one_line

__all__ = ["Refused", "Scores", "Trials"]

Item = TypeVar("Item")
Result = TypeVar("Result")

_PRIOR_IMAGES = 64  # that activation errors are measured on


@dataclass(frozen=True)
class Refused:
    """A candidate that cannot be built or trained, and why."""

    problem: str

    @classmethod
    def by(cls, error: Exception) -> "Refused":
        """Return the refusal that an error says, in one line."""
        return cls(one_line(error))


@dataclass(frozen=True, kw_only=True)
class Scores:
    """Accuracies on held-out training images."""

    clean: float
    worst_case: float


@dataclass(frozen=True, kw_only=True)
class _Setting:
    config: SearchConfig
    folder: Path | None


_Prepared = tuple[SearchConfig, Dataset]


class Trials:
    """The kinds of work of one search.

    Args:
        config: of the search.
        data: folder of data sets here; workers without it use their own.
    """

    def __init__(self, config: SearchConfig, data: Path | None) -> None:
        paths = data_files(config.data, data)
        self._files = tuple(DataFile(path=path, sha256=sha256(path)) for path in paths)
        self._setting = _Setting(config=config, folder=data)
        self._config = config

    def costs(self, cluster: Cluster, items: Sequence[Candidate]) -> list[Cost | Refused]:
        """Predict each candidate's cost from untrained weights."""
        return self._all(cluster, _cost, items, title="predicted costs", version=5)

    def priors(self, cluster: Cluster) -> list[dict[str, Any]]:
        """Train each family with many bits; return the parameters of what it can spare."""
        config = self._config
        if config.prior is None:
            return []
        tasks = range(len(config.space.families))
        identity = [config.space, config.training, config.prior, config.validation_images]
        families = self._all(cluster, _prior, tasks, title="prior", identity=identity)
        found = [one for family in families for one in family]
        for one in found:
            if isinstance(one, Refused):
                banner(f"search: no prior of a family: {one.problem}")
        return [one for one in found if not isinstance(one, Refused)]

    def scores(
        self, cluster: Cluster, items: Sequence[Candidate], rung: Rung, title: str
    ) -> list[Scores | Refused]:
        """Train each briefly and attack held-out training images."""
        config = self._config
        identity = [config.validation_images, config.epsilon_255]
        alike = rung.model_copy(update={"keep": 1})  # how many go on changes no score
        tasks = [(one, alike) for one in items]
        return self._all(cluster, _score, tasks, title=title, identity=identity)

    def measured(self, cluster: Cluster, items: Sequence[Candidate]) -> list[Measured | Refused]:
        """Train each in full and measure everything."""
        config = self._config
        identity = [config.epsilon_255, config.final]
        return self._all(cluster, _measure, items, title="finals", identity=identity)

    def _all(
        self,
        cluster: Cluster,
        do: Callable[[_Prepared, Item], Result],
        items: Sequence[Item],
        *,
        title: str,
        identity: Sequence[object] = (),
        version: int = 3,
    ) -> list[Result]:
        work: Work[Item, Result] = Work(
            name=do.__name__,
            version=version,
            do=do,
            shared=self._setting,
            prepare=_prepared,
            identity=[self._config.data, self._config.seed, *identity],
            floats=True,
            files=self._files,
            unit="candidates",
        )
        return list(cluster.map(work, items, total=len(items), title=title))


def _prepared(setting: _Setting) -> _Prepared:
    folder = setting.folder
    here = folder if folder is not None and folder.is_dir() else data_folder()
    return setting.config, load_dataset(setting.config.data, here)


def _settings(candidate: Candidate, dataset: Dataset) -> ArchitectureSettings:
    return network_settings(
        candidate.network, input_shape=dataset.input_shape, classes=dataset.classes
    )


def _cost(prepared: _Prepared, candidate: Candidate) -> Cost | Refused:
    config, dataset = prepared
    try:
        network = untrained(_settings(candidate, dataset), config.seed)
        return cost_of(predict(network, candidate.compile), candidate.compile)
    except USER_ERRORS as error:
        return Refused.by(error)


def _prior(prepared: _Prepared, index: int) -> list[dict[str, Any] | Refused]:
    config, dataset = prepared
    assert config.prior is not None, "it was asked for"
    many = {"weight_bits": MANY_BITS, "activation_bits": MANY_BITS}
    shape = config.family(index).model_copy(update=many)
    try:
        settings = network_settings(shape, input_shape=dataset.input_shape, classes=dataset.classes)
        training = _shortened(config.training, config.prior.epochs)
        network = train_network(
            _kept(dataset, config.validation_images), settings, training, seed=config.seed
        ).network
    except USER_ERRORS as error:
        return [Refused.by(error)]
    images = dataset.train_images[:_PRIOR_IMAGES]
    return [_spared(config, index, network, images, width) for width in config.prior.widths]


def _spared(
    config: SearchConfig, index: int, network: QuantClassifier, images: Images, width: int
) -> dict[str, Any] | Refused:
    try:
        bits = sensitive_bits(network, images, config.space.weight_bits, width)
    except USER_ERRORS as error:
        return Refused.by(error)
    return layer_parameters(index, bits, width)


def _kept(dataset: Dataset, held: int) -> Dataset:
    """Return the data without the training images that are held out."""
    images, labels = dataset.train_images[:-held], dataset.train_labels[:-held]
    return replace(dataset, train_images=images, train_labels=labels)


def _shortened(training: TrainingConfig, epochs: int) -> TrainingConfig:
    warmup = int(min(training.warmup_epochs, epochs / 2))
    return training.model_copy(update={"epochs": epochs, "warmup_epochs": warmup})


def _score(prepared: _Prepared, task: tuple[Candidate, Rung]) -> Scores | Refused:
    (config, dataset), (candidate, rung) = prepared, task
    held = config.validation_images
    training = _shortened(candidate.training, rung.epochs)
    shortened = candidate.model_copy(update={"training": training})
    try:
        network = _trained(shortened, _kept(dataset, held), config.seed)
    except USER_ERRORS as error:
        return Refused.by(error)
    images, labels = dataset.train_images[-held:], dataset.train_labels[-held:]
    attacks = [Pgd(steps=rung.steps, restarts=rung.restarts), *cell_search(rung.flips)]
    count = min(rung.images, held)
    return Scores(
        clean=accuracy(NativeNetwork(network).logits(images), labels),
        worst_case=worst_case_of(network, images[:count], labels[:count], attacks, config),
    )


def _trained(candidate: Candidate, dataset: Dataset, seed: int) -> IntegerNetwork:
    settings = _settings(candidate, dataset)
    return lowered(train_network(dataset, settings, candidate.training, seed=seed).network)


def _measure(prepared: _Prepared, candidate: Candidate) -> Measured | Refused:
    config, dataset = prepared
    try:
        network = _trained(candidate, dataset, config.seed)
        return measure(network, candidate, dataset, config)
    except USER_ERRORS as error:
        return Refused.by(error)

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What workers do with a candidate: predict its cost, train it briefly, or measure all of it."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from brevitas_models.architectures import build
from brevitas_models.exact import make_exact
from brevitas_models.settings import ArchitectureSettings
from flow.attacks.apgd import ApgdCe, ApgdDlr
from flow.attacks.base import Attack
from flow.attacks.pgd import Pgd
from flow.attacks.square import Square
from flow.certify.run import certify
from flow.certify.settings import CertifySettings
from flow.certify.verdict import bracket
from flow.classifier import Images, Labels, accuracy
from flow.cluster import Cluster, DataFile, ProcessCluster, Work
from flow.compile import check_in_rtl, compile_network, synthesize_shown
from flow.compile.prediction import predict
from flow.data.datasets import Dataset, data_files, load_dataset
from flow.environment import data_folder
from flow.errors import USER_ERRORS
from flow.evaluation.divided import divided_worst_case
from flow.export.deployment import lowered
from flow.integer import IntegerNetwork
from flow.integer.native import NativeNetwork
from flow.search.candidate import Candidate
from flow.search.cost import Cost, cost_of
from flow.search.settings import Final, Rung, SearchConfig
from flow.storage.records import sha256
from flow.training.configured import network_settings, train_network

__all__ = ["Measured", "Refused", "Scores", "Trials"]

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Refused:
    """A candidate that cannot be built or trained, and why."""

    problem: str


@dataclass(frozen=True, kw_only=True)
class Scores:
    """Accuracies on held-out training images."""

    clean: float
    worst_case: float


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A trained network on the first test images, its RTL and its synthesis.

    Attributes:
        clean: accuracy on the whole test set.
        worst_case: share of the attacked images that no attack broke.
        certified: share that is proven robust; None where that was not asked.
        lut, bram36, dsp: by Yosys.
        fps: frames a second, as simulated.
        latency_us: of the first frame, as simulated.
        logits_differ: between RTL and integers.
        predicted: what the cost model said of the trained network.
    """

    clean: float
    worst_case: float
    certified: float | None
    lut: int
    bram36: float
    dsp: int
    fps: float
    latency_us: float
    logits_differ: int
    predicted: Cost


@dataclass(frozen=True, kw_only=True)
class _Setting:
    config: SearchConfig
    folder: Path | None


_Prepared = tuple[SearchConfig, Dataset]


class Trials:
    """The three kinds of work of one search.

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
        return self._all(cluster, _cost, items, title="predicted costs")

    def scores(
        self, cluster: Cluster, items: Sequence[Candidate], rung: Rung, title: str
    ) -> list[Scores | Refused]:
        """Train each briefly and attack held-out training images."""
        config = self._config
        identity = [config.validation_images, config.epsilon_255]
        tasks = [(one, rung) for one in items]
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
    ) -> list[Result]:
        work: Work[Item, Result] = Work(
            name=do.__name__,
            version=2,
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


def _untrained(candidate: Candidate, dataset: Dataset, seed: int) -> IntegerNetwork:
    """Return integers of the candidate's shape and bits, with weights of chance."""
    network = build(_settings(candidate, dataset), seed).eval()
    make_exact(network)
    return lowered(network)


def _cost(prepared: _Prepared, candidate: Candidate) -> Cost | Refused:
    config, dataset = prepared
    try:
        network = _untrained(candidate, dataset, config.seed)
        return cost_of(predict(network, candidate.compile), candidate.compile)
    except USER_ERRORS as error:
        return Refused(" ".join(str(error).split()))


def _score(prepared: _Prepared, task: tuple[Candidate, Rung]) -> Scores | Refused:
    (config, dataset), (candidate, rung) = prepared, task
    held = config.validation_images
    part = replace(
        dataset,
        train_images=dataset.train_images[:-held],
        train_labels=dataset.train_labels[:-held],
    )
    warmup = min(candidate.training.warmup_epochs, rung.epochs / 2)
    training = candidate.training.model_copy(
        update={"epochs": rung.epochs, "warmup_epochs": int(warmup)}
    )
    try:
        network = _trained(candidate.model_copy(update={"training": training}), part, config.seed)
    except USER_ERRORS as error:
        return Refused(" ".join(str(error).split()))
    images, labels = dataset.train_images[-held:], dataset.train_labels[-held:]
    attacks = [Pgd(steps=rung.steps, restarts=rung.restarts)]
    count = min(rung.images, held)
    return Scores(
        clean=accuracy(NativeNetwork(network).logits(images), labels),
        worst_case=_worst(network, images[:count], labels[:count], attacks, config),
    )


def _trained(candidate: Candidate, dataset: Dataset, seed: int) -> IntegerNetwork:
    settings = _settings(candidate, dataset)
    return lowered(train_network(dataset, settings, candidate.training, seed=seed).network)


def _worst(
    network: IntegerNetwork,
    images: Images,
    labels: Labels,
    attacks: Sequence[Attack],
    config: SearchConfig,
) -> float:
    found = divided_worst_case(
        *(ProcessCluster(1), network, images, labels),
        attacks=attacks,
        epsilon_255=config.epsilon_255,
        name="candidate",
        seed=config.seed,
    )
    return found.evaluation.row.accuracy


def _measure(prepared: _Prepared, candidate: Candidate) -> Measured | Refused:
    config, dataset = prepared
    try:
        network = _trained(candidate, dataset, config.seed)
        return _of_network(network, candidate, dataset, config)
    except USER_ERRORS as error:
        return Refused(" ".join(str(error).split()))


def _of_network(
    network: IntegerNetwork, candidate: Candidate, dataset: Dataset, config: SearchConfig
) -> Measured:
    final, (images, labels) = config.final, (dataset.test_images, dataset.test_labels)
    predicted = cost_of(predict(network, candidate.compile), candidate.compile)
    with tempfile.TemporaryDirectory(prefix="steelflow-search-") as scratch:
        folder = Path(scratch)
        compiled = compile_network(
            *(network, candidate.compile, folder),
            name=config.name,
            scratch=folder / "work",
            build_dir=folder / "verilator",
        )
        run = check_in_rtl(
            *(compiled.accelerator, network, images[: final.rtl_images]),
            build_dir=folder / "verilator",
            processes=1,
        )
        total = synthesize_shown(compiled.accelerator, timeout_s=3600).total
    assert run.agreement is not None, "it was compared"
    attacked = images[: final.images], labels[: final.images]
    return Measured(
        clean=accuracy(NativeNetwork(network).logits(images), labels),
        worst_case=_worst(network, *attacked, _strong(final), config),
        certified=_certified(network, images, labels, config),
        lut=total.lut,
        bram36=total.bram36,
        dsp=total.dsp,
        fps=run.frames_per_second,
        latency_us=run.simulated.latency_cycles / candidate.compile.clock_mhz,
        logits_differ=run.agreement.logits_differ or 0,
        predicted=predicted,
    )


def _strong(final: Final) -> list[Attack]:
    budget = {"steps": final.steps, "restarts": final.restarts}
    return [ApgdCe(**budget), ApgdDlr(**budget), Square(steps=final.queries)]


def _certified(
    network: IntegerNetwork, images: Images, labels: Labels, config: SearchConfig
) -> float | None:
    final = config.final
    if not final.certify_images:
        return None
    settings = CertifySettings(epsilon_255=config.epsilon_255, nodes=final.nodes)
    some = slice(final.certify_images)
    return bracket(certify(network, images[some], labels[some], settings)).certified

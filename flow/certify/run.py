# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Certify many images: in order, on several processes, going on where a file ends."""

import multiprocessing
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from flow.certify.file import CertificateFile
from flow.certify.settings import CertifySettings
from flow.certify.tiers import Prover
from flow.certify.verdict import Verdict
from flow.classifier import Classifier, Images, Labels, check_images
from flow.errors import FlowError
from flow.integer import IntegerNetwork
from flow.progress import meter

__all__ = ["certify"]

_AHEAD = 4  # images a process that wait for it


def certify(
    network: Classifier,
    images: Images,
    labels: Labels,
    settings: CertifySettings,
    *,
    file: Path | None = None,
    processes: int = 1,
    budget_s: float | None = None,
) -> list[Verdict]:
    """Decide for each image whether every image of its ball has its label.

    The answers do not depend on the number of processes, nor on where an earlier call stopped.

    Args:
        network: an IntegerNetwork.
        images: uint8[N, H, W, C], clean.
        labels: int64[N], true classes.
        settings: the ball, and what each image may cost.
        file: certificates are appended there, and those in it are not made again.
        processes: that work at the same time.
        budget_s: no image is begun after so many seconds; None: no limit.

    Returns:
        Verdicts of the first images in order; fewer than N where the seconds ended.

    Raises:
        FlowError: another classifier, images that do not fit, or a file of something else.
    """
    prover = Prover(network, settings)
    assert isinstance(network, IntegerNetwork)
    check_images(images, network.input_shape)
    _check(labels, len(images), network.classes, processes)
    held = CertificateFile(file, network, settings) if file else None
    done = held.verdicts[: len(images)] if held else []
    verdicts, end = list(done), time.monotonic() + (budget_s or np.inf)
    with (
        meter(f"certify at {settings.epsilon_255}/255", unit="images") as report,
        _worker(prover, network, settings, processes) as decide,
    ):
        left = ((i, images[i], int(labels[i])) for i in range(len(done), len(images)))
        for verdict in decide(_until(left, end)):
            verdicts.append(verdict)
            if held:
                held.append(verdict, images[verdict.index])
            report(len(verdicts), len(images))
    return verdicts


_Task = tuple[int, Images, int]


def _check(labels: Labels, count: int, classes: int, processes: int) -> None:
    if labels.shape != (count,):
        raise FlowError(
            f"certify: labels of shape {labels.shape} for {count} images; give one each"
        )
    if len(labels) and not 0 <= labels.min() <= labels.max() < classes:
        raise FlowError(
            f"certify: labels {labels.min()}..{labels.max()} are not within 0..{classes - 1}"
        )
    if processes < 1:
        raise FlowError(f"certify: processes {processes} is not at least 1; change it")


def _until(tasks: Iterator[_Task], end: float) -> Iterator[_Task]:
    for task in tasks:
        if time.monotonic() >= end:
            return
        yield task


@contextmanager
def _worker(
    prover: Prover, network: IntegerNetwork, settings: CertifySettings, processes: int
) -> Iterator[Callable[[Iterator[_Task]], Iterator[Verdict]]]:
    """Yield a function from tasks to verdicts in their order."""
    if processes == 1:
        yield lambda tasks: (prover.decide(*task) for task in tasks)
        return
    with TemporaryDirectory(prefix="steelflow-") as folder:
        path = Path(folder) / "network.npz"
        network.save(path)
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(
            processes, context, initializer=_begin, initargs=(path, settings)
        ) as pool:
            yield lambda tasks: _in_order(pool, tasks, processes * _AHEAD)


def _in_order(pool: ProcessPoolExecutor, tasks: Iterator[_Task], ahead: int) -> Iterator[Verdict]:
    waiting: deque[Future[Verdict]] = deque()
    waiting.extend(pool.submit(_decide, task) for task in islice(tasks, ahead))
    while waiting:
        yield waiting.popleft().result()
        waiting.extend(pool.submit(_decide, task) for task in islice(tasks, 1))


_own: list[Prover] = []  # of a worker process


def _begin(path: Path, settings: CertifySettings) -> None:
    _own.append(Prover(IntegerNetwork.load(path), settings))


def _decide(task: _Task) -> Verdict:
    return _own[0].decide(*task)

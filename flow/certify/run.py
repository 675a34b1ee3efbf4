# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Certify many images: in order, on a cluster, going on where a file ends."""

import time
from pathlib import Path

import numpy as np

from flow.certify.few import FewPixels
from flow.certify.file import CertificateFile
from flow.certify.settings import CertifySettings
from flow.certify.tiers import Prover
from flow.certify.verdict import Verdict
from flow.classifier import Classifier, Images, Labels, check_images
from flow.cluster import Cluster, ProcessCluster, Work
from flow.errors import FlowError
from flow.integer import IntegerNetwork
from flow.integer.digest import network_digest

__all__ = ["certify"]

_VERSION = 2  # of what a verdict is


def certify(
    network: Classifier,
    images: Images,
    labels: Labels,
    settings: CertifySettings,
    *,
    file: Path | None = None,
    cluster: Cluster | None = None,
    budget_s: float | None = None,
) -> list[Verdict]:
    """Decide for each image whether every image of its ball has its label.

    The answers do not depend on the cluster, nor on where an earlier call stopped.

    Args:
        network: an IntegerNetwork.
        images: uint8[N, H, W, C], clean.
        labels: int64[N], true classes.
        settings: the ball, and what each image may cost.
        file: certificates are appended there, and those in it are not made again.
        cluster: who decides; this process when None.
        budget_s: no image is begun after so many seconds; None: no limit.

    Returns:
        Verdicts of the first images in order; fewer than N where the seconds ended.

    Raises:
        FlowError: another classifier, images that do not fit, or a file of something else.
    """
    _prover((network, settings))  # refuses what cannot be certified, before any worker starts
    assert isinstance(network, IntegerNetwork)
    check_images(images, network.input_shape)
    _check(labels, len(images), network.classes)
    held = CertificateFile(file, network, settings) if file else None
    done = held.verdicts[: len(images)] if held else []
    verdicts, end = list(done), time.monotonic() + (budget_s or np.inf)
    left = ((i, images[i], int(labels[i])) for i in range(len(done), len(images)))
    found = (cluster or ProcessCluster(1)).map(
        _work(network, settings),
        left,
        total=len(images) - len(done),
        title=f"certify at {settings.ball}",
        whole=lambda: time.monotonic() < end,
    )
    for verdict in found:
        verdicts.append(verdict)
        if held:
            held.append(verdict, images[verdict.index])
    return verdicts


_Task = tuple[int, Images, int]


def _check(labels: Labels, count: int, classes: int) -> None:
    if labels.shape != (count,):
        raise FlowError(
            f"certify: labels of shape {labels.shape} for {count} images; give one each"
        )
    if len(labels) and not 0 <= labels.min() <= labels.max() < classes:
        raise FlowError(
            f"certify: labels {labels.min()}..{labels.max()} are not within 0..{classes - 1}"
        )


def _work(network: IntegerNetwork, settings: CertifySettings) -> Work[_Task, Verdict]:
    return Work(
        name="certify",
        version=_VERSION,
        do=_decide,
        shared=(network, settings),
        prepare=_prover,
        identity=(network_digest(network), settings),
        unit="images",
    )


def _prover(shared: tuple[Classifier, CertifySettings]) -> Prover | FewPixels:
    linf = Prover(*shared)
    return linf if shared[1].norm == "linf" else FewPixels(linf.network, shared[1])


def _decide(prover: Prover | FewPixels, task: _Task) -> Verdict:
    return prover.decide(*task)

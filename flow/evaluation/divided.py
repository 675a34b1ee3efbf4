# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The worst case over several attacks, chunks of images at a time, on a cluster."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from flow.attacks.base import Attack
from flow.classifier import Images, Labels
from flow.cluster import Cluster, Work
from flow.evaluation.evaluator import Subject, need_images
from flow.evaluation.worst_case import Part, WorstCase, attack_part, joined_parts
from flow.integer import IntegerNetwork
from flow.integer.digest import network_digest
from flow.integer.native import NativeNetwork

__all__ = ["divided_worst_case"]

_CHUNK = 64  # images of a task: fixed, so that the bits do not depend on the workers


@dataclass(frozen=True, kw_only=True)
class _Shared:
    network: IntegerNetwork
    name: str
    seed: int
    images: Images
    labels: Labels
    attacks: tuple[Attack, ...]
    epsilon_255: int


def divided_worst_case(
    cluster: Cluster,
    network: IntegerNetwork,
    images: Images,
    labels: Labels,
    *,
    attacks: Sequence[Attack],
    epsilon_255: int,
    name: str,
    seed: int,
) -> WorstCase:
    """Return what worst_case does of a network in its native engine.

    An image's random draws depend on its place among all images, not on its chunk.

    Args:
        cluster: who attacks.
        network: the victim, also of the gradients.
        images: uint8[N, H, W, C], clean; N at least 1.
        labels: int64[N], true classes.
        attacks: of one norm, at least one.
        epsilon_255: radius of the ball in uint8 units.
        name: of the network, for the rows.
        seed: of the attacks.

    Raises:
        FlowError: as worst_case.
    """
    need_images(images, name)
    shared = _Shared(
        network=network,
        name=name,
        seed=seed,
        images=images,
        labels=labels,
        attacks=tuple(attacks),
        epsilon_255=epsilon_255,
    )
    whole = any(one.together for one in attacks)
    step = len(images) if whole else _CHUNK
    chunks = [(start, min(start + step, len(images))) for start in range(0, len(images), step)]
    parts = cluster.map(
        _work(shared),
        chunks,
        total=len(images),
        title=f"attacks on {name} at {epsilon_255}/255",
        count=lambda chunk: chunk[1] - chunk[0],
    )
    return joined_parts(_subject(shared), labels, attacks, epsilon_255, list(parts))


def _work(shared: _Shared) -> Work[tuple[int, int], Part]:
    told = [shared.images, shared.labels, shared.attacks, shared.epsilon_255, shared.seed]
    return Work(
        name="attacks",
        version=2,
        do=_attacked,
        shared=shared,
        prepare=_prepared,
        identity=[network_digest(shared.network), *told],
        floats=True,
        unit="images",
    )


def _subject(shared: _Shared) -> Subject:
    return Subject(
        victim=NativeNetwork(shared.network),
        network=shared.name,
        seed=shared.seed,
        surrogate=shared.network,
    )


def _prepared(shared: _Shared) -> tuple[_Shared, Subject]:
    return shared, _subject(shared)


def _attacked(prepared: tuple[_Shared, Subject], chunk: tuple[int, int]) -> Part:
    shared, subject = prepared
    rows: np.ndarray[Any, np.dtype[np.bool_]] = np.zeros(len(shared.images), np.bool_)
    rows[slice(*chunk)] = True
    given = (subject, shared.images, shared.labels, shared.attacks, shared.epsilon_255)
    return attack_part(*given, only=rows)

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Engine and server in turn, on the same images: what `steelflow bench board` measures."""

import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path

import numpy as np

from brevitas_models.pretrained import load
from flow.bench.board_clients import SoakResult, soak
from flow.bench.board_server import served
from flow.classifier import Classifier, Images
from flow.data.datasets import first_test_images
from flow.engines.board_client import Link, RemoteBoard
from flow.export.deployment import lowered
from flow.integer.native import NativeNetwork
from flow.tables import Row
from flow.zoo.networks import dataset

__all__ = ["server_row"]

_BATCH = 256  # images of a request
_IMAGES = 2048
_TURNS = 10  # of engine and server
_Opened = Callable[[], AbstractContextManager[Classifier]]
_CONNECTIONS = 2  # so that one request is on its way while another is computed


def server_row(name: str, data: Path | None, *, seconds: float, clients: int, soak_s: float) -> Row:
    """Measure a shipped network.

    Args:
        name: of the network.
        data: folder of the data sets.
        seconds: of each measurement, for engine and server each.
        clients: at once.
        soak_s: seconds for which they ask.
    """
    network = lowered(load(name))
    images, _ = first_test_images(dataset(name, data), _IMAGES, "images")
    expected = network.logits(images)
    engine = NativeNetwork(network, threads=1)
    with (
        tempfile.TemporaryDirectory(prefix="steelflow-bench-") as scratch,
        served(network, Path(scratch)) as url,
        closing(_open(url)) as board,
    ):
        np.testing.assert_array_equal(board.logits(images), expected)
        row = _rates(engine, url, images, seconds) | _single(engine, board, images, seconds)
        found = soak(url, images, expected, clients=clients, seconds=soak_s)
    return {"network": name} | row | _soaked(found, clients, soak_s)


def _open(url: str) -> RemoteBoard:
    return RemoteBoard(Link(url=url, batch=_BATCH), None)


def _rates(engine: Classifier, url: str, images: Images, seconds: float) -> dict[str, float]:
    """Return images a second of the engine and of the server, medians over turns."""
    alone, there = [], []
    for _ in range(_TURNS):
        alone.append(_images_per_s(lambda: nullcontext(engine), 1, images, seconds / _TURNS))
        there.append(
            _images_per_s(lambda: closing(_open(url)), _CONNECTIONS, images, seconds / _TURNS)
        )
    own, server = statistics.median(alone), statistics.median(there)
    share = statistics.median(b / a for a, b in zip(alone, there, strict=True))
    return {
        "engine_images_per_s": own,
        "server_images_per_s": server,
        "share_percent": round(100 * share, 1),
    }


def _images_per_s(opened: _Opened, count: int, images: Images, seconds: float) -> float:
    """Return the images a second that so many threads get classified, 256 at a time.

    Each opens its own classifier: gevent's connections belong to a thread.
    """
    ready, sent, ends = threading.Barrier(count + 1), [0] * count, [0.0] * count

    def work(place: int) -> None:
        with opened() as engine:
            ready.wait()
            end = time.perf_counter() + seconds
            while time.perf_counter() < end:
                start = sent[place] % (len(images) // _BATCH * _BATCH)
                engine.logits(images[start : start + _BATCH])
                sent[place] += _BATCH
            ends[place] = time.perf_counter()

    threads = [threading.Thread(target=work, args=(place,)) for place in range(count)]
    for thread in threads:
        thread.start()
    ready.wait()
    begin = time.perf_counter()
    for thread in threads:
        thread.join()
    return sum(sent) / (max(ends) - begin)


def _single(
    engine: Classifier, board: RemoteBoard, images: Images, seconds: float
) -> dict[str, float]:
    """Return the milliseconds of one image, medians of engine and server in turn."""
    alone: list[float] = []
    there: list[float] = []
    begin, place = time.perf_counter(), 0
    while time.perf_counter() < begin + 2 * seconds:
        image = images[place % len(images)][None]
        alone.append(_milliseconds(lambda image=image: engine.logits(image)))  # type: ignore[misc]
        there.append(_milliseconds(lambda image=image: board.logits(image)))  # type: ignore[misc]
        place += 1
    own, server = statistics.median(alone), statistics.median(there)
    return {
        "single_engine_ms": round(own, 3),
        "single_server_ms": round(server, 3),
        "added_ms": round(server - own, 3),
    }


def _milliseconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - begin)


def _soaked(found: SoakResult, clients: int, seconds: float) -> dict[str, float]:
    times = sorted(found.seconds) or [float("nan")]
    return {
        "clients": clients,
        "soak_s": seconds,
        "requests": found.requests,
        "refused": found.refused,
        "lost": found.lost,
        "mixed": found.mixed,
        "wrong": found.wrong,
        "median_ms": round(1000 * statistics.median(times), 1),
        "slowest_ms": round(1000 * times[-1], 1),
    }

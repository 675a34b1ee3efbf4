# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A board as an engine: here, behind a server, and over a link that fails."""

import gc
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from bad_link import BadLink, Faults
from numpy.typing import NDArray
from quantized_digits import digits, digits_network
from self_signed import self_signed
from virtual_board import GEOMETRY, Built, build_board

from flow.attacks import build_attack
from flow.engines.board import BoardEngine, CheckedBoard
from flow.engines.board_client import Link, RemoteBoard
from flow.errors import FlowError
from flow.evaluation.evaluator import evaluate
from hw.runner.backends.virtual import Fault, Memory, VirtualDevice
from hw.runner.driver import Driver
from hw.runner.server.http import Server
from hw.runner.server.model import Answer, Model, driver_model
from hw.runner.server.settings import ServerSettings

_SHAPE, _DIGEST, _TOKEN = (2, 3, 1), "ab" * 16, "a token of many letters"
_CUTS = 200
IMAGES = np.random.default_rng(3).integers(0, 256, (40, *_SHAPE), dtype=np.uint8)


def _logits(images: NDArray[np.uint8]) -> NDArray[np.int32]:
    sums = images.reshape(len(images), -1).astype(np.int32).sum(axis=1)
    return np.stack([sums, -sums, sums % 7], axis=1).astype(np.int32)


def _toy(digest: str = _DIGEST) -> Model:
    def classify(images: NDArray[np.uint8]) -> Answer:
        return Answer(_logits(images))

    return Model("toy", _SHAPE, 3, "logits", classify, {"digest": digest, "clock_mhz": 90.0})


def _url(server: Server, name: str = "toy") -> str:
    return f"{server.url}/v2/models/{name}"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The virtual board's kernel."""
    return build_board(tmp_path_factory.mktemp("board"))


@pytest.mark.slow
def test_the_virtual_board_is_exact_here_and_over_the_server(built: Built) -> None:
    device = VirtualDevice(built.program, built.folder)
    with BoardEngine(Driver(device, built.description)) as engine:
        np.testing.assert_array_equal(engine.logits(built.images), built.expected)
        assert engine.trace(built.images[:1])[0][0] == "logits"
        assert (engine.figures.queries, engine.figures.cycles > 0) == (24, True)
        with Server(driver_model(engine.driver), ServerSettings(port=0)) as server:
            remote = RemoteBoard(Link(url=_url(server, "hashing")), built.description.digest.hex())
            np.testing.assert_array_equal(remote.logits(built.images), built.expected)
            remote.close()
        device.set_memory(Memory(read_fault=Fault.SLVERR))
        with pytest.raises(FlowError, match="memory answered a read with SLVERR"):
            engine.logits(built.images)


def test_batches_over_a_server_give_all_logits() -> None:
    with Server(_toy(), ServerSettings(port=0, token=_TOKEN)) as server:
        board = RemoteBoard(Link(url=_url(server), token=_TOKEN, batch=7), _DIGEST)
        np.testing.assert_array_equal(board.logits(IMAGES), _logits(IMAGES))
        assert (board.figures.queries, board.figures.requests) == (40, 6)
        assert (board.figures.clock_mhz, board.figures.retries) == (90.0, 0)
        assert board.logits(IMAGES[:0]).shape == (0, 3)
        board.close()


def test_another_digest_is_refused() -> None:
    with (
        Server(_toy("cd" * 16), ServerSettings(port=0)) as server,
        pytest.raises(FlowError, match=f"holds the accelerator {'cd' * 16}, not {_DIGEST}"),
    ):
        RemoteBoard(Link(url=_url(server)), _DIGEST)


@pytest.mark.parametrize(
    ("name", "token", "message"),
    [("other", _TOKEN, "this board holds toy"), ("toy", "wrong token", "this board's token")],
)
def test_refusals_are_told(name: str, token: str, message: str) -> None:
    with (
        Server(_toy(), ServerSettings(port=0, token=_TOKEN)) as server,
        pytest.raises(FlowError, match=message),
    ):
        RemoteBoard(Link(url=_url(server, name), token=token), _DIGEST)


@pytest.mark.parametrize("url", ["board", "ftp://host/v2/models/toy", "http://host:80/toy"])
def test_addresses_that_are_none_are_refused(url: str) -> None:
    with pytest.raises(FlowError, match="give the address that `serve` prints"):
        RemoteBoard(Link(url=url), _DIGEST)


def test_a_server_that_is_not_there_is_told() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(FlowError, match="no answer in 2 attempts"):
        RemoteBoard(Link(url=f"http://127.0.0.1:{port}/v2/models/toy", attempts=2), _DIGEST)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return self_signed(tmp_path_factory.mktemp("tls"))


def test_tls_with_a_token_and_client_certificates(certificate: tuple[Path, Path]) -> None:
    own, key = certificate
    settings = ServerSettings(port=0, token=_TOKEN, certificate=own, key=key, client_authority=own)
    with Server(_toy(), settings) as server:
        link = Link(url=_url(server), token=_TOKEN, authority=own, certificate=own, key=key)
        board = RemoteBoard(link, _DIGEST)
        np.testing.assert_array_equal(board.logits(IMAGES), _logits(IMAGES))
        board.close()
        for stranger in (
            Link(url=link.url, token=_TOKEN, authority=own, attempts=1),  # shows no certificate
            Link(url=link.url, token=_TOKEN, certificate=own, key=key, attempts=1),  # trusts none
        ):
            with pytest.raises(FlowError, match="no answer in 1 attempts"):
                RemoteBoard(stranger, _DIGEST)


@dataclass(frozen=True)
class _Integers:
    """What the virtual board's kernel must compute."""

    input_shape: tuple[int, int, int]
    classes: int

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.int32]:
        """Return the logits."""
        return GEOMETRY.results(images.reshape(len(images), -1))


@pytest.mark.slow
def test_a_black_box_attacks_the_board_over_tls_with_a_token(
    built: Built, certificate: tuple[Path, Path]
) -> None:
    own, key = certificate
    labels = built.expected.argmax(axis=1)
    attack = build_attack("square", steps=1, restarts=1, queries=60)
    problem = built.images, labels, attack, 40
    integers = _Integers(built.images.shape[1:], GEOMETRY.outputs)
    expected = evaluate(integers, *problem, seed=1, network="hashing")  # type: ignore[arg-type]
    settings = ServerSettings(port=0, token=_TOKEN, certificate=own, key=key)
    device = VirtualDevice(built.program, built.folder)
    with (
        Driver(device, built.description) as driver,
        Server(driver_model(driver), settings) as server,
    ):
        link = Link(url=_url(server, "hashing"), token=_TOKEN, authority=own)
        board = RemoteBoard(link, built.description.digest.hex())
        found = evaluate(board, *problem, seed=1, network="hashing")  # type: ignore[arg-type]
        board.close()
        asked = server.batcher.statistics.snapshot()
    np.testing.assert_array_equal(found.adversarial, expected.adversarial)
    np.testing.assert_array_equal(found.labels_adversarial, expected.labels_adversarial)
    assert (found.labels_adversarial != labels).any()  # it succeeds
    assert board.figures.queries > len(labels)
    assert asked["images"] == board.figures.queries  # none is counted twice
    assert asked["requests"] == board.figures.requests


@pytest.fixture
def bad_link() -> Iterator[tuple[BadLink, Server]]:
    """A server behind a link that fails."""
    limits = ServerSettings(port=0, request_s=1.0, idle_s=5.0)
    with Server(_toy(), limits) as server:
        link = BadLink(server.url, seed=5)
        yield link, server
        link.close()


@pytest.mark.slow
# tritonclient leaves the sockets of connections that were cut to the garbage collector
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_link_that_fails_changes_nothing(bad_link: tuple[BadLink, Server]) -> None:
    link, _ = bad_link
    board = RemoteBoard(
        Link(url=f"{link.url}/v2/models/toy", batch=8, attempts=40, timeout_s=3.0), _DIGEST
    )
    for _ in range(8):
        np.testing.assert_array_equal(board.logits(IMAGES), _logits(IMAGES))
    board.close()
    gc.collect()
    assert link.cuts > 5
    assert board.figures.queries == 8 * len(IMAGES)
    assert board.figures.retries >= link.cuts // 2


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_attack_over_a_failing_link_finds_the_same_images() -> None:
    network, data = digits_network(), digits()
    attack = build_attack("square", steps=1, restarts=1, queries=300)
    problem = data.test_images[:24], data.test_labels[:24], attack, 24
    expected = evaluate(network, *problem, seed=1, network="digits")

    def classify(images: NDArray[np.uint8]) -> Answer:
        return Answer(network.logits(images))

    model = Model("toy", network.input_shape, network.classes, "logits", classify)
    faults = Faults(cut=0.08, damaged=0.02, repeated=0.02, delayed=0.1)
    limits = ServerSettings(port=0, request_s=0.4, idle_s=5.0)
    with Server(model, limits) as server:
        link = BadLink(server.url, seed=3, faults=faults)
        url, differing = f"{link.url}/v2/models/toy", 0
        board = RemoteBoard(Link(url=url, attempts=40, timeout_s=1.0), None)
        while link.cuts < _CUTS:
            found = evaluate(board, *problem, seed=1, network="digits")  # type: ignore[arg-type]
            differing += int((found.adversarial != expected.adversarial).sum())
            assert found.labels_adversarial.tolist() == expected.labels_adversarial.tolist()
        board.close()
        link.close()
    gc.collect()
    assert differing == 0
    assert min(link.damages, link.repeats, link.delays) > 5


class _Wrong:
    input_shape, classes = _SHAPE, 3

    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.int32]:
        """Return logits that are wrong for one image."""
        found = _logits(images)
        found[5] += 1
        return found


class _Right(_Wrong):
    def logits(self, images: NDArray[np.uint8]) -> NDArray[np.int32]:
        """Return the logits."""
        return _logits(images)


def test_a_contradiction_stops_and_keeps_the_image(tmp_path: Path) -> None:
    kept = tmp_path / "contradiction.npy"
    np.testing.assert_array_equal(
        CheckedBoard(_Right(), _Right(), kept).logits(IMAGES), _logits(IMAGES)
    )
    with pytest.raises(FlowError, match="contradicts the integers on 1 of 40 images"):
        CheckedBoard(_Wrong(), _Right(), kept).logits(IMAGES)
    np.testing.assert_array_equal(np.load(kept), IMAGES[5:6])

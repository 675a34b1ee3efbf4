# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A board as an engine: here, behind a server, and over a link that fails."""

import gc
import random
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from numpy.typing import NDArray
from virtual_board import Built, build_board

from flow.engines.board import BoardEngine, CheckedBoard
from flow.engines.board_client import Link, RemoteBoard
from flow.errors import FlowError
from hw.runner.backends.virtual import Fault, Memory, VirtualDevice
from hw.runner.driver import Driver
from hw.runner.server.http import Server
from hw.runner.server.model import Answer, Model, driver_model
from hw.runner.server.settings import ServerSettings

_SHAPE, _DIGEST, _TOKEN = (2, 3, 1), "ab" * 16, "a token of many letters"
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
    """A certificate of 127.0.0.1 that signs itself, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    paths = folder / "board.pem", folder / "board.key"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    command += ["-out", str(paths[0]), "-keyout", str(paths[1])]
    subprocess.run(command, check=True, capture_output=True)
    return paths


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


class _BadLink:
    """A proxy that cuts, damages, delays or repeats some of what it carries."""

    def __init__(self, url: str, seed: int) -> None:
        place = urlsplit(url)
        self.target = (str(place.hostname), place.port or 0)
        self.random, self.cuts = random.Random(seed), 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(self.target)
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self._carry, args=(source, sink), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(4096):
                sink.sendall(self._spoilt(data))
        except (OSError, ConnectionError):
            pass
        for end in (source, sink):
            end.close()

    def _spoilt(self, data: bytes) -> bytes:
        fate = self.random.random()
        if fate < 0.15:
            self.cuts += 1
            raise ConnectionError("cut")
        if fate < 0.25:
            place = self.random.randrange(len(data))
            return (
                data[:place]
                + bytes([data[place] ^ 1 << self.random.randrange(8)])
                + data[place + 1 :]
            )
        if fate < 0.30:
            return data + data[-20:]
        return data

    def close(self) -> None:
        """Take no more connections."""
        self.listener.close()


@pytest.fixture
def bad_link() -> Iterator[tuple[_BadLink, Server]]:
    """A server behind a link that fails."""
    limits = ServerSettings(port=0, request_s=1.0, idle_s=5.0)
    with Server(_toy(), limits) as server:
        link = _BadLink(server.url, seed=5)
        yield link, server
        link.close()


@pytest.mark.slow
# tritonclient leaves the sockets of connections that were cut to the garbage collector
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_link_that_fails_changes_nothing(bad_link: tuple[_BadLink, Server]) -> None:
    link, _ = bad_link
    url = f"http://127.0.0.1:{link.port}/v2/models/toy"
    board = RemoteBoard(Link(url=url, batch=8, attempts=40, timeout_s=3.0), _DIGEST)
    for _ in range(8):
        np.testing.assert_array_equal(board.logits(IMAGES), _logits(IMAGES))
    board.close()
    gc.collect()
    assert link.cuts > 5
    assert board.figures.queries == 8 * len(IMAGES)
    assert board.figures.retries >= link.cuts // 2


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

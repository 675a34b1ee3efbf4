# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Connections beyond the limit: they are told so, and can hold nothing."""

import http.client
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
from numpy.typing import NDArray
from self_signed import self_signed

from hw.runner.server.http import Server
from hw.runner.server.model import Answer, Model
from hw.runner.server.refuser import Refuser
from hw.runner.server.settings import ServerSettings

_FLOOD = 48  # three times as many as are answered at once
_TRIES = 400


def _classify(images: NDArray[np.uint8]) -> Answer:
    return Answer(images.reshape(len(images), -1).astype(np.int32), cycles=len(images))


_MODEL = Model("toy", (1, 2, 1), 2, "logits", _classify)


@pytest.fixture
def full() -> Iterator[tuple[Server, http.client.HTTPConnection]]:
    """A server for one connection, and that connection."""
    settings = ServerSettings(port=0, most_connections=1)
    with Server(_MODEL, settings) as server, closing(_connect(server)) as first:
        _expect_alive(first)
        yield server, first


def _connect(server: Server, context: ssl.SSLContext | None = None) -> http.client.HTTPConnection:
    place = urlsplit(server.url)
    host = str(place.hostname)
    if context is not None:
        return http.client.HTTPSConnection(host, place.port, timeout=20, context=context)
    return http.client.HTTPConnection(host, place.port, timeout=20)


def _expect_alive(connection: http.client.HTTPConnection) -> None:
    connection.request("GET", "/v2/health/live")
    assert json.loads(connection.getresponse().read()) == {"live": True}


def _expect_full(connection: http.client.HTTPConnection, body: bytes | None = None) -> None:
    with closing(connection):
        connection.request("POST", "/v2/models/toy/infer", body)
        response = connection.getresponse()
        assert json.loads(response.read()) == {"error": "1 connections are open already"}
    assert (response.status, response.reason) == (503, "Service Unavailable")
    about = [response.headers[name] for name in ("Retry-After", "Connection", "Content-Type")]
    assert about == ["1", "close", "application/json"]


def test_a_connection_too_many_is_told_when_to_come_again(
    full: tuple[Server, http.client.HTTPConnection],
) -> None:
    server, first = full
    _expect_full(_connect(server))
    _expect_alive(first)


def test_who_still_sends_a_body_is_told_as_well(
    full: tuple[Server, http.client.HTTPConnection],
) -> None:
    server, _ = full
    _expect_full(_connect(server), bytes(8 << 20))


def test_a_place_that_is_left_is_given_away(
    full: tuple[Server, http.client.HTTPConnection],
) -> None:
    server, first = full
    first.close()
    _await_status(server, 200)


def _await_status(server: Server, status: int) -> None:
    """Connect again and again until this is the answer."""
    for _ in range(_TRIES):
        try:
            with closing(_connect(server)) as connection:
                connection.request("GET", "/v2/health/live")
                if connection.getresponse().status == status:
                    return
        except ConnectionError:  # closed without an answer: others are being told
            pass
        time.sleep(0.05)
    raise AssertionError(f"no status {status} in {_TRIES} connections")


def test_silent_clients_hold_nothing(full: tuple[Server, http.client.HTTPConnection]) -> None:
    server, first = full
    place = urlsplit(server.url)
    with ExitStack() as stack:
        clients = [
            stack.enter_context(
                socket.create_connection((str(place.hostname), place.port or 0), timeout=20)
            )
            for _ in range(_FLOOD)
        ]
        _expect_alive(first)
        said = [stack.enter_context(client.makefile("rb")).read() for client in clients]
        assert b"HTTP/1.1 503" in {one[:12] for one in said} <= {b"HTTP/1.1 503", b""}
        _await_status(server, 503)  # while they are still there
    _expect_alive(first)


@pytest.mark.parametrize("connections", [1, 0])  # a place for it, or one to be told so
def test_threads_that_cannot_start_lose_no_place(
    connections: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = ServerSettings(port=0, most_connections=1)
    with Server(_MODEL, settings) as server, ExitStack() as stack:
        if not connections:
            _expect_alive(stack.enter_context(closing(_connect(server))))
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", _no_thread)
            for _ in range(40):  # more than either kind of places
                with closing(_connect(server)) as lost, pytest.raises(ConnectionError):
                    _expect_alive(lost)
        _await_status(server, 200 if connections else 503)


def _no_thread(_: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


def test_a_flood_is_closed_without_an_answer() -> None:
    refuser = Refuser(None, most_connections=5, most_bytes=100, step_s=60)
    pairs = [socket.socketpair() for _ in range(20)]
    for server, _ in pairs:
        refuser.refuse(server)
    said = []
    for _, client in pairs:
        with client, client.makefile("rb") as answer:
            said.append(answer.read().split(b"\r\n\r\n")[-1])
    assert said == 16 * [b'{"error": "5 connections are open already"}'] + 4 * [b""]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return self_signed(tmp_path_factory.mktemp("tls"))


def test_it_is_told_over_tls_to_those_who_shake_hands(certificate: tuple[Path, Path]) -> None:
    own, key = certificate
    trust = ssl.create_default_context(cafile=str(own))
    settings = ServerSettings(port=0, certificate=own, key=key, most_connections=1)
    with Server(_MODEL, settings) as server, closing(_connect(server, trust)) as first:
        _expect_alive(first)
        place = urlsplit(server.url)
        silent = socket.create_connection((str(place.hostname), place.port or 0), timeout=20)
        with silent:
            _expect_full(_connect(server, trust))
            assert silent.recv(100) == b""  # it never shook hands
        _expect_alive(first)

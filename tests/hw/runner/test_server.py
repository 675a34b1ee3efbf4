# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The server against raw HTTP: exact answers, and one line for everything else."""

import http.client
import json
import re
import socket
import threading
import time
import zlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from numpy.typing import NDArray

from hw.runner.errors import BoardError
from hw.runner.server.http import Server
from hw.runner.server.model import Answer, Model
from hw.runner.server.settings import ServerSettings

_SHAPE = (2, 3, 1)
_INFER = "/v2/models/toy/infer"
_TOKEN = "a token of many letters"


def _classify(images: NDArray[np.uint8]) -> Answer:
    if (images == 255).all():
        raise BoardError("toy: the board is on fire; fetch water")
    sums = images.reshape(len(images), -1).astype(np.int32).sum(axis=1)
    return Answer(np.stack([sums, -sums], axis=1), cycles=7 * len(images))


MODEL = Model("toy", _SHAPE, 2, "logits", _classify, {"digest": "ab" * 16})


@pytest.fixture
def server() -> Iterator[Server]:
    """A server with small limits."""
    limits = ServerSettings(
        port=0,
        most_images=8,
        most_body_bytes=4096,
        most_header_bytes=2048,
        idle_s=1.0,
        request_s=1.0,
    )
    with Server(MODEL, limits) as running:
        yield running


def _images(count: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 200, (count, *_SHAPE), dtype=np.uint8)


def _body(images: NDArray[np.uint8], **changes: object) -> dict[str, Any]:
    tensor = {
        "name": "images",
        "datatype": "UINT8",
        "shape": list(images.shape),
        "data": images.reshape(-1).tolist(),
    }
    return {"id": "one", "inputs": [tensor | changes]}


def _ask(
    server: Server,
    method: str,
    path: str,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
) -> tuple[int, dict[str, Any], http.client.HTTPResponse]:
    place = urlsplit(server.url)
    connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=10)
    connection.request(method, path, body, headers or {})
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response.status, json.loads(content), response


def test_json_images_give_json_values(server: Server) -> None:
    images = _images(3)
    status, found, _ = _ask(server, "POST", _INFER, json.dumps(_body(images)).encode())
    assert status == 200
    values = _classify(images).values
    assert found["outputs"][0]["data"] == values.reshape(-1).tolist()
    assert found["id"] == "one"
    assert found["parameters"]["crc32"] == zlib.crc32(values.astype("<i4").tobytes())


def test_binary_images_give_binary_values(server: Server) -> None:
    images = _images(2)
    head = _body(images)
    del head["inputs"][0]["data"]
    head["inputs"][0]["parameters"] = {"binary_data_size": images.size}
    head["outputs"] = [{"name": "logits", "parameters": {"binary_data": True}}]
    text = json.dumps(head).encode()
    place = urlsplit(server.url)
    connection = http.client.HTTPConnection(str(place.hostname), place.port)
    headers = {"Inference-Header-Content-Length": str(len(text))}
    connection.request("POST", _INFER, text + images.tobytes(), headers)
    response = connection.getresponse()
    length = int(response.headers["Inference-Header-Content-Length"])
    found = np.frombuffer(response.read()[length:], "<i4").reshape(2, 2)
    np.testing.assert_array_equal(found, _classify(images).values)
    connection.close()


def test_metadata_health_and_statistics(server: Server) -> None:
    about = _ask(server, "GET", "/v2/models/toy")[1]
    assert about["inputs"] == [{"name": "images", "datatype": "UINT8", "shape": [-1, 2, 3, 1]}]
    assert about["parameters"]["digest"] == "ab" * 16
    for path in ("/v2", "/v2/health/live", "/v2/health/ready", "/v2/models/toy/ready"):
        assert _ask(server, "GET", path)[0] == 200
    _ask(server, "POST", _INFER, json.dumps(_body(_images(5))).encode())
    counts = _ask(server, "GET", "/v2/models/toy/stats")[1]
    assert (counts["requests"], counts["images"], counts["cycles"]) == (1, 5, 35)
    assert sum(counts["latency_ms"].values()) == 1


@pytest.mark.parametrize(
    ("changes", "status", "message"),
    [
        ({"name": "pictures"}, 400, "the tensor's name is images"),
        ({"datatype": "FP32"}, 400, "the datatype is UINT8"),
        ({"shape": [1, 3, 2, 1]}, 400, r"the shape is \[N, 2, 3, 1\]"),
        ({"shape": [True, 2, 3, 1]}, 400, r"the shape is \[N, 2, 3, 1\]"),
        ({"shape": [0, 2, 3, 1]}, 400, "N is 1 to 8, not 0"),
        ({"shape": [9, 2, 3, 1]}, 413, "N is 1 to 8, not 9"),
        ({"shape": [2, 2, 3, 1]}, 400, "6 values do not fill the shape"),
        ({"data": [256] * 6}, 400, "the data are integers of 0 to 255"),
        ({"data": [1.0] * 6}, 400, "the data are integers of 0 to 255"),
        ({"data": [[1, 2], [3]]}, 400, "the data are"),
        ({"data": None}, 400, "the data are integers of 0 to 255"),
        ({"parameters": {"binary_data_size": 6}}, 400, "binary_data_size is not the 0 bytes"),
    ],
)
def test_bad_tensors_are_refused(
    changes: dict[str, Any], status: int, message: str, server: Server
) -> None:
    found, content, _ = _ask(
        server, "POST", _INFER, json.dumps(_body(_images(1), **changes)).encode()
    )
    assert found == status
    assert re.search(message, content["error"])


@pytest.mark.parametrize(
    ("body", "headers", "status", "message"),
    [
        (b"{", {}, 400, "no JSON"),
        (b"[" * 4000, {}, 400, "no JSON"),
        (b"\xff\xfe", {}, 400, "no JSON"),
        (b"[]", {}, 400, "no object"),
        (b"{}", {}, 400, "exactly one tensor"),
        (b"{}", {"Inference-Header-Content-Length": "-1"}, 400, "is no number"),
        (b"{}", {"Inference-Header-Content-Length": "3"}, 400, "3 is over 2"),
        (b"{}", {"Content-Encoding": "gzip"}, 415, "compressed"),
        (b"x" * 4097, {}, 413, "4097 bytes are over 4096"),
    ],
)
def test_bad_bodies_are_refused(
    body: bytes, headers: dict[str, str], status: int, message: str, server: Server
) -> None:
    found, content, _ = _ask(server, "POST", _INFER, body, headers)
    assert (found, message in content["error"]) == (status, True)


def test_what_could_hide_another_request_is_refused(server: Server) -> None:
    hidden = b"GET /v2 HTTP/1.1\r\n\r\n"
    twice = b"Content-Length: 0\r\nContent-Length: %d\r\n" % len(hidden)
    for start, message in (
        (b"GET /v2 HTTP/1.1\r\nContent-Length: %d\r\n" % len(hidden), b"body: a GET has none"),
        (b"GET /v2 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n", b"body: a GET has none"),
        (b"POST %s HTTP/1.1\r\n" % _INFER.encode() + twice, b"Content-Length: is given more than"),
    ):
        place = urlsplit(server.url)
        with socket.create_connection((str(place.hostname), place.port or 0), timeout=10) as link:
            link.sendall(start + b"\r\n" + hidden)
            with link.makefile("rb") as answers:
                said = answers.read()
        assert message in said
        assert said.count(b"HTTP/1.1 ") == 1


def test_damaged_images_are_noticed(server: Server) -> None:
    body = _body(_images(1)) | {"parameters": {"crc32": 1}}
    status, content, _ = _ask(server, "POST", _INFER, json.dumps(body).encode())
    assert (status, "crc32 does not fit" in content["error"]) == (400, True)


def test_other_models_and_addresses_are_unknown(server: Server) -> None:
    for method, path in (("GET", "/v2/models/other"), ("POST", "/v2/models/other/infer")):
        status, content, _ = _ask(server, method, path, b"{}" if method == "POST" else None)
        assert (status, "this board holds toy" in content["error"]) == (404, True)
    assert _ask(server, "DELETE", "/v2")[0] == 501


def test_an_error_of_the_board_is_told(server: Server) -> None:
    images = np.full((1, *_SHAPE), 255, np.uint8)
    status, content, _ = _ask(server, "POST", _INFER, json.dumps(_body(images)).encode())
    assert (status, content["error"]) == (500, "toy: the board is on fire; fetch water")


@pytest.mark.parametrize("sent", [b"", b"POST /v2/models/toy/infer HTTP/1.1\r\nContent-Le"])
def test_slow_clients_are_let_go(sent: bytes, server: Server) -> None:
    place = urlsplit(server.url)
    with socket.create_connection((str(place.hostname), place.port or 0), timeout=10) as client:
        client.sendall(sent)
        start = time.monotonic()
        assert client.recv(1000) == b""
        assert time.monotonic() - start < 8


def test_large_headers_are_refused(server: Server) -> None:
    place = urlsplit(server.url)
    with socket.create_connection((str(place.hostname), place.port or 0), timeout=10) as client:
        client.sendall(b"GET /v2 HTTP/1.1\r\n" + b"X-Header: " + b"y" * 20_000 + b"\r\n")
        assert b" 431 " in client.recv(1000)


def test_a_token_is_asked_for() -> None:
    with Server(MODEL, ServerSettings(port=0, token=_TOKEN)) as server:
        for shown in ({}, {"Authorization": "Bearer "}, {"Authorization": f"Basic {_TOKEN}"}):
            assert _ask(server, "GET", "/v2", headers=shown)[0] == 401
        assert _ask(server, "GET", "/v2", headers={"Authorization": f"Bearer {_TOKEN}"})[0] == 200


def test_a_full_queue_is_told_with_when_to_come_again() -> None:
    gate = threading.Event()

    def slow(images: NDArray[np.uint8]) -> Answer:
        gate.wait(30)
        return _classify(images)

    model = Model("toy", _SHAPE, 2, "logits", slow)
    body = json.dumps(_body(_images(1))).encode()
    with Server(model, ServerSettings(port=0, most_waiting=1, most_images=1)) as server:
        statuses: list[int] = []
        clients = [
            threading.Thread(target=lambda: statuses.append(_ask(server, "POST", _INFER, body)[0]))
            for _ in range(6)
        ]
        for client in clients:
            client.start()
        while 503 not in statuses:
            time.sleep(0.01)
        gate.set()
        for client in clients:
            client.join()
    assert set(statuses) == {200, 503}


def test_many_clients_get_their_own_answers(server: Server) -> None:
    wrong: list[int] = []

    def client(seed: int) -> None:
        for step in range(10):
            images = _images(1 + step % 8, 100 * seed + step)
            found = _ask(server, "POST", _INFER, json.dumps(_body(images)).encode())[1]
            if found["outputs"][0]["data"] != _classify(images).values.reshape(-1).tolist():
                wrong.append(seed)

    threads = [threading.Thread(target=client, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert server.batcher.statistics.snapshot()["requests"] == 80


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"host": "0.0.0.0"}, "0.0.0.0 is no loopback address; give TLS and a token"),
        ({"host": "0.0.0.0", "token": _TOKEN}, "no loopback address"),
        ({"host": "board.example"}, "no loopback address"),
        ({"token": "short"}, "the token has 5 characters; give at least 16"),
        ({"port": 65_536}, "port 65536 is not 0 to 65535; give 8000 or so"),
        ({"certificate": "x.pem"}, "needs a certificate and its key; give both"),
        ({"client_authority": "x.pem"}, "client certificates need TLS"),
    ],
)
def test_unsafe_settings_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(BoardError, match=message):
        ServerSettings(**changes)


def test_a_taken_port_is_told(server: Server) -> None:
    with pytest.raises(BoardError, match="cannot be listened on"):
        Server(MODEL, ServerSettings(port=urlsplit(server.url).port or 0))

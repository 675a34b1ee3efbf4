# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Malformed HTTP over real sockets: a refusal in JSON or a closed connection, and no leak.

`python tests/hw/runner/test_server_socket_fuzz.py 100000` sends as many requests as it is told.
"""

import json
import random
import socket
import sys
import threading
import time
from collections import Counter
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import psutil

from hw.runner.server.http import Server
from hw.runner.server.model import Answer, Model
from hw.runner.server.settings import ServerSettings

_REQUESTS = 1500
_MOST_GROWTH = 24 << 20  # bytes of memory, from a tenth of the requests to the end
_PIECES = (
    *(b"\r\n", b"\n", b"\0", b" ", b":", b"\xff" * 8, b"A" * 5000, b"0" * 20, b"-1", b"1e9"),
    *(b"Transfer-Encoding: chunked\r\n", b"Content-Length: 3\r\n", b"Expect: 100-continue\r\n"),
    *(b"../../etc/passwd", b"%00", b"HTTP/0.9", b"HTTP/2.0", b"[" * 3000, b"{}", b"null", b"NaN"),
)
_METHODS = (b"POST", b"GET", b"PUT", b"HEAD", b"TRACE", b"", b"post", b"P\0ST")
_PATHS = (b"/v2/models/toy/infer", b"/v2/models/toy", b"/v2", b"/", b"", b"/v2/models/other/infer")


def _values(images: bytes) -> bytes:
    """Return what the toy computes of images of four bytes: sum and its negative."""
    sums = np.frombuffer(images, np.uint8).reshape(-1, 4).astype("<i4").sum(axis=1, dtype="<i4")
    return np.stack([sums, -sums], axis=1).astype("<i4").tobytes()


def _toy() -> Server:
    def classify(images: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> Answer:
        found = np.frombuffer(_values(images.tobytes()), "<i4").reshape(-1, 2)
        return Answer(found.astype(np.int32))

    limits = ServerSettings(port=0, most_images=8, most_body_bytes=4096, most_header_bytes=4096)
    return Server(Model("toy", (2, 2, 1), 2, "logits", classify), limits)


def _request(rng: random.Random, usual: float = 0.8) -> tuple[bytes, bytes]:
    """Return a request, well formed but for some methods and paths, and its images."""
    images = rng.randbytes(4 * rng.randint(1, 4))
    tensor = {
        "name": "images",
        "datatype": "UINT8",
        "shape": [len(images) // 4, 2, 2, 1],
        "parameters": {"binary_data_size": len(images)},
    }
    outputs = [{"name": "logits", "parameters": {"binary_data": True}}]
    head = json.dumps({"inputs": [tensor], "outputs": outputs}).encode()
    right = rng.random() < usual
    method, path = (_METHODS[0], _PATHS[0]) if right else (rng.choice(_METHODS), rng.choice(_PATHS))
    lines = (
        method + b" " + path + b" HTTP/1.1",
        b"Host: toy",
        b"Content-Length: %d" % (len(head) + len(images)),
        b"Inference-Header-Content-Length: %d" % len(head),
    )
    return b"\r\n".join(lines) + b"\r\n\r\n" + head + images, images


def _malformed(request: bytes, rng: random.Random) -> bytes:
    """Cut, repeat, replace or insert, once to three times."""
    for _ in range(rng.randint(1, 3)):
        first, second = sorted(rng.randrange(len(request) + 1) for _ in range(2))
        kind = rng.randrange(4)
        if kind == 0:
            request = request[:first] + request[second:]
        elif kind == 1:
            request = request[:second] + request[first:]
        elif kind == 2:
            request = request[:first] + rng.choice(_PIECES) + request[first + 1 :]
        else:
            request = request[:first] + rng.choice(_PIECES) + request[first:]
    return request


def _exchange(place: tuple[str, int], request: bytes) -> bytes:
    """Return all that the server says to what was sent at once."""
    said = b""
    with socket.create_connection(place, timeout=20) as link:
        try:
            link.sendall(request)
            link.shutdown(socket.SHUT_WR)
            while part := link.recv(65536):
                said += part
        except TimeoutError:
            raise
        except OSError:  # it closed before it read all
            pass
    return said


def _kind(said: bytes, request: bytes) -> str:
    """Return how the server took it, after a check of the answer."""
    if not said:
        return "closed"
    head, _, body = said.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 "):  # HTTP/0.9 has no head
        assert isinstance(json.loads(said), dict)
        return "0.9"
    status = head.split()[1].decode()
    if status == "100":  # Expect: 100-continue
        return _kind(body, request)
    assert status != "500", said
    fields = dict(line.partition(b": ")[::2] for line in head.split(b"\r\n")[1:])
    body = body[: int(fields[b"Content-Length"])]
    if status != "200":
        assert "\n" not in json.loads(body)["error"]
    elif length := int(fields.get(b"Inference-Header-Content-Length", b"0")):
        _check_answer(json.loads(body[:length]), body[length:], request)
    return status


def _check_answer(told: dict[str, Any], values: bytes, request: bytes) -> None:
    """Values that were given are those of images that stand in the request."""
    size = 4 * told["outputs"][0]["shape"][0]
    found = (request[i : i + size] for i in range(len(request) - size + 1))
    assert any(_values(images) == values for images in found), (request, values)


def _fuzz(requests: int, seed: int) -> Counter[str]:
    """Send malformed requests; return how they were taken."""
    rng, kinds, process = random.Random(seed), Counter[str](), psutil.Process()
    with _toy() as server:
        url = urlsplit(server.url)
        place = str(url.hostname), url.port or 0
        threads, before = threading.active_count(), 0
        for number in range(requests):
            request, _ = _request(rng)
            request = _malformed(request, rng) if number % 20 else request
            kinds[_kind(_exchange(place, request), request)] += 1
            if number == requests // 10:
                before = process.memory_info().rss
        after = process.memory_info().rss
        print(f"memory: {before / 2**20:.1f} MiB, then {after / 2**20:.1f} MiB")
        assert after - before < _MOST_GROWTH
        deadline = time.monotonic() + 20
        while threading.active_count() > threads and time.monotonic() < deadline:
            time.sleep(0.05)
        assert threading.active_count() <= threads
        request, images = _request(rng, usual=1.0)
        assert _exchange(place, request).endswith(_values(images))
    return kinds


def test_malformed_requests_are_refused_and_leave_nothing() -> None:
    kinds = _fuzz(_REQUESTS, seed=4)
    assert kinds["200"] >= _REQUESTS // 25
    assert kinds["400"] > _REQUESTS // 4
    assert set(kinds) <= {"200", "0.9", "closed", *(str(n) for n in range(400, 432)), "501", "505"}


if __name__ == "__main__":
    print(dict(_fuzz(int(sys.argv[1]), seed=0)))

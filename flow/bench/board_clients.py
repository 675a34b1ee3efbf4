# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Many clients of a board's server at once, each of whose answers is checked.

They speak the protocol over the standard library, so that what they find owes nothing to the
product's own client.
"""

import http.client
import json
import random
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import numpy as np

from flow.classifier import Images, Logits

__all__ = ["SoakResult", "soak"]

_MOST_IMAGES = 8  # of a request
_TIMEOUT_S = 120.0
_LENGTH = "Inference-Header-Content-Length"


@dataclass
class SoakResult:
    """What clients saw.

    Attributes:
        requests: that were sent.
        refused: of them, with status 503 (the queue was full), then sent again.
        lost: without an answer.
        mixed: whose answer was another request's.
        wrong: whose answer had a logit that is not the integers', or in another order.
        seconds: of each answer.
    """

    requests: int = 0
    refused: int = 0
    lost: int = 0
    mixed: int = 0
    wrong: int = 0
    seconds: list[float] = field(default_factory=list)

    def add(self, other: "SoakResult") -> None:
        """Count what another client saw, too."""
        for name in ("requests", "refused", "lost", "mixed", "wrong"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.seconds += other.seconds


def soak(url: str, images: Images, expected: Logits, *, clients: int, seconds: float) -> SoakResult:
    """Let clients ask for random images, one to eight a request, until the time is over.

    Args:
        url: http://host:port/v2/models/NAME.
        images: uint8[N, H, W, C], from which they draw.
        expected: int32[N, K], their logits.
        clients: at once, each with a connection of its own.
        seconds: after which no new request is sent.
    """
    end = time.monotonic() + seconds
    found = [SoakResult() for _ in range(clients)]
    threads = [
        threading.Thread(target=_Client(url, images, expected, seed, one).ask_until, args=(end,))
        for seed, one in enumerate(found)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return _sum(found)


def _sum(results: Sequence[SoakResult]) -> SoakResult:
    total = SoakResult()
    for result in results:
        total.add(result)
    return total


@dataclass
class _Client:
    url: str
    images: Images
    expected: Logits
    seed: int
    result: SoakResult

    def ask_until(self, end: float) -> None:
        """Ask until the time is over."""
        rng, place = random.Random(self.seed), urlsplit(self.url)
        link = http.client.HTTPConnection(str(place.hostname), place.port, timeout=_TIMEOUT_S)
        number = 0
        while time.monotonic() < end:
            chosen = [rng.randrange(len(self.images)) for _ in range(rng.randint(1, _MOST_IMAGES))]
            number += 1
            self.result.requests += 1
            try:
                self._ask(link, f"{self.seed}-{number}", chosen)
            except (OSError, http.client.HTTPException, ValueError, LookupError):
                self.result.lost += 1
                link.close()
        link.close()

    def _ask(self, link: http.client.HTTPConnection, name: str, chosen: list[int]) -> None:
        body, length = _request(name, self.images[chosen])
        while True:
            begin = time.perf_counter()
            link.request("POST", f"{urlsplit(self.url).path}/infer", body, {_LENGTH: str(length)})
            answer = link.getresponse()
            content = answer.read()
            if answer.status != http.client.SERVICE_UNAVAILABLE:
                break
            self.result.refused += 1
            time.sleep(float(answer.headers["Retry-After"]))
        head = json.loads(content[: int(answer.headers[_LENGTH])])
        values = np.frombuffer(content[int(answer.headers[_LENGTH]) :], "<i4")
        self.result.seconds.append(time.perf_counter() - begin)
        self.result.mixed += head["id"] != name
        self.result.wrong += not np.array_equal(values, self.expected[chosen].reshape(-1))


def _request(name: str, images: Images) -> tuple[bytes, int]:
    """Return the body of a request and the length of its JSON."""
    tensor = {
        "name": "images",
        "datatype": "UINT8",
        "shape": list(images.shape),
        "parameters": {"binary_data_size": images.size},
    }
    outputs = [{"name": "logits", "parameters": {"binary_data": True}}]
    head = json.dumps({"id": name, "inputs": [tensor], "outputs": outputs}).encode()
    return head + images.tobytes(), len(head)

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Malformed requests: every one is refused with a reason, or holds images that are what it says."""

import json
import random
import re
from collections.abc import Iterator

import numpy as np
import pytest

from hw.runner.server.model import Answer, Model
from hw.runner.server.protocol import InferRequest, ProtocolError, parse_infer

_MODEL = Model("toy", (2, 2, 1), 2, "logits", lambda images: Answer(images.reshape(-1, 4)[:, :2]))
_REQUESTS = 3000
_ODD = (None, True, -1, 0, 3, 1.5, "4", [], {}, [[]], [-1, 2, 2, 1], 2**70, "\x00", "images" * 50)


def _valid(rng: random.Random) -> tuple[dict[str, object], bytes]:
    count = rng.randint(1, 4)
    data = rng.randbytes(4 * count)
    tensor: dict[str, object] = {
        "name": "images",
        "datatype": "UINT8",
        "shape": [count, 2, 2, 1],
        "parameters": {"binary_data_size": len(data)},
    }
    outputs = [{"name": "logits", "parameters": {"binary_data": True}}]
    return {"id": "x", "inputs": [tensor], "outputs": outputs}, data


def _mutated(value: object, rng: random.Random) -> object:
    """Change one part of a JSON value."""
    if rng.random() < 0.3 or not isinstance(value, dict | list) or not value:
        return rng.choice(_ODD)
    keys = list(value) if isinstance(value, dict) else range(len(value))
    key = rng.choice(list(keys))
    copy = dict(value) if isinstance(value, dict) else list(value)
    if rng.random() < 0.2:
        del copy[key]
    else:
        copy[key] = _mutated(copy[key], rng)
    return copy


def _requests(seed: int) -> Iterator[tuple[bytes, str]]:
    rng = random.Random(seed)
    for _ in range(_REQUESTS):
        head, data = _valid(rng)
        text = json.dumps(_mutated(head, rng)).encode()
        body = text + data
        if rng.random() < 0.3:
            place = rng.randrange(len(body))
            body = body[:place] + rng.randbytes(rng.randint(0, 3)) + body[place + 1 :]
        length = str(len(text) + rng.choice((0, 0, 0, -1, 1, 10**6)))
        yield body, rng.choice((length, length, "", "-1", "x", "٣"))


def _check(found: InferRequest, body: bytes) -> None:
    """A request that was taken holds the images that its own bytes tell."""
    assert found.images.dtype == np.uint8
    assert 1 <= len(found.images) <= 4
    assert found.images.shape[1:] == _MODEL.image_shape
    assert found.images.tobytes() in body


def _refusal(body: bytes, length: str) -> ProtocolError | None:
    try:
        found = parse_infer(body, length, _MODEL, 4)
    except ProtocolError as error:
        return error
    _check(found, body)
    return None


@pytest.mark.parametrize("seed", [1, 2])
def test_nothing_malformed_is_accepted_or_crashes(seed: int) -> None:
    found = [_refusal(body, length) for body, length in _requests(seed)]
    refusals = [error for error in found if error]
    assert {error.status for error in refusals} <= {400, 413}
    assert all(re.match(r"[\w-]+: ", str(error)) for error in refusals)
    assert _REQUESTS // 2 < len(refusals) < _REQUESTS

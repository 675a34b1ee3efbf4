# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""`steelflow bench board`: the server's process, and clients that notice what is wrong."""

import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pytest
from quantized_digits import digits, digits_network

from flow.bench import board_server
from flow.bench.board_clients import soak
from flow.bench.board_server import served
from flow.classifier import Images, Logits
from flow.cli import main
from flow.engines.board_client import Link, RemoteBoard
from flow.errors import FlowError
from hw.runner.server.http import Server
from hw.runner.server.model import Answer, Model
from hw.runner.server.settings import ServerSettings

IMAGES = digits().test_images[:40]
EXPECTED = digits_network().logits(IMAGES)


def _toy(logits: Callable[[Images], Logits]) -> Server:
    model = Model("toy", (8, 8, 1), 10, "logits", lambda images: Answer(logits(images)))
    return Server(model, ServerSettings(port=0))


def test_the_native_engine_is_served_from_a_process_of_its_own(tmp_path: Path) -> None:
    with served(digits_network(), tmp_path) as url:
        board = RemoteBoard(Link(url=url), None)
        np.testing.assert_array_equal(board.logits(IMAGES), EXPECTED)
        board.close()


def _fails(path: Path, pipe: Connection) -> None:  # noqa: ARG001
    sys.exit(1)


def test_a_server_that_does_not_start_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board_server, "_serve", _fails)
    with (
        pytest.raises(FlowError, match="server: ended before it listened"),
        served(digits_network(), tmp_path),
    ):
        pass


def test_clients_count_what_they_ask() -> None:
    with _toy(digits_network().logits) as server:
        found = soak(f"{server.url}/v2/models/toy", IMAGES, EXPECTED, clients=5, seconds=0.5)
        counted = server.batcher.statistics.snapshot()["requests"]
    assert found.requests == counted == len(found.seconds) >= 5
    assert (found.lost, found.mixed, found.wrong) == (0, 0, 0)


def test_wrong_logits_are_noticed() -> None:
    with _toy(lambda images: digits_network().logits(images)[::-1] + np.int32(1)) as server:
        found = soak(f"{server.url}/v2/models/toy", IMAGES, EXPECTED, clients=2, seconds=0.3)
    assert found.wrong == found.requests > 0


def test_a_server_that_is_gone_loses_requests() -> None:
    with _toy(digits_network().logits) as server:
        url = f"{server.url}/v2/models/toy"
    found = soak(url, IMAGES, EXPECTED, clients=2, seconds=0.1)
    assert found.lost == found.requests > 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--models", "lenet"], "--models lenet: unknown; known here: "),
        (["--clients", "0"], "--clients 0: give more than 0"),
        (["--minutes", "-1"], "--minutes -1: give more than 0"),
    ],
)
def test_bad_options_are_refused(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "board", *arguments]) == 2
    assert message in capsys.readouterr().err

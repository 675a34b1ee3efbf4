# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A network on the native engine behind a board's server, in a process of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from flow.classifier import Images
from flow.errors import FlowError
from flow.integer import IntegerNetwork
from flow.integer.native import NativeNetwork
from hw.runner.server.http import Server
from hw.runner.server.model import Answer, Model
from hw.runner.server.settings import ServerSettings

__all__ = ["MODEL", "served"]

MODEL = "network"
_START_S = 60.0


@contextmanager
def served(network: IntegerNetwork, folder: Path) -> Iterator[str]:
    """Give the address of the network's server; it ends with the block.

    Raises:
        FlowError: it did not start.
    """
    path = folder / "network.npz"
    network.save(path)
    here, there = get_context("spawn").Pipe()
    process = get_context("spawn").Process(target=_serve, args=(path, there), daemon=True)
    process.start()
    there.close()
    try:
        if not here.poll(_START_S):
            raise FlowError(f"server: did not start in {_START_S:g} s; see to the machine's load")
        yield f"{_address(here)}/v2/models/{MODEL}"
    finally:
        here.close()  # which the server takes for its end
        process.join()


def _address(pipe: Connection) -> str:
    try:
        return str(pipe.recv())
    except EOFError as error:
        raise FlowError("server: ended before it listened; its own error is above") from error


def _serve(path: Path, pipe: Connection) -> None:
    network = NativeNetwork(IntegerNetwork.load(path), threads=1)

    def classify(images: Images) -> Answer:
        return Answer(network.logits(images))

    model = Model(MODEL, network.input_shape, network.classes, "logits", classify)
    with Server(model, ServerSettings(port=0)) as server:
        pipe.send(server.url)
        try:
            pipe.recv()
        except EOFError:
            return

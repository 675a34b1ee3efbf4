# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A proxy that cuts, damages, repeats or delays some of what it carries."""

import contextlib
import random
import socket
import threading
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

__all__ = ["BadLink", "Faults"]


@dataclass(frozen=True, kw_only=True)
class Faults:
    """Probabilities, for each piece of at most 4 KiB in either direction."""

    cut: float = 0.15
    damaged: float = 0.10
    repeated: float = 0.05
    delayed: float = 0.0
    delay_s: float = 0.02


class BadLink:
    """Listens on a port of its own and forwards to a server's address.

    Attributes:
        cuts, damages, repeats, delays: how often each has happened.
    """

    def __init__(self, url: str, seed: int, faults: Faults | None = None) -> None:
        place = urlsplit(url)
        self.target = (str(place.hostname), place.port or 0)
        self.random, self.faults = random.Random(seed), faults or Faults()
        self.cuts = self.damages = self.repeats = self.delays = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        self.listener.close()

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
        except OSError:
            pass
        for end in (source, sink):  # close alone would wait for the other thread's recv
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _spoilt(self, data: bytes) -> bytes:
        fate, faults = self.random.random(), self.faults
        if fate < faults.cut:
            self.cuts += 1
            raise ConnectionError("cut")
        fate -= faults.cut
        if fate < faults.damaged:
            self.damages += 1
            place = self.random.randrange(len(data))
            flipped = data[place] ^ 1 << self.random.randrange(8)
            return data[:place] + bytes([flipped]) + data[place + 1 :]
        fate -= faults.damaged
        if fate < faults.repeated:
            self.repeats += 1
            return data + data[-20:]
        if fate - faults.repeated < faults.delayed:
            self.delays += 1
            time.sleep(faults.delay_s)
        return data

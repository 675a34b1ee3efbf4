# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The answer to connections that find no place: they are told, but can hold nothing for long."""

import json
import socket
import ssl
import threading
from typing import Any

from ._stream import LimitedStream

__all__ = ["Refuser"]

_MOST_TOLD = 16  # connections at once; more are closed without an answer
_RETRY_S = 1


class Refuser:
    """Tells connections that the server is full, each in a thread that soon ends.

    Args:
        tls: context of TLS, where it is spoken.
        most_connections: that the server holds, to be told.
        most_bytes: of a request; more of it is not read.
        step_s: for the handshake, for the answer, and for what the client still sends.
    """

    def __init__(
        self,
        tls: "ssl.SSLContext | None",
        *,
        most_connections: int,
        most_bytes: int,
        step_s: float = 1.0,
    ) -> None:
        self._tls, self._most_bytes, self._step_s = tls, most_bytes, step_s
        self._answer = _answer(most_connections)
        self._places = threading.Semaphore(_MOST_TOLD)

    def refuse(self, connection: Any) -> None:  # noqa: ANN401  # as socketserver hands it on
        """Return at once; the connection is answered, if few others are, and closed."""
        if not self._places.acquire(blocking=False):
            connection.close()
            return
        try:
            threading.Thread(target=self._tell, args=(connection,), daemon=True).start()
        except RuntimeError:  # no thread can be started; the place is the next connection's
            self._places.release()
            connection.close()

    def _tell(self, connection: socket.socket) -> None:
        try:
            connection.settimeout(self._step_s)
            if self._tls is not None:
                connection = self._tls.wrap_socket(connection, server_side=True)
            connection.sendall(self._answer)
            self._drain(connection)
        except (OSError, OverflowError):  # it is slow, large or gone: the client's business
            pass
        finally:
            connection.close()
            self._places.release()

    def _drain(self, connection: socket.socket) -> None:
        """Read until the client closes: bytes that nobody reads would reset what it was told."""
        connection.shutdown(socket.SHUT_WR)
        stream = LimitedStream(connection)
        stream.allow(self._step_s, self._most_bytes)
        while stream.read(1 << 16):
            pass


def _answer(most_connections: int) -> bytes:
    body = json.dumps({"error": f"{most_connections} connections are open already"}).encode()
    head = (
        "HTTP/1.1 503 Service Unavailable\r\n"
        "Content-Type: application/json\r\n"
        f"Retry-After: {_RETRY_S}\r\n"
        "Connection: close\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body

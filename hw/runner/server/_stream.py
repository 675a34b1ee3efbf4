# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Reads from a socket that end in time and within a budget."""

import io
import socket
import time
from typing import Any

__all__ = ["LimitedStream"]


class LimitedStream(io.RawIOBase):
    """A socket's bytes; each read ends before the deadline, and within the budget.

    Raises TimeoutError after the deadline, and OverflowError when the budget is spent.
    """

    def __init__(self, connection: socket.socket) -> None:
        super().__init__()
        self._connection = connection
        self._deadline, self._budget = 0.0, 0

    def allow(self, seconds: float, size: int) -> None:
        """Let so many bytes come in so many seconds from now."""
        self._deadline, self._budget = time.monotonic() + seconds, size

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401  # Buffer is of Python 3.12
        """See io.RawIOBase."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the request did not come in time")
        if self._budget <= 0:
            raise OverflowError("the request is larger than allowed")
        self._connection.settimeout(left)
        view = memoryview(buffer)[: self._budget]
        count = self._connection.recv_into(view)
        self._budget -= count
        return count

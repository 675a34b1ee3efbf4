# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Counts of a server: requests, images, cycles and how long answers took."""

import threading
from typing import Any

__all__ = ["Statistics"]

_BOUNDS_MS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)


class Statistics:
    """Counters for all threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts = dict.fromkeys(
            ("requests", "images", "batches", "cycles", "refused", "failed"), 0
        )
        self._latency = [0] * (len(_BOUNDS_MS) + 1)

    def answered(self, images: int, seconds: float) -> None:
        """Count a request that got its values."""
        place = sum(1000 * seconds > bound for bound in _BOUNDS_MS)
        with self._lock:
            self._counts["requests"] += 1
            self._counts["images"] += images
            self._latency[place] += 1

    def batch(self, cycles: int) -> None:
        """Count a call of the model."""
        with self._lock:
            self._counts["batches"] += 1
            self._counts["cycles"] += cycles

    def refused(self) -> None:
        """Count a request that found the queue full."""
        with self._lock:
            self._counts["refused"] += 1

    def failed(self, requests: int) -> None:
        """Count requests that the model failed."""
        with self._lock:
            self._counts["failed"] += requests

    def snapshot(self) -> dict[str, Any]:
        """Return all counts; latency_ms maps the upper bound of a bin to its requests."""
        with self._lock:
            names = [*map(str, _BOUNDS_MS), "inf"]
            return {**self._counts, "latency_ms": dict(zip(names, self._latency, strict=True))}

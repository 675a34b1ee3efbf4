# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""One accelerator for many clients: their images are joined to batches and answered in order."""

import queue
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .model import Model
from .statistics import Statistics

__all__ = ["Answered", "Batcher", "BusyError"]


class BusyError(RuntimeError):
    """More waits than the queue holds."""


class Answered(NamedTuple):
    """Values int32[N, K], their share of the model's cycles, and the seconds since they came."""

    values: NDArray[np.int32]
    cycles: int
    seconds: float


@dataclass(frozen=True)
class _Job:
    images: NDArray[np.uint8]
    answer: "Future[Answered]"
    begin: float


class Batcher:
    """A thread that asks the model; every job gets the values of its own images.

    Args:
        model: that is asked.
        most_images: in one call of the model.
        most_waiting: jobs; more are refused.
    """

    def __init__(self, model: Model, *, most_images: int, most_waiting: int) -> None:
        self.model, self.most_images = model, most_images
        self.statistics = Statistics()
        self._jobs: queue.Queue[_Job | None] = queue.Queue(most_waiting)
        self._held: _Job | None = None  # too large for the batch before
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def submit(self, images: NDArray[np.uint8]) -> "Future[Answered]":
        """Return the values to come of images uint8[N, H, W, C].

        Raises:
            BusyError: too many jobs wait.
        """
        job = _Job(images, Future(), time.perf_counter())
        try:
            self._jobs.put_nowait(job)
        except queue.Full as error:
            self.statistics.refused()
            raise BusyError(f"{self._jobs.maxsize} requests wait already") from error
        return job.answer

    def close(self) -> None:
        """Answer what waits, and stop."""
        self._jobs.put(None)
        self._thread.join()

    def _work(self) -> None:
        while True:
            first = self._held or self._jobs.get()
            self._held = None
            if first is None:
                return
            jobs, ended = self._join(first)
            self._answer(jobs)
            if ended:
                return

    def _join(self, first: _Job) -> tuple[list[_Job], bool]:
        """Return jobs of one batch, and whether the batcher is to stop after them."""
        jobs, images = [first], len(first.images)
        while True:
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return jobs, False
            if job is None:
                return jobs, True
            if images + len(job.images) > self.most_images:
                self._held = job
                return jobs, False
            jobs.append(job)
            images += len(job.images)

    def _answer(self, jobs: list[_Job]) -> None:
        try:
            found = self.model.classify(np.concatenate([job.images for job in jobs]))
        except Exception as error:  # handed to those who wait
            self.statistics.failed(len(jobs))
            for job in jobs:
                job.answer.set_exception(error)
            return
        end, place = time.perf_counter(), 0
        self.statistics.batch(found.cycles)
        for job in jobs:
            behind = place + len(job.images)
            cycles = [found.cycles * count // len(found.values) for count in (place, behind)]
            self.statistics.answered(len(job.images), end - job.begin)
            values, seconds = found.values[place:behind], end - job.begin
            job.answer.set_result(Answered(values, cycles[1] - cycles[0], seconds))
            place = behind

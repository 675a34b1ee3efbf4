# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The check of a Dask worker: only one that would compute the same bits gets the work.

A worker that passes offers a resource named after the fingerprint, which every task asks for, one
unit of one: so a worker computes one item at a time, however many threads it has.
"""

import asyncio

from distributed import Worker, WorkerPlugin

from flow.cluster.fingerprint import DataFile, Fingerprint, own_fingerprint, wrong_file

__all__ = ["Admission", "problem_here"]


def problem_here(expected: Fingerprint, *, floats: bool, files: tuple[DataFile, ...]) -> str:
    """Say in words why this process would compute other bits; "" if it would not."""
    problem = expected.difference(own_fingerprint(), floats=floats)
    return problem or next(filter(None, map(wrong_file, files)), "")


class Admission(WorkerPlugin):
    """Runs on every worker, now or when it joins.

    Attributes:
        name: of the plugin and of the resource.
    """

    def __init__(
        self, name: str, expected: Fingerprint, *, floats: bool, files: tuple[DataFile, ...]
    ) -> None:
        self.name, self.expected, self.floats, self.files = name, expected, floats, files

    async def setup(self, worker: Worker) -> None:
        """Offer the resource if nothing differs."""
        problem = await asyncio.to_thread(
            problem_here, self.expected, floats=self.floats, files=self.files
        )
        await worker.set_resources(**{self.name: 0.0 if problem else 1.0})

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""How many threads torch uses."""

from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["one_thread", "threads"]


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Let torch compute on so many threads inside the block, and on as many as before after it."""
    import torch  # noqa: PLC0415 - takes a second, and workers of integers do without

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch compute on one thread inside the block.

    For networks of this size that is faster than two threads that wait for each other, and it
    makes the bits of a result independent of the number of cores.
    """
    with threads(1):
        yield

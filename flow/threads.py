# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""How many threads torch uses, and the kernels that compute for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

__all__ = ["kernel_threads", "kernels_alone", "one_thread", "threads"]

_KERNELS: ContextVar[int | None] = ContextVar("_KERNELS", default=None)


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


@contextmanager
def kernels_alone() -> Iterator[None]:
    """Give torch's threads to the kernels of ours that it calls, and leave torch one.

    Threads of torch spin for a while after each of its operations, and would take the cores from
    those of the kernels: two threads of each on two cores are slower than the kernels' two alone.
    """
    token = _KERNELS.set(kernel_threads())
    try:
        with one_thread():
            yield
    finally:
        _KERNELS.reset(token)


def kernel_threads() -> int:
    """Return how many threads a kernel that torch calls may use: torch's, or see kernels_alone."""
    import torch  # noqa: PLC0415 - as in threads

    return _KERNELS.get() or torch.get_num_threads()

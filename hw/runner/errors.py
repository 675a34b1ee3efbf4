# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Errors of a board that its user can mend."""

__all__ = ["BoardError", "BoardTimeoutError", "RunError", "WrongKernelError"]


class BoardError(RuntimeError):
    """A board that cannot be used as asked; one line: what, where, remedy."""


class BoardTimeoutError(BoardError):
    """A board that did not answer in time."""


class WrongKernelError(BoardError):
    """A board that holds another kernel than the one described."""


class RunError(BoardError):
    """A run that the kernel itself ended with an error."""

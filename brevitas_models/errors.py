# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Errors of this package that a user can mend."""

__all__ = ["ModelError"]


class ModelError(ValueError):
    """A network or checkpoint that cannot be used; the message is one line: what, where, remedy."""

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Errors that a user can mend: the command line prints them in one line and exits with 2."""

from brevitas_models.errors import ModelError
from hw.errors import HardwareError

__all__ = ["USER_ERRORS", "FlowError"]


class FlowError(ValueError):
    """Input that cannot be used; one line: subject, rule, offending value, remedy.

    Attributes:
        setting: the one that mends it, "" for none; the command line adds its flag.
    """

    def __init__(self, message: str, *, setting: str = "") -> None:
        super().__init__(message)
        self.setting = setting


USER_ERRORS = (FlowError, HardwareError, ModelError)

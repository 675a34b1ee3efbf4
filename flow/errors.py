# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Errors that a user can mend: the command line prints them in one line and exits with 2."""

from brevitas_models.errors import ModelError
from hw.errors import HardwareError

__all__ = ["USER_ERRORS", "FlowError", "SettingError"]


class FlowError(ValueError):
    """Input that cannot be used; one line: subject, rule, offending value, remedy."""


class SettingError(FlowError):
    """A FlowError that other settings mend; the command line adds the flags that set them.

    Attributes:
        settings: their names, as keyword arguments of the library call or fields of its settings.
    """

    def __init__(self, message: str, *settings: str) -> None:
        super().__init__(message)
        self.settings = settings


USER_ERRORS = (FlowError, HardwareError, ModelError)

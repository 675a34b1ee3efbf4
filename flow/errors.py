# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Errors that a user can mend: the command line prints them in one line and exits with 2."""

from brevitas_models.errors import ModelError
from hw.errors import HardwareError

__all__ = ["USER_ERRORS", "FlowError"]


class FlowError(ValueError):
    """Input that cannot be used; one line: subject, rule, offending value, remedy."""


USER_ERRORS = (FlowError, HardwareError, ModelError)

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Dataclasses read from the plain values that a checkpoint, a card or a configuration holds."""

from typing import TypeVar, cast

from pydantic import ConfigDict, ValidationError, create_model

from brevitas_models.errors import ModelError

__all__ = ["from_plain"]

_Kind = TypeVar("_Kind")


def from_plain(kind: type[_Kind], content: object, subject: str) -> _Kind:
    """Return the dataclass whose fields, nested ones too, these mappings and lists are.

    Raises:
        ModelError: beginning with `subject`: a field is missing, unknown or of another type.
    """
    holder = create_model("Holder", __config__=ConfigDict(extra="forbid"), value=(kind, ...))
    try:
        return cast("_Kind", holder.model_validate({"value": content}).value)  # type: ignore[attr-defined]
    except ValidationError as error:
        problem = error.errors()[0]
        where = ".".join(str(part) for part in problem["loc"][1:]) or "all of it"
        reason = problem["msg"].removeprefix("Value error, ")
        raise ModelError(f"{subject}: cannot be used ({where}: {reason})") from error

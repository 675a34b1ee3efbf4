# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What every section of a configuration is, and how one is read."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Self, TypeVar, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from flow.errors import FlowError
from steelflow_names import hint

__all__ = ["Bits", "Distinct", "Epsilon", "Positive", "Section", "parse_section", "unless_given"]

Bits = Annotated[int, Field(ge=1, le=8)]
Epsilon = Annotated[int, Field(ge=0, le=255)]
Positive = Annotated[int, Field(gt=0)]
Kind = TypeVar("Kind", bound=BaseModel)


def _distinct(values: tuple[Any, ...]) -> tuple[Any, ...]:
    if not values or len(set(values)) < len(values):
        raise ValueError("give at least one, and each once")
    return values


Distinct = AfterValidator(_distinct)


def unless_given(default: object) -> Any:  # noqa: ANN401 - as pydantic's Field
    """Return a field that is newer than finished runs: its default leaves their digests alone."""
    return Field(default=default, exclude_if=lambda value: value == default)


if TYPE_CHECKING:
    _Refusing = type
else:

    class _Refusing(type(BaseModel)):
        """Says in one line what Python code gave wrong; parse_section does it for files."""

        def __call__(cls, **values: object) -> BaseModel:
            try:
                return super().__call__(**values)
            except ValidationError as error:
                raise FlowError(f"{cls.__name__}: {_first_problem(cls, error)}") from error


class Section(BaseModel, metaclass=_Refusing):
    """Frozen; unknown keys, values of another type and numbers that are not finite are refused.

    Constructing one raises FlowError, with the key and the nearest known one.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    def changed(self, **values: Any) -> Self:  # noqa: ANN401 - of the fields
        """Return the same with other values for some keys.

        Raises:
            FlowError: see the class.
        """
        given = {key: getattr(self, key) for key in self.model_fields_set}
        return type(self)(**given | values)


def parse_section(kind: type[Kind], values: dict[str, Any], where: str) -> Kind:
    """Validate one section of a configuration; `where` begins the errors.

    Raises:
        FlowError: an unknown key, with the nearest known one; a value of another type or range.
    """
    try:
        return kind.model_validate(_lists_to_tuples(values))
    except ValidationError as error:
        raise FlowError(f"{where}: {_first_problem(kind, error)}") from error


def _lists_to_tuples(value: Any) -> Any:  # noqa: ANN401 - YAML holds anything
    if isinstance(value, dict):
        return {key: _lists_to_tuples(item) for key, item in value.items()}
    return tuple(_lists_to_tuples(item) for item in value) if isinstance(value, list) else value


def _first_problem(kind: type[BaseModel], error: ValidationError) -> str:
    problem = min(error.errors(), key=lambda found: found["type"] != "extra_forbidden")
    key = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        *section, unknown = problem["loc"]
        return f"unknown key {key!r}{hint(str(unknown), _fields_at(kind, section))}"
    if problem["type"] == "missing":
        return f"the key {key!r} is missing; add it"
    if not key:  # of several sections
        return str(problem["msg"]).removeprefix("Value error, ")
    rule = problem["msg"]
    if problem["type"] == "model_type":
        rule = f"it is a section; give its keys: {', '.join(_fields_at(kind, problem['loc']))}"
    return f"{key}: {problem['input']!r} is refused: {rule}"


def _fields_at(model: type[BaseModel], location: Sequence[int | str]) -> tuple[str, ...]:
    """Return the keys of the section at a place inside a section of this kind."""
    for part in location:
        annotation = (
            model.model_fields[str(part)].annotation if part in model.model_fields else None
        )
        candidates = (annotation, *get_args(annotation))
        model = next(
            (kind for kind in candidates if isinstance(kind, type) and issubclass(kind, BaseModel)),
            model,
        )
    return tuple(model.model_fields)

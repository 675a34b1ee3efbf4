# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A part by name, by board, or from a file that describes it."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from hw.errors import HardwareError
from hw.parts.part import Family, Part
from hw.parts.table import PARTS
from steelflow_names import near, one_line

__all__ = ["find_part", "is_ecp5", "known_parts", "part_file"]

_FILES = (".yaml", ".yml", ".json")
_DSP = {
    Family.SERIES_7: "DSP48E1",
    Family.ULTRASCALE_PLUS: "DSP48E2",
    Family.VERSAL: "DSP58",
}
_FAMILIES = ", ".join(family.value for family in Family)
_READER = TypeAdapter(Part)

# FINN knows parts by name alone: what a file has described is found by its name from then on.
_described: dict[str, Part] = {}


def known_parts() -> tuple[Part, ...]:
    """Return the parts that are built in, and those that this process has read from files."""
    return (*PARTS, *_described.values())


def part_file(name: str) -> Path | None:
    """Return the file if the name is that of one, by its suffix, and no part's."""
    return Path(name) if Path(name).suffix.lower() in _FILES else None


def find_part(name: str) -> Part:
    """Return a part by its full name, its device ("xck26"), its board, or the file of one.

    Case does not matter in names. A file is YAML with the fields of Part; its part is known by name
    too from then on, in this process, over one that is built in.

    Raises:
        HardwareError: no such part, with the names that are near; a file that describes none.
    """
    file = part_file(name)
    if file is not None:
        part = _read(file)
        _described[part.name.lower()] = part
        return part
    wanted = name.strip().lower()
    for part in (*_described.values(), *PARTS):
        names = (part.name, part.device, *part.boards)
        if wanted in (known.lower() for known in names):
            return part
    labels = [label for part in known_parts() for label in (part.device, part.name, *part.boards)]
    found = " or ".join(map(repr, near(name, labels)))
    meant = f"; did you mean {found}?" if found else "."
    raise HardwareError(f"part {name!r}: is unknown{meant} {_REMEDY}")


def is_ecp5(name: str) -> bool:
    """Say whether a part is an ECP5; one that FINN alone knows is none."""
    try:
        return find_part(name).family is Family.ECP5
    except HardwareError:
        return False


_REMEDY = "The parts that are known: `steelflow parts`; a .yaml file can describe another"


def _read(path: Path) -> Part:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise HardwareError(f"part {path}: cannot be read as YAML ({one_line(error)})") from error
    try:
        part = _READER.validate_python(content)
    except ValidationError as error:
        raise HardwareError(
            f"part {path}: {_problem(error.errors()[0])}; give name, family ({_FAMILIES}), "
            "lut, ff, dsp and bram36, and the board if you like"
        ) from error
    if part.family is Family.ECP5:
        return part
    from finn.util.basic import get_dsp_block  # noqa: PLC0415 - slow to import

    unit, needed = get_dsp_block(part.name.lower()), _DSP[part.family]
    if unit != needed:
        raise HardwareError(
            f"part {path}: the name {part.name!r} stands for a device with {unit} slices, and "
            f"family {part.family.value} has {needed}; correct the name or the family"
        )
    return part


def _problem(error: Any) -> str:  # noqa: ANN401 - pydantic's own dictionary
    field = ".".join(map(str, error["loc"]))
    return f"{field}: {error['msg']}" if field else str(error["msg"])

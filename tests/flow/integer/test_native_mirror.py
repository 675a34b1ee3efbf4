# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Python's mirrors of the engines' structures, field by field against what the compiler says."""

import ctypes
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

import flow
from flow.integer.incremental import _library as incremental
from flow.integer.native import _library as native

INTEGER = Path(flow.__file__).parent / "integer"
NATIVE = (native.CTensor, native.COp, native.CPlan)
INCREMENTAL = (
    *(incremental.CSource, incremental.CNode, incremental.CProgram),
    *(incremental.CCells, incremental.CFlipTask, incremental.CTreeTask),
)


def compiled(headers: Path, names: str, expressions: Sequence[str], folder: Path) -> list[int]:
    """Return the values of constant expressions that see all of an engine's headers."""
    included = "".join(f'#include "{path}"\n' for path in sorted(headers.glob("*.hpp")))
    printed = "".join(f'    std::printf("%zu\\n", {one});\n' for one in expressions)
    text = f"#include <cstddef>\n#include <cstdio>\n{included}using namespace {names};\n"
    (folder / "print.cpp").write_text(f"{text}int main() {{\n{printed}}}\n")
    command = ["g++", "-std=c++20", "-w", "print.cpp", "-o", "print"]
    subprocess.run(command, cwd=folder, check=True)
    done = subprocess.run([folder / "print"], capture_output=True, text=True, check=True)
    return [int(line) for line in done.stdout.split()]


@pytest.mark.parametrize(
    ("room", "names", "mirrors"),
    [("native", "steelflow", NATIVE), ("incremental", "incremental", INCREMENTAL)],
)
def test_every_field_lies_where_the_compiler_puts_it(
    room: str, names: str, mirrors: tuple[type[ctypes.Structure], ...], tmp_path: Path
) -> None:
    expressions, expected = [], []
    for mirror in mirrors:
        struct = mirror.__name__.removeprefix("C")
        expressions.append(f"sizeof({struct})")
        expected.append(ctypes.sizeof(mirror))
        for name, *_ in mirror._fields_:
            field = getattr(mirror, name)
            expressions += [f"offsetof({struct}, {name})", f"sizeof({struct}::{name})"]
            expected += [field.offset, field.size]
    found = compiled(INTEGER / room / "src", names, expressions, tmp_path)
    assert dict(zip(expressions, found, strict=True)) == dict(
        zip(expressions, expected, strict=True)
    )

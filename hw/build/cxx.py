# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""C++ to objects, a library or a program, as files and the command of a plan."""

import json
import shutil
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path

from hw.build._compile import JOB
from hw.build.plan import PYTHON
from hw.errors import HardwareError

__all__ = ["CxxJob", "compiler_version", "require_compiler"]

_SCRIPT = "compile.py"


@dataclass(frozen=True, kw_only=True)
class CxxJob:
    """What to generate, compile and link in the folder of a plan.

    Words and sources may hold $NAME of a plan's `locations`.

    Attributes:
        before: commands, one after the other, that generate sources.
        compile: the compiler and its flags.
        sources: paths, or patterns of paths in the folder, in this order; joined to units by
            #include, which become unit_0.o and so on.
        least_bytes: a unit has more of source, unless it is the last; 0 for a unit a source.
        most_bytes: a unit is closed when it has more; in between, there is a unit a core.
        link: the linker and its flags; none where the objects are the product.
        libraries: of the linker, after the objects.
    """

    compile: tuple[str, ...]
    sources: tuple[str, ...]
    before: tuple[tuple[str, ...], ...] = ()
    least_bytes: int = 0
    most_bytes: int = 0
    link: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()

    @property
    def files(self) -> dict[str, bytes]:
        """Return what the plan holds besides the sources."""
        script = Path(__file__).with_name("_compile.py").read_bytes()
        return {_SCRIPT: script, JOB: json.dumps(asdict(self), indent=1).encode()}

    @property
    def command(self) -> tuple[str, ...]:
        """Return the command of the plan."""
        return (PYTHON, _SCRIPT)


def compiler_version(compiler: str = "g++") -> str:
    """Return the first line that a compiler says of itself, or nothing if there is none."""
    path = shutil.which(compiler)
    if path is None:
        return ""
    found = subprocess.run([path, "--version"], capture_output=True, text=True, check=True)
    return found.stdout.splitlines()[0]


def require_compiler(compiler: str = "g++") -> None:
    """Check that there is a C++ compiler.

    Raises:
        HardwareError: there is none; names the package.
    """
    if shutil.which(compiler) is None:
        package = "g++" if compiler == "g++" else f"the package of {compiler}"
        raise HardwareError(f"{compiler}: not found; install it with: apt-get install {package}")

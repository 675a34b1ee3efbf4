# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The wheel of 64-bit ARM, cross-built as docs/development.md says, its libraries under qemu."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from flow.environment import environment_with
from flow.integer.incremental import _library as incremental
from flow.integer.native import _gradient_library, _library

_ROOT, _HERE = Path(__file__).parents[3], Path(__file__).parent
_COMPILER, _EMULATOR = "aarch64-linux-gnu-g++", "qemu-aarch64"
_SYSTEM = "/usr/aarch64-linux-gnu"  # the cross compiler's own libraries
_SUFFIX = f".cpython-{sys.version_info[0]}{sys.version_info[1]}-aarch64-linux-gnu.so"
_NATIVE = f"flow/integer/native/_kernels{_SUFFIX}"
_INCREMENTAL = f"flow/integer/incremental/_kernels{_SUFFIX}"
_AARCH64 = 183  # e_machine of ELF


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    for tool in (_COMPILER, _EMULATOR):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is missing: apt-get install g++-aarch64-linux-gnu qemu-user")
    place = tmp_path_factory.mktemp("wheel")
    variables = {
        "CXX": _COMPILER,
        "_PYTHON_HOST_PLATFORM": "linux-aarch64",
        "SETUPTOOLS_EXT_SUFFIX": _SUFFIX,
    }
    steps = ["egg_info", "--egg-base", str(place), "build", "--build-base", str(place / "build")]
    steps += ["bdist_wheel", "--dist-dir", str(place)]
    command = [sys.executable, "setup.py", "-q", *steps]
    subprocess.run(
        command, check=True, cwd=_ROOT, env=environment_with(variables), capture_output=True
    )
    (found,) = place.glob("*.whl")
    return found


def test_its_libraries_are_of_that_machine(wheel: Path) -> None:
    assert wheel.name.endswith("linux_aarch64.whl")
    with zipfile.ZipFile(wheel) as archive:
        libraries = [name for name in archive.namelist() if name.endswith(".so")]
        heads = [archive.read(name)[:20] for name in libraries]
    assert {_NATIVE, _INCREMENTAL} < set(libraries)
    assert [int.from_bytes(head[18:20], "little") for head in heads] == [_AARCH64] * 3


@pytest.mark.parametrize(
    ("library", "symbol", "version"),
    [
        (_NATIVE, "sf_abi", _library.ABI),
        (_NATIVE, "sg_abi", _gradient_library.ABI),
        (_INCREMENTAL, "si_abi", incremental.ABI),
    ],
)
def test_its_libraries_load_there(
    wheel: Path, tmp_path: Path, library: str, symbol: str, version: int
) -> None:
    with zipfile.ZipFile(wheel) as archive:
        path = archive.extract(library, tmp_path)
    program = tmp_path / "load_library"
    source = _HERE / "foreign" / "load_library.cpp"
    subprocess.run([_COMPILER, str(source), "-o", str(program), "-ldl"], check=True)
    command = [_EMULATOR, "-L", _SYSTEM, str(program), path, symbol]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert int(done.stdout) == version

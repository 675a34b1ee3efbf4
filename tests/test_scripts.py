# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPTS = sorted([*(ROOT / "build_scripts").glob("*.sh"), ROOT / ".ci" / "run"])
NEEDED = ("bash", "dirname", "cat", "sha256sum", "g++", "make")


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A PATH that holds what set-up needs, and nothing else."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in NEEDED:
        (folder / tool).symlink_to(shutil.which(tool) or tool)
    (folder / "python3").symlink_to(Path(sys.executable).resolve())
    return folder


def set_up(machine: Path) -> subprocess.CompletedProcess[str]:
    """Run set-up in a copy of the project, where it finds no .venv."""
    project = machine.parent / "project"
    shutil.copytree(ROOT / "build_scripts", project / "build_scripts")
    command = ["bash", "build_scripts/setup.sh"]
    environment = {"PATH": str(machine)}
    return subprocess.run(
        command, cwd=project, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("tool", "message"),
    [
        ("g++", "the C++ compiler g++ is missing; install it: sudo apt install g++"),
        ("make", "make is missing; install it: sudo apt install make"),
        ("python3", "Python 3.11 or 3.12 is missing; install it: sudo apt install python3 "),
    ],
)
def test_a_missing_tool_is_said_in_one_line(machine: Path, tool: str, message: str) -> None:
    (machine / tool).unlink()
    done = set_up(machine)
    assert done.returncode == 2
    assert done.stderr.startswith(f"setup: {message}")
    assert done.stderr.count("\n") == 1
    assert not (machine.parent / "project" / ".venv").exists()


@pytest.mark.parametrize("module", ["sys.version_info = (3, 10)", "sys.version_info = (3, 13)"])
def test_another_python_counts_as_missing(machine: Path, module: str) -> None:
    script = machine / "python3"
    script.unlink()
    script.write_text(f"#!{sys.executable}\nimport sys\n{module}\nexec(sys.argv[2])\n")
    script.chmod(0o755)
    assert "Python 3.11 or 3.12 is missing" in set_up(machine).stderr


def test_a_python_without_venv_is_said_in_one_line(machine: Path) -> None:
    script = machine / "python3"
    script.unlink()
    script.write_text(
        f"#!{sys.executable}\nimport sys\nsys.modules['ensurepip'] = None\nexec(sys.argv[2])\n"
    )
    script.chmod(0o755)
    done = set_up(machine)
    assert done.returncode == 2
    assert "python3 is missing; install it: sudo apt install python3-venv\n" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.skipif(
    not (ROOT / ".venv" / "setuptest.stamp").exists(), reason="not installed by test.sh"
)
@pytest.mark.parametrize("extra", [[], ["test"]])
def test_a_second_set_up_does_nothing(extra: list[str]) -> None:
    done = subprocess.run(
        ["bash", str(ROOT / "build_scripts" / "setup.sh"), *extra],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    assert done.stdout == "setup: .venv is up to date\n"


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_scripts_are_executable_and_parse(script: Path) -> None:
    assert os.access(script, os.X_OK)
    assert subprocess.run(["bash", "-n", script], check=False).returncode == 0


@pytest.mark.parametrize("name", ["pyproject.toml", "build_scripts", ".ci/run", "Dockerfile"])
def test_no_package_index_is_named(name: str) -> None:
    path = ROOT / name
    for file in path.iterdir() if path.is_dir() else [path]:
        assert "index-url" not in file.read_text(), file
        assert "find-links" not in file.read_text(), file

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Which tests build_scripts/mutation.py lets a mutant meet, on a project of two functions."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[1] / "build_scripts"
MODULE = """\
FACTOR = 2

def twice(value):
    if value < 0:
        return (FACTOR *
                value)
    return FACTOR * value
"""
TESTS = """\
from module import twice

def test_below():
    assert twice(-1) == -2

def test_above():
    assert twice(1) == 2

def test_nothing():
    pass
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "module.py").write_text(MODULE)
    (tmp_path / "test_module.py").write_text(TESTS)
    return tmp_path


def _pytest(project: Path, *options: str) -> str:
    command = [sys.executable, "-m", "pytest", "-v", "-p", "mutation_tests", *options]
    environment = os.environ | {"PYTHONPATH": f"{project}:{SCRIPTS}"}
    return subprocess.run(
        command, cwd=project, env=environment, capture_output=True, text=True, check=True
    ).stdout


def test_a_mutant_meets_the_tests_of_its_statement(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    from mutation import Notes  # noqa: PLC0415 - of no package

    (project / "files").write_text(str(project / "module.py"))
    _pytest(project, "--lines-of", "files", "--lines-to", "lines")
    found = json.loads((project / "lines").read_text())
    lines = found["lines"][str(project / "module.py")]
    below, above, nothing = (f"test_module.py::test_{one}" for one in ("below", "above", "nothing"))
    assert sorted(found["seconds"]) == sorted([below, above, nothing])
    notes = Notes({below: 1.0, above: 0.5, nothing: 0.1}, {"module.py": lines})
    own = [notes.own("module.py", MODULE, line) for line in range(1, 8)]
    assert own[3:] == [[above, below], [below], [below], [above]]
    assert own[0] == [above, below]  # outside of functions: all that run any line


def test_chosen_tests_run_in_their_order_and_the_others_are_the_rest(project: Path) -> None:
    chosen = [f"test_module.py::test_{one}" for one in ("nothing", "below")]
    (project / "chosen").write_text(json.dumps(chosen))
    said = [_pytest(project, option, "chosen") for option in ("--only", "--without")]
    run = [[x.split()[0] for x in one.splitlines() if " PASSED" in x] for one in said]
    assert run == [chosen, ["test_module.py::test_above"]]

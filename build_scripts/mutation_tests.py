# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Runs tests for mutation.py, as a pytest plugin: chosen ones, or noting which lines each runs.

Options: --lines-of FILE names the modules whose lines are noted, a path a line, and --lines-to
where; --modules-to takes the names of the installed modules that are loaded; --only and --without
name a JSON list of test ids. A line that only a process of a test's own runs, or that ran before
the first test, counts as not run.
"""

import json
import os
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from hypothesis import Phase, settings


def run_tests(copy: Path, arguments: list[str]) -> None:
    """Run pytest in a copy of the project as a group of processes; exit with its status."""
    os.setpgid(0, 0)
    os.chdir(copy)
    sys.path[:0] = [str(copy), str(copy / "build_scripts")]
    os.environ |= {
        "PYTHONPATH": str(copy),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
        "HYPOTHESIS_STORAGE_DIRECTORY": str(copy / ".hypothesis"),
    }
    sys.dont_write_bytecode = True
    assert "flow" not in sys.modules
    log = os.open(copy / "tests.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for stream in (1, 2):
        os.dup2(log, stream)
    plain = ["-x", "-q", "-p", "no:cacheprovider"]
    plain += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # of plugins, loaded before
    sys.exit(pytest.main([*plain, *arguments], plugins=[sys.modules[__name__]]))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    for name in ("--lines-of", "--lines-to", "--modules-to", "--only", "--without"):
        parser.addoption(name, type=Path)


def pytest_configure(config: pytest.Config) -> None:
    """Note lines where asked."""
    if files := config.getoption("--lines-of"):
        config.pluginmanager.register(_Lines(files.read_text().split("\n")))


@pytest.hookimpl(tryfirst=True)
def pytest_collection() -> None:
    """Let Hypothesis stop at the first failure: nobody reads a smaller example of a mutant."""
    settings.register_profile("mutants", settings(), phases=[Phase.explicit, Phase.generate])
    settings.load_profile("mutants")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests that are asked for, in that order."""
    if chosen := config.getoption("--only"):
        place = {name: index for index, name in enumerate(json.loads(chosen.read_text()))}
        items[:] = sorted((i for i in items if i.nodeid in place), key=lambda i: place[i.nodeid])
    if others := config.getoption("--without"):
        done = {*json.loads(others.read_text())}
        items[:] = [item for item in items if item.nodeid not in done]


def pytest_collection_finish(session: pytest.Session) -> None:
    """Name what is loaded of others."""
    if into := session.config.getoption("--modules-to"):
        loaded = [(name, getattr(one, "__file__", None)) for name, one in [*sys.modules.items()]]
        found = [name for name, file in loaded if "site-packages" in (file or "")]
        into.write_text(json.dumps(found))


class _Lines:
    """Of each test: seconds, and the lines of the files that it ran."""

    def __init__(self, files: list[str]) -> None:
        self.files, self.now = {*files}, set[tuple[str, int]]()
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.lines: defaultdict[str, defaultdict[int, list[str]]]
        self.lines = defaultdict(lambda: defaultdict(list))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Watch one test with its fixtures."""
        self.now.clear()
        threading.settrace(self._enter)
        sys.settrace(self._enter)
        try:
            return (yield)
        finally:
            sys.settrace(None)
            threading.settrace(None)
            for file, line in self.now:
                self.lines[file][line].append(item.nodeid)

    def _enter(self, frame: FrameType, *_: Any) -> Any:  # noqa: ANN401 - as sys.settrace has it
        return self._line(frame) if frame.f_code.co_filename in self.files else None

    def _line(self, frame: FrameType, *_: Any) -> Any:  # noqa: ANN401
        self.now.add((frame.f_code.co_filename, frame.f_lineno))
        return self._line

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add up fixtures and call."""
        self.seconds[report.nodeid] += report.duration

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Write what was seen."""
        found = {"seconds": self.seconds, "lines": self.lines}
        session.config.getoption("--lines-to").write_text(json.dumps(found))

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The store of results: several writers, first come."""

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from servers import ROOT

from flow.cluster import ResultStore
from flow.errors import SettingError

_WRITER = """
import sys; from pathlib import Path; from flow.cluster.store import ResultStore
store = ResultStore(Path(sys.argv[1]))
for number in range(100): store.keep(f"{number}", f"{number}".encode())
"""


def test_several_processes_write_each_result_once(tmp_path: Path) -> None:
    path = tmp_path / "results"
    writers = [
        subprocess.Popen([sys.executable, "-c", _WRITER, str(path)], cwd=ROOT) for _ in range(3)
    ]
    assert [one.wait() for one in writers] == [0, 0, 0]
    store = ResultStore(path)
    assert len(store) == 100
    assert store.get(f"{n}" for n in range(1000)) == {f"{n}": f"{n}".encode() for n in range(100)}


def test_the_first_result_stays(tmp_path: Path) -> None:
    store = ResultStore(tmp_path / "results")
    store.keep("key", b"first")
    store.keep("key", b"second")
    assert ResultStore(tmp_path / "results").get(["key"]) == {"key": b"first"}


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "results").write_text("no database, but long enough to be taken for one" * 10)
    with pytest.raises(SettingError, match=r"results .*cannot be read or written \(.*\); name"):
        ResultStore(tmp_path / "results")


def test_a_database_of_something_else_is_refused(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "results") as file:
        file.execute("CREATE TABLE other (x)")
    file.close()
    with pytest.raises(SettingError, match="is a database of something else; name another file"):
        ResultStore(tmp_path / "results")

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
import os
import tarfile
from pathlib import Path

import pytest

from flow.storage.archive import write_archive

_FILES = {"b": b"second", "a/inner": bytes(range(256)) * 9, "a.txt": b"", "run": b"#!/bin/sh\n"}


def _folder(folder: Path, names: list[str], time_s: int, umask: int) -> Path:
    before = os.umask(umask)
    try:
        for name in names:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(_FILES[name])
            os.utime(path, (time_s, time_s))
        (folder / "run").chmod(0o777 & ~umask)
    finally:
        os.umask(before)
    return folder


def test_times_order_and_permissions_of_others_change_no_byte(tmp_path: Path) -> None:
    first = _folder(tmp_path / "one", sorted(_FILES), 10**9, 0o022)
    second = _folder(tmp_path / "two", sorted(_FILES, reverse=True), 2 * 10**9, 0o077)
    write_archive(first, tmp_path / "one.tar.gz", "root")
    write_archive(second, tmp_path / "other.tar.gz", "root")
    found = (tmp_path / "one.tar.gz").read_bytes()
    assert found == (tmp_path / "other.tar.gz").read_bytes()
    (second / "b").write_bytes(b"SECOND")
    write_archive(second, tmp_path / "other.tar.gz", "root")
    assert found != (tmp_path / "other.tar.gz").read_bytes()


@pytest.mark.filterwarnings("ignore:Python 3.14 will:DeprecationWarning")
def test_all_files_come_back_under_one_folder(tmp_path: Path) -> None:
    folder = _folder(tmp_path / "one", sorted(_FILES), 10**9, 0o022)
    write_archive(folder, tmp_path / "one.tar.gz", "root")
    with tarfile.open(tmp_path / "one.tar.gz") as archive:
        archive.extractall(tmp_path / "out")
    found = [path for path in (tmp_path / "out").rglob("*") if path.is_file()]
    root = tmp_path / "out" / "root"
    assert {path.relative_to(root).as_posix(): path.read_bytes() for path in found} == _FILES
    assert [path.name for path in found if os.access(path, os.X_OK)] == ["run"]

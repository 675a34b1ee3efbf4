# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The folder of a compilation, whatever happens to the process or the disk."""

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from flow.compile.result_folder import in_cache, new_results
from flow.errors import FlowError

NAMES = ("accelerator", "network.npz", "compile.json")


def _write(folder: Path, text: str) -> None:
    with new_results(folder, NAMES) as (new, scratch):
        (scratch / "rest").write_text(text)
        (new / "accelerator").mkdir()
        (new / "accelerator" / "top.sv").write_text(text)
        (new / "compile.json").write_text(text)


def _fail(folder: Path, error: BaseException) -> None:
    with new_results(folder, NAMES) as (new, _):
        (new / "compile.json").write_text("half")
        raise error


def _held(folder: Path) -> dict[str, str]:
    found = (path for path in folder.rglob("*") if path.is_file() and path.name != ".lock")
    return {path.relative_to(folder).as_posix(): path.read_text() for path in found}


def test_new_results_take_the_place_of_the_earlier_ones(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "out"
    _write(folder, "one")
    (folder / "network.npz").write_text("one")
    (folder / "mine.txt").write_text("a note")
    _write(folder, "two")
    whole = {"accelerator/top.sv": "two", "compile.json": "two", "mine.txt": "a note"}
    assert _held(folder) == whole


@pytest.mark.parametrize("error", [FlowError("refused"), KeyboardInterrupt()], ids=str)
def test_an_error_leaves_what_was_there(tmp_path: Path, error: BaseException) -> None:
    folder = tmp_path / "out"
    for earlier in (False, True):
        if earlier:
            _write(folder, "one")
        with pytest.raises(type(error)):
            _fail(folder, error)
        assert folder.exists() == earlier
    assert _held(folder) == {"accelerator/top.sv": "one", "compile.json": "one"}


@pytest.mark.parametrize("name", ["notes.txt", "train"])
def test_the_folder_of_something_else_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    (tmp_path / ".lock").touch()  # a run's workspace has one too
    with pytest.raises(FlowError, match="is there and no earlier result; choose another"):
        _write(tmp_path, "one")
    with pytest.raises(FlowError, match="is there and no earlier result; choose another"):
        _write(tmp_path / name, "one")


_HOLD = """
import sys, time
from pathlib import Path
from flow.compile.result_folder import new_results
with new_results(Path(sys.argv[1]), ("accelerator", "compile.json")) as (new, scratch):
    (scratch / "rest").write_text("half")
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that compiles into tmp_path/out and does not end."""
    command = [sys.executable, "-c", _HOLD, str(tmp_path / "out")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_two_compilations_do_not_meet(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    with pytest.raises(FlowError, match=rf"out: is in use by process {holder.pid}; wait for it"):
        _write(tmp_path / "out", "two")
    assert (tmp_path / "out" / ".work" / "scratch" / "rest").read_text() == "half"


def test_after_a_kill_the_next_one_cleans_up(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    _write(tmp_path / "out", "two")
    assert _held(tmp_path / "out") == {"accelerator/top.sv": "two", "compile.json": "two"}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB; the tests that need one are skipped where none can be mounted."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(tmp_path)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here; it needs root")
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True)


def test_a_full_disk_is_one_line_and_leaves_the_earlier_results(small_disk: Path) -> None:
    folder = small_disk / "out"
    _write(folder, "one")
    with (
        pytest.raises(FlowError, match=rf"compile: no space left on device under {folder}"),
        new_results(folder, NAMES) as (new, _),
    ):
        (new / "network.npz").write_bytes(bytes(2**21))
    assert _held(folder) == {"accelerator/top.sv": "one", "compile.json": "one"}


def test_a_read_only_disk_is_one_line(small_disk: Path) -> None:
    _write(small_disk, "one")  # the mounted folder itself
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    for folder in (small_disk, small_disk / "other"):
        with pytest.raises(FlowError, match=rf"compile: cannot write under {folder} .*Read-only"):
            _write(folder, "two")
    assert _held(small_disk)["compile.json"] == "one"


def test_a_cache_that_refuses_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "steelflow").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    message = r"synth: cannot write under .*/steelflow/synth .*or set XDG_CACHE_HOME to another"
    with pytest.raises(FlowError, match=message), in_cache("synth"):
        pass


def test_a_disk_that_refuses_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, *_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(FlowError, match="compile: no space left on device under"):
        _write(tmp_path / "out", "one")
    assert not (tmp_path / "out").exists()

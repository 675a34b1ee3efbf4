# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Folders of results: one writer at a time, one line when the disk fails it, and no litter."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile

from flow.errors import SettingError
from flow.storage.locks import hold
from steelflow_names import one_line

__all__ = ["disk_errors_in_one_line", "drop_empty", "locked", "output_folder"]


class _DiskError(SettingError):
    """The disk failed the run; already said in one line."""


_FULL = {errno.ENOSPC, errno.EDQUOT}
_REFUSED = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.ENOENT}
_FULL_BELOW_BYTES = 64 * 1024


@contextmanager
def locked(workspace: Path) -> Iterator[None]:
    """Make the workspace and hold its lock, which ends with the process, however that ends.

    Where the block fails and leaves nothing, the workspace is gone again, if it was not there.

    Raises:
        FlowError: another process holds it; the message names the process.
    """
    lock, remedy = workspace / ".lock", "wait for it, or give another folder"
    with _made(workspace), hold(lock, f"workspace {workspace}", remedy, setting="output"):
        try:
            yield
        except BaseException:
            with suppress(OSError):
                if [*workspace.iterdir()] == [lock]:
                    lock.unlink()
            raise


@contextmanager
def output_folder(
    subject: str,
    folder: Path,
    *,
    elsewhere: str = "give another folder",
    settings: tuple[str, ...] = ("output",),
) -> Iterator[None]:
    """Make a folder that the block writes into, if it is not there.

    A block that fails and leaves nothing in it leaves no new folder either.

    Raises:
        FlowError: before the block where nothing can be written; else see disk_errors_in_one_line,
            which has the same arguments.
    """
    one_line_errors = disk_errors_in_one_line(
        subject, folder, elsewhere=elsewhere, settings=settings
    )
    with one_line_errors, _made(folder):
        with TemporaryFile(dir=folder):
            pass
        yield


@contextmanager
def _made(folder: Path) -> Iterator[None]:
    """Make the folder; after an error, those that were not there before and are empty are gone."""
    absent = [one for one in (folder, *folder.parents) if not os.path.lexists(one)]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        drop_empty(*absent)
        raise


def drop_empty(*folders: Path) -> None:
    """Remove those of the folders that are empty, in this order."""
    for one in folders:
        with suppress(OSError):
            one.rmdir()


@contextmanager
def disk_errors_in_one_line(
    subject: str,
    workspace: Path,
    *,
    elsewhere: str = "give another folder",
    settings: tuple[str, ...] = ("output",),
) -> Iterator[None]:
    """Turn a full disk or a folder that refuses writing into a FlowError.

    Libraries hide the system's error number (torch and numpy say only that a write failed), so a
    workspace without free space counts as the cause of whatever failed.

    Args:
        subject: what begins the message.
        workspace: where it writes.
        elsewhere: how another place is chosen.
        settings: those that choose it, see SettingError.

    Raises:
        FlowError: with the subject, the workspace and the remedy.
    """
    try:
        yield
    except _DiskError:
        raise
    except Exception as error:
        said = one_line(error)
        if _error_numbers(error) & _FULL or _is_full(workspace):
            raise _DiskError(
                f"{subject}: no space left on device under {workspace} ({said}); "
                "free space and run again"
            ) from error
        if isinstance(error, OSError) and error.errno in _REFUSED and _is_inside(error, workspace):
            raise _DiskError(
                f"{subject}: cannot write under {workspace} ({said}); "
                f"change its permissions, or {elsewhere}",
                *settings,
            ) from error
        raise


def _error_numbers(error: BaseException | None) -> set[int | None]:
    numbers: set[int | None] = set()
    while error is not None:
        numbers.add(error.errno if isinstance(error, OSError) else None)
        error = error.__cause__ or error.__context__
    return numbers


def _is_full(workspace: Path) -> bool:
    return workspace.is_dir() and shutil.disk_usage(workspace).free < _FULL_BELOW_BYTES


def _is_inside(error: OSError, workspace: Path) -> bool:
    named = Path(os.fsdecode(error.filename)) if error.filename else Path()
    return named.is_relative_to(workspace) or workspace.is_relative_to(named)

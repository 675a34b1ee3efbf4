# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The folder of a run: one writer at a time, and one line when the disk fails it."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flow.errors import SettingError
from flow.storage.locks import hold
from steelflow_names import one_line

__all__ = ["disk_errors_in_one_line", "locked"]


class _DiskError(SettingError):
    """The disk failed the run; already said in one line."""


_FULL = {errno.ENOSPC, errno.EDQUOT}
_REFUSED = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST, errno.ENOENT}
_FULL_BELOW_BYTES = 64 * 1024


@contextmanager
def locked(workspace: Path) -> Iterator[None]:
    """Make the workspace and hold its lock, which ends with the process, however that ends.

    Raises:
        FlowError: another process holds it; the message names the process.
    """
    workspace.mkdir(parents=True, exist_ok=True)
    remedy = "wait for it, or give another folder"
    with hold(workspace / ".lock", f"workspace {workspace}", remedy, setting="output"):
        yield


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

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The folder of a compilation: one writer at a time, results whole or as they were before.

It is laid out like the workspace of a run (flow.run.pipeline):

    <folder>/...            the results; the record, written last, says that they are whole
    <folder>/.cache/        compiled simulations and syntheses, safe to lose
    <folder>/.work/         what is being written; gone afterwards, or at the next start
    <folder>/.lock          held while one writes

The names of the results are the writer's.
"""

import contextlib
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from flow.environment import cache_folder
from flow.errors import SettingError
from flow.storage.workspace import disk_errors_in_one_line, locked, output_folder

__all__ = ["CACHE", "in_cache", "new_results"]

CACHE = ".cache"
_WORK, _LOCK = ".work", ".lock"
_OURS = frozenset((CACHE, _WORK, _LOCK))


@contextlib.contextmanager
def new_results(folder: Path, names: Sequence[str]) -> Iterator[tuple[Path, Path]]:
    """Give the block two empty folders, of new results and for scratch; then publish the results.

    An error in the block leaves the results that were there before, and a folder that was not
    there is gone again. Other files in the folder stay as they are.

    Args:
        folder: absolute; of an earlier result, empty, or not there.
        names: of the results, files or folders; the last is the record, which the block writes.

    Raises:
        FlowError: the folder holds something else or is in use; the disk is full or refuses.
    """
    with _checked(folder, names) as absent, locked(folder):
        work = folder / _WORK
        try:
            _emptied(work)
            yield work / "new", work / "scratch"
            _publish(work, folder, names)
        except BaseException:
            if absent:
                shutil.rmtree(folder, ignore_errors=True)
            raise
        finally:
            shutil.rmtree(work, ignore_errors=True)


@contextlib.contextmanager
def in_cache(name: str) -> Iterator[Path]:
    """Give the block a folder of the machine's cache, which can be deleted at any time.

    Raises:
        FlowError: its disk is full or refuses.
    """
    folder = cache_folder() / name
    elsewhere = "set XDG_CACHE_HOME to another folder"
    with output_folder(name, folder, elsewhere=elsewhere, settings=()):
        yield folder


@contextlib.contextmanager
def _checked(folder: Path, names: Sequence[str]) -> Iterator[bool]:
    """Give the block whether the folder is absent; its disk's errors become one line."""
    with disk_errors_in_one_line("compile", folder):
        _refuse_strangers(folder, names)
        yield not folder.exists()


def _refuse_strangers(folder: Path, names: Sequence[str]) -> None:
    if not folder.exists():
        return
    held = {path.name for path in folder.iterdir()} if folder.is_dir() else {""}
    if names[-1] not in held and not held <= _OURS | set(names):
        raise SettingError(
            f"folder {folder}: is there and no earlier result; choose another", "output"
        )


def _emptied(work: Path) -> None:
    """Drop what a killed compilation left."""
    if work.is_dir():
        shutil.rmtree(work)
    for name in ("new", "scratch", "old"):
        (work / name).mkdir(parents=True)


def _publish(work: Path, folder: Path, names: Sequence[str]) -> None:
    """Move the results in place, the record last: without one the folder is not whole."""
    for name in reversed(names):
        if (folder / name).exists():
            (folder / name).rename(work / "old" / name)
    for name in names:
        if (work / "new" / name).exists():
            (work / "new" / name).rename(folder / name)

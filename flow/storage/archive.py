# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A folder as one file whose bytes depend on names, contents and executable bits alone."""

import gzip
import stat
import tarfile
from pathlib import Path

__all__ = ["ARCHIVE_SUFFIX", "write_archive"]

ARCHIVE_SUFFIX = ".tar.gz"

_TIME_S = 315_532_800  # 1980-01-01: tar warns of older files


def write_archive(folder: Path, archive: Path, root: str) -> None:
    """Pack the files of a folder, empty folders left out, into a new tar.gz.

    Args:
        folder: what is packed; it holds no links.
        archive: the file that is written.
        root: the one folder into which it unpacks.

    Raises:
        OSError: a file cannot be read, or the archive cannot be written.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    with (
        archive.open("wb") as raw,
        gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w") as tar,
    ):
        for path in files:
            member = tarfile.TarInfo(f"{root}/{path.relative_to(folder).as_posix()}")
            state = path.stat()
            member.size, member.mtime = state.st_size, _TIME_S
            member.mode = 0o755 if state.st_mode & stat.S_IXUSR else 0o644
            with path.open("rb") as content:
                tar.addfile(member, content)

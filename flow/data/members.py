# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The files of a folder or of a tar archive, one after the other; nothing is extracted."""

import bz2
import gzip
import hashlib
import lzma
import tarfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, cast

from flow.data.source import REMEDY
from flow.errors import FlowError
from steelflow_names import one_line

__all__ = ["content_digest", "read_members"]

_OPENERS: dict[bytes, Callable[[Path], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZ": bz2.open,
    b"\xfd7": lzma.open,
}
_DAMAGE = (OSError, EOFError, zlib.error, lzma.LZMAError, tarfile.TarError, ValueError)
_CHUNK = 1 << 20


def read_members(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    """Yield (name relative to the top, content) of the wanted regular files.

    A folder's files come in the order of their names, an archive's in its own. An archive may be
    plain or in gzip, bzip2 or xz; it is read to its end, so that its checksum is verified.

    Raises:
        FlowError: the path is neither, cannot be read, or is damaged.
    """
    if path.is_dir():
        for name in _names(path):
            if wanted(name):
                yield name, _content(path / name)
        return
    members = _tar_members(path, wanted)
    while True:
        try:
            member = next(members, None)
        except _DAMAGE as error:
            reason = one_line(error)
            raise FlowError(f"{path}: is no sound tar archive ({reason}); {REMEDY}") from error
        if member is None:
            return
        yield member


def content_digest(path: Path, wanted: Callable[[str], bool]) -> str:
    """Return 16 hex digits of an archive's bytes, or of a folder's wanted names and contents.

    Raises:
        FlowError: something cannot be read.
    """
    digest = hashlib.sha256()
    if path.is_dir():
        for name, content in read_members(path, wanted):
            digest.update(f"{len(name)} {name} {len(content)} ".encode() + content)
    else:
        try:
            with path.open("rb") as file:
                while chunk := file.read(_CHUNK):
                    digest.update(chunk)
        except OSError as error:
            raise FlowError(f"{path}: cannot be read ({error.strerror}); {REMEDY}") from error
    return digest.hexdigest()[:16]


def _names(folder: Path) -> list[str]:
    return sorted(
        file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()
    )


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise FlowError(f"{file}: cannot be read ({error.strerror}); {REMEDY}") from error


def _tar_members(path: Path, wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    with path.open("rb") as file:
        opener = _OPENERS.get(file.read(2))
    stream = _Tail(cast(IO[bytes], opener(path) if opener else path.open("rb")))
    with stream.file, tarfile.open(fileobj=cast(IO[bytes], stream), mode="r|") as archive:
        for member in archive:
            name = member.name.removeprefix("./")
            if member.isfile() and wanted(name):
                content = archive.extractfile(member)
                assert content is not None  # it is a regular file
                yield name, content.read()
        while stream.read(_CHUNK):
            pass
    if any(stream.last):
        raise tarfile.ReadError("its end is missing")


class _Tail:
    """Remembers the last block that was read: a tar ends in zeros, which tarfile does not check."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.last = file, b""

    def read(self, size: int = -1) -> bytes:
        found = self.file.read(size)
        self.last = (self.last + found)[-tarfile.BLOCKSIZE :]
        return found

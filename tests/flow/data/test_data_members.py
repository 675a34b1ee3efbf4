# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Folders and archives give the same members, and half an archive gives none."""

import io
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from flow.data.members import content_digest, read_members
from flow.errors import FlowError

FILES = {"b/one.bin": b"1" * 700, "a/two.bin": bytes(range(256)) * 9, "c/skip.txt": b"no"}
MODES = {
    "plain.tar": "w",
    "zipped.tar.gz": "w:gz",
    "packed.tar.bz2": "w:bz2",
    "small.tar.xz": "w:xz",
}


def wanted(name: str) -> bool:
    return name.endswith(".bin")


def write_tar(path: Path, prefix: str = "") -> Path:
    with tarfile.open(path, MODES[path.name]) as archive:
        for name, content in FILES.items():
            member = tarfile.TarInfo(prefix + name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


@pytest.mark.parametrize("prefix", ["", "./"])
@pytest.mark.parametrize("name", MODES)
def test_every_archive_gives_its_members(tmp_path: Path, name: str, prefix: str) -> None:
    found = list(read_members(write_tar(tmp_path / name, prefix), wanted))
    assert found == [(key, FILES[key]) for key in ("b/one.bin", "a/two.bin")]


def test_a_folder_gives_its_files_by_name(tmp_path: Path) -> None:
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(content)
    found = list(read_members(tmp_path, wanted))
    assert found == [(key, FILES[key]) for key in ("a/two.bin", "b/one.bin")]


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "half": lambda packed: packed[: len(packed) // 2],
    "without its end": lambda packed: packed[: -(len(packed) // 3)],
    "at a member's border": lambda packed: packed[:1536] if len(packed) > 9000 else packed[:-4],
    "text": lambda packed: b"plain text",  # noqa: ARG005
    "empty": lambda packed: b"",  # noqa: ARG005
}


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("name", MODES)
def test_a_damaged_archive_is_refused(tmp_path: Path, name: str, damage: str) -> None:
    path = write_tar(tmp_path / name)
    content = path.read_bytes()
    if damage == "without its end" and name == "plain.tar":
        content = content[:4608] + content[4608:].rstrip(b"\0")  # tarfile itself takes it as whole
    path.write_bytes(DAMAGE[damage](content))
    with pytest.raises(
        FlowError, match=rf"{name}: is no sound tar archive \(.*\); download"
    ) as one:
        list(read_members(path, wanted))
    assert "\n" not in str(one.value)


def test_a_wrong_checksum_is_refused(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "zipped.tar.gz")
    content = path.read_bytes()
    path.write_bytes(content[:-8] + bytes([content[-8] ^ 1]) + content[-7:])
    with pytest.raises(FlowError, match=r"is no sound tar archive \(CRC check failed"):
        list(read_members(path, wanted))


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FlowError, match=r"none: is no sound tar archive \(.*No such file"):
        list(read_members(tmp_path / "none", wanted))
    with pytest.raises(FlowError, match=r"none: cannot be read \(No such file"):
        content_digest(tmp_path / "none", wanted)


def test_the_digest_is_that_of_wanted_names_and_contents(tmp_path: Path) -> None:
    for name, content in FILES.items():
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(content)
    before = content_digest(tmp_path, wanted)
    (tmp_path / "c/skip.txt").write_bytes(b"other")
    assert content_digest(tmp_path, wanted) == before
    (tmp_path / "a/two.bin").rename(tmp_path / "a/three.bin")
    renamed = content_digest(tmp_path, wanted)
    (tmp_path / "b/one.bin").write_bytes(b"2" * 700)
    assert len({before, renamed, content_digest(tmp_path, wanted)}) == 3


def test_what_is_no_regular_file_is_skipped(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "x.bin")
    (tmp_path / "gone.bin").symlink_to(tmp_path / "nowhere")
    assert list(read_members(tmp_path, wanted)) == []


def test_an_unreadable_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.bin").write_bytes(b"")

    def refuse(_path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(FlowError, match=r"x.bin: cannot be read \(Permission denied\); download"):
        list(read_members(tmp_path, wanted))

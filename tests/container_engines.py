# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Real podman and docker, as far as this machine lets them run a container."""

import os
import shutil
import subprocess
import tarfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import pytest

__all__ = ["ENGINES", "IMAGE", "running_engine"]

ENGINES = ("podman", "docker")
IMAGE = "localhost/steelflow-shell:1"
_SHELL = Path("/bin/busybox")  # of busybox-static: a shell without libraries
_COMMANDS = ("sh", "cat", "echo", "id", "mkdir", "sleep", "touch")
_PODMAN = """\
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
netns = "host"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
"""


@contextmanager
def running_engine(name: str, folder: Path) -> Iterator[None]:
    """Have the engine ready, with IMAGE, in an environment that leads to it; skip without it."""
    if shutil.which(name) is None or os.geteuid() != 0 or not _SHELL.exists():
        pytest.skip(f"{name} or busybox-static is not installed, or this is not root")
    with pytest.MonkeyPatch.context() as patch:
        start = _podman if name == "podman" else _docker
        with start(folder, patch):
            _import(name)
            found = _engine(name, "run", "--rm", IMAGE, "sh", "-c", "true")
            if found.returncode:
                pytest.skip(f"{name} cannot run a container here: {found.stderr.decode()[:200]}")
            yield


@contextmanager
def _podman(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[None]:
    (folder / "containers.conf").write_text(_PODMAN)
    (folder / "storage.conf").write_text(
        f'[storage]\ndriver = "vfs"\ngraphroot = "{folder}/g"\nrunroot = "{folder}/r"\n'
    )
    patch.setenv("CONTAINERS_CONF", str(folder / "containers.conf"))
    patch.setenv("CONTAINERS_STORAGE_CONF", str(folder / "storage.conf"))
    try:
        yield
    finally:  # a container that a failed test left would hold its mounts
        _engine("podman", "rm", "--all", "--force", "--time", "0")


@contextmanager
def _docker(folder: Path, patch: pytest.MonkeyPatch) -> Iterator[None]:
    patch.setenv("DOCKER_HOST", f"unix://{folder}/socket")
    command = ["dockerd", "--iptables=false", "--bridge=none", "--storage-driver=vfs"]
    places = [f"--data-root={folder}/data", f"--exec-root={folder}/exec", f"--pidfile={folder}/pid"]
    with (folder / "log").open("wb") as log:
        daemon = subprocess.Popen(
            [*command, *places, f"--host=unix://{folder}/socket"], stdout=log, stderr=log
        )
        try:
            end = time.monotonic() + 120
            while _engine("docker", "info").returncode and daemon.poll() is None:
                if time.monotonic() > end:
                    break
                time.sleep(0.2)
            if daemon.poll() is not None:
                pytest.skip(f"dockerd does not start here: {(folder / 'log').read_text()[-200:]}")
            yield
        finally:
            daemon.terminate()
            daemon.wait()


def _import(name: str) -> None:
    """Make the image: a shell and its commands."""
    data = BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        archive.add(_SHELL, "bin/busybox")
        for command in _COMMANDS:
            link = tarfile.TarInfo(f"bin/{command}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            archive.addfile(link)
        place = tarfile.TarInfo("tmp")
        place.type, place.mode = tarfile.DIRTYPE, 0o1777
        archive.addfile(place)
    _engine(name, "import", "-", IMAGE, data=data.getvalue())


def _engine(name: str, *words: str, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([name, *words], input=data, capture_output=True, check=False)

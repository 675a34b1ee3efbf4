# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A Slurm of one node, of Debian's packages slurmctld, slurmd and munge."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

__all__ = ["running_slurm"]

_TOOLS = ("munged", "slurmctld", "slurmd", "sbatch", "sinfo")
_PATH = f"{os.environ['PATH']}:/usr/sbin"
_MISSING = [tool for tool in _TOOLS if shutil.which(tool, path=_PATH) is None]

_CONFIG = """\
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CryptoType=crypto/munge
SlurmUser={user}
SlurmctldPort={controller}
SlurmdPort={node}
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SchedulerType=sched/builtin
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SlurmdParameters=config_overrides
ReturnToService=2
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 RealMemory=4000 State=UNKNOWN
PartitionName=p Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


@contextmanager
def running_slurm(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the commands of Slurm find a queue of one node inside the block; skip without Slurm."""
    if _MISSING:
        pytest.skip(f"{_MISSING[0]} is not installed")
    folder.mkdir()
    queue = _SlurmQueue(folder)
    monkeypatch.setenv("SLURM_CONF", str(queue.config))
    try:
        queue.start()
        yield
    finally:
        queue.stop()


class _SlurmQueue:
    """The daemons; `config` is what SLURM_CONF must name."""

    def __init__(self, folder: Path) -> None:
        self.config = folder / "slurm.conf"
        self._folder = folder
        self._running: list[subprocess.Popen[bytes]] = []
        for name in ("state", "spool"):
            (folder / name).mkdir()
        (folder / "key").write_bytes(os.urandom(128))
        (folder / "key").chmod(0o400)
        folder.chmod(0o755)
        text = _CONFIG.format(
            folder=folder,
            host=socket.gethostname().split(".")[0],
            user="root" if os.geteuid() == 0 else os.environ["USER"],
            controller=_free_port(),
            node=_free_port(),
        )
        self.config.write_text(text)

    def start(self) -> None:
        """Start the daemons; return when the node is idle."""
        places = {name: f"{self._folder}/munge.{name}" for name in ("socket", "pid", "log", "seed")}
        self._spawn(
            *("munged", "--foreground", "--force", f"--key-file={self._folder}/key"),
            *(f"--socket={places['socket']}", f"--pid-file={places['pid']}"),
            *(f"--log-file={places['log']}", f"--seed-file={places['seed']}"),
        )
        self._spawn("slurmctld", "-D", "-f", str(self.config))
        self._spawn("slurmd", "-D", "-f", str(self.config))
        end = time.monotonic() + 60
        while time.monotonic() < end:
            said = subprocess.run(
                ["sinfo", "--noheader", "--format", "%T"],
                env=os.environ | {"SLURM_CONF": str(self.config)},
                capture_output=True,
                text=True,
                check=False,
            )
            if said.stdout.strip() == "idle":
                return
            time.sleep(0.2)
        raise AssertionError(f"Slurm did not start: {said.stderr}")

    def stop(self) -> None:
        """End the daemons that this has started."""
        for process in reversed(self._running):
            process.terminate()
            process.wait()

    def _spawn(self, tool: str, *words: str) -> None:
        path = shutil.which(tool, path=_PATH)
        assert path is not None
        log = (self._folder / f"{tool}.out").open("wb")
        self._running.append(subprocess.Popen([path, *words], stdout=log, stderr=log))
        log.close()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])

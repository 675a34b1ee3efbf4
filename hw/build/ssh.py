# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Runs plans on another machine, over ssh: the build there outlives the link and this process."""

import io
import shlex
import subprocess
import tarfile
from pathlib import Path

from hw.build.detached import DetachedRunner
from hw.build.plan import BuildPlan
from hw.errors import HardwareError

__all__ = ["SshRunner"]

_BASE = ".cache/steelflow-builds"  # below the home there
_LOST_LINK = 255  # ssh's own exit status

# Starts the command once, in a session of its own; its status appears when it has ended.
_START = """\
cd "$HOME/{base}/{key}" || exit 9
if [ ! -e started ]; then
  : > started
  nohup setsid sh -c 'echo $$ > pid
    (cd work && {command}) > log 2>&1
    echo $? > new
    mv new status' < /dev/null > /dev/null 2>&1 &
fi
"""
_LOOK = """\
cd "$HOME/{base}/{key}" 2> /dev/null || {{ echo absent; exit 0; }}
if [ -e status ]; then cat status
elif [ ! -e started ]; then echo absent
elif [ ! -e pid ] || kill -0 "$(cat pid)" 2> /dev/null; then echo running
elif [ -e status ]; then cat status
else echo lost
fi
"""
_SEND = 'mkdir -p "$HOME/{base}/{key}/work" && cd "$HOME/{base}/{key}" && tar -xf - -C work'
_COLLECT = """\
cd "$HOME/{base}/{key}" && for name in {names}; do
  [ ! -e "work/$name" ] || printf 'work/%s\\n' "$name"
done > names && : >> log && tar -cf - -T names log
"""
_END = """\
cd "$HOME/{base}/{key}" 2> /dev/null || exit 0
[ -e status ] || [ ! -e pid ] || kill -9 "-$(cat pid)" 2> /dev/null
rm -rf "$HOME/{base}/{key}"
"""


class SshRunner(DetachedRunner):
    """Sends the folder, starts the command there, waits, and brings the products back.

    It needs sh, tar, setsid and the tools there, and keys or an agent for ssh, which asks for
    nothing.

    Args:
        host: as ssh knows it.
        options: of ssh, before the host.
        poll_s: see DetachedRunner.
        patience_s: see DetachedRunner.
    """

    def __init__(
        self,
        host: str,
        *,
        options: tuple[str, ...] = (),
        poll_s: float = 5.0,
        patience_s: float = 600.0,
    ) -> None:
        super().__init__(host, poll_s=poll_s, patience_s=patience_s)
        self._ssh = ("ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=15", *options, "--", host)

    def look(self, plan: BuildPlan) -> str:
        """See DetachedRunner."""
        return self._ask(_script(_LOOK, plan)).decode().strip()

    def start(self, plan: BuildPlan, folder: Path) -> None:
        """See DetachedRunner."""
        self._ask(_script(_SEND, plan), _packed(folder))
        command = shlex.join(plan.command).replace("'", "'\\''")
        self._ask(_script(_START, plan, command=command))

    def collect(self, plan: BuildPlan, folder: Path, log: Path) -> None:
        """See DetachedRunner."""
        data = self._ask(_script(_COLLECT, plan, names=shlex.join(plan.products)))
        found = folder.parent / "collected"
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            archive.extractall(found, filter="data")
        (found / "log").replace(log)
        for name in plan.products:
            if (found / "work" / name).exists():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (found / "work" / name).replace(folder / name)

    def end(self, plan: BuildPlan) -> None:
        """See DetachedRunner."""
        self._ask(_script(_END, plan))

    def _ask(self, script: str, data: bytes = b"") -> bytes:
        """Run a script there, with data as its input; return what it prints.

        Raises:
            ConnectionError: ssh itself failed.
            HardwareError: ssh is missing, or the script failed.
        """
        try:
            done = subprocess.run(
                [*self._ssh, script], input=data, capture_output=True, check=False
            )
        except FileNotFoundError as error:
            raise HardwareError("ssh: not found; apt-get install openssh-client") from error
        said = " ".join(done.stderr.decode(errors="replace").split())
        if done.returncode == _LOST_LINK:
            raise ConnectionError(said or "no answer")
        if done.returncode:
            raise HardwareError(f"{self.place}: {said or 'a command failed'}; look there by ssh")
        return done.stdout


def _script(text: str, plan: BuildPlan, **values: str) -> str:
    return text.format(base=_BASE, key=plan.key, **values)


def _packed(folder: Path) -> bytes:
    """Return a folder as a tar archive."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        archive.add(folder, arcname=".")
    return data.getvalue()

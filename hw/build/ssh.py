# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Runs plans on another machine, over ssh: the build there outlives the link and this process."""

import shlex
import subprocess
from pathlib import Path

from hw.build.detached import DetachedRunner
from hw.build.plan import BuildPlan
from hw.errors import HardwareError

__all__ = ["SshRunner"]

_BASE = ".cache/steelflow-builds"  # below the home there
_LOST_LINK = {"ssh": {255}, "rsync": {255, 10, 12, 30, 35}}  # exit statuses

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
_PLACE = 'mkdir -p "$HOME/{base}/{key}/work" && cd "$HOME/{base}/{key}" && pwd'
_FOUND = """\
cd "$HOME/{base}/{key}" && : >> log && pwd && echo log && for name in {names}; do
  [ ! -e "work/$name" ] || printf 'work/%s\\n' "$name"
done
"""
_END = """\
cd "$HOME/{base}/{key}" 2> /dev/null || exit 0
[ -e status ] || [ ! -e pid ] || kill -9 "-$(cat pid)" 2> /dev/null
rm -rf "$HOME/{base}/{key}"
"""


class SshRunner(DetachedRunner):
    """Sends the folder, starts the command there, waits, and brings the products back.

    It needs sh, rsync, setsid and the tools there, and keys or an agent for ssh, which asks for
    nothing. What a lost link has cut off of a transfer there is not sent again.

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
        self._ssh = ("ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=15", *options)

    def look(self, plan: BuildPlan) -> str:
        """See DetachedRunner."""
        return self._ask(_script(_LOOK, plan)).strip()

    def start(self, plan: BuildPlan, folder: Path) -> None:
        """See DetachedRunner."""
        there = self._ask(_script(_PLACE, plan)).strip()
        self._copy(f"{folder}/", f"{self.place}:{there}/work/")
        command = shlex.join(plan.command).replace("'", "'\\''")
        self._ask(_script(_START, plan, command=command))

    def collect(self, plan: BuildPlan, folder: Path, log: Path) -> None:
        """See DetachedRunner."""
        there, *names = self._ask(_script(_FOUND, plan, names=shlex.join(plan.products))).split(
            "\n"
        )
        found = folder.parent / "collected"
        self._copy(
            *("--files-from=-", f"{self.place}:{there}/", f"{found}/"), listed="\n".join(names)
        )
        (found / "log").replace(log)
        for name in plan.products:
            if (found / "work" / name).exists():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (found / "work" / name).replace(folder / name)

    def end(self, plan: BuildPlan) -> None:
        """See DetachedRunner."""
        self._ask(_script(_END, plan))

    def _ask(self, script: str) -> str:
        """Run a script there; return what it prints. For errors see _run."""
        return self._run(*self._ssh, "--", self.place, script)

    def _copy(self, *words: str, listed: str = "") -> None:
        """Copy files by rsync, a cut-off one from where it ended. For errors see _run."""
        options = ("-rtpL", "--partial", "--protect-args", f"--rsh={shlex.join(self._ssh)}")
        self._run("rsync", *options, *words, listed=listed)

    def _run(self, *command: str, listed: str = "") -> str:
        """Run a command here, with a list as its input; return what it prints.

        Raises:
            ConnectionError: there is no link.
            HardwareError: ssh or rsync is missing, or the command failed.
        """
        try:
            done = subprocess.run(command, input=listed.encode(), capture_output=True, check=False)
        except FileNotFoundError as error:
            package = {"ssh": "openssh-client"}.get(command[0], command[0])
            raise HardwareError(f"{command[0]}: not found; apt-get install {package}") from error
        said = " ".join(done.stderr.decode(errors="replace").split())
        if done.returncode in _LOST_LINK[command[0]]:
            raise ConnectionError(said or "no answer")
        if done.returncode:
            raise HardwareError(f"{self.place}: {said or 'a command failed'}; look there by ssh")
        return done.stdout.decode()


def _script(text: str, plan: BuildPlan, **values: str) -> str:
    return text.format(base=_BASE, key=plan.key, **values)

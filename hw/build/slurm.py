# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Runs plans as jobs of a Slurm queue, on nodes that share the store's file system."""

import shlex
import shutil
import subprocess
from pathlib import Path

from hw.build.detached import ABSENT, LOST, RUNNING, DetachedRunner
from hw.build.plan import BuildPlan
from hw.errors import HardwareError
from steelflow_names import one_line

__all__ = ["SlurmRunner"]

_WORK, _LOG, _JOB, _STATUS, _SCRIPT = "work", "log", "job", "status", "job.sh"


class SlurmRunner(DetachedRunner):
    """Submits the command with sbatch and looks for its exit status.

    Args:
        header: a file whose lines stand at the head of the job's script: #SBATCH options, modules
            to load.
        base: folder for what is built, on a file system that the nodes share.
        poll_s: see DetachedRunner.

    Raises:
        HardwareError: no such file, or there is no sbatch.
    """

    def __init__(self, header: Path, base: Path, *, poll_s: float = 10.0) -> None:
        super().__init__("Slurm", poll_s=poll_s, patience_s=600.0)
        try:
            self._header = header.read_text()
        except OSError as error:
            raise HardwareError(
                f"slurm {header}: cannot be read ({error.strerror}); name a file with #SBATCH lines"
            ) from error
        if shutil.which("sbatch") is None:
            raise HardwareError("sbatch: not found; run this where jobs are submitted")
        self._base = base.resolve()

    def look(self, plan: BuildPlan) -> str:
        """See DetachedRunner."""
        place = self._base / plan.key
        if (place / _STATUS).exists():
            return (place / _STATUS).read_text().strip()
        if not (place / _JOB).exists():
            return ABSENT
        number = (place / _JOB).read_text()
        found = _call("squeue", "--noheader", "--jobs", number, "--format", "%T", check=False)
        if found.strip():
            return RUNNING
        if (place / _STATUS).exists():  # it ended in between
            return (place / _STATUS).read_text().strip()
        return LOST

    def start(self, plan: BuildPlan, folder: Path) -> None:
        """See DetachedRunner."""
        place = self._base / plan.key
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(folder, place / _WORK)
        (place / _SCRIPT).write_text(
            f"#!/bin/sh\n{self._header}\n"
            f"(cd {shlex.quote(str(place / _WORK))} && {shlex.join(plan.command)})\n"
            f"echo $? > {shlex.quote(str(place / 'new'))}\n"
            f"mv {shlex.quote(str(place / 'new'))} {shlex.quote(str(place / _STATUS))}\n"
        )
        output = ("--output", str(place / _LOG))
        number = _call("sbatch", "--parsable", *output, str(place / _SCRIPT))
        (place / _JOB).write_text(number.strip().split(";")[0])

    def collect(self, plan: BuildPlan, folder: Path, log: Path) -> None:
        """See DetachedRunner."""
        place = self._base / plan.key
        if (place / _LOG).exists():  # or it never came to run
            shutil.copyfile(place / _LOG, log)
        for name in plan.products:
            if (place / _WORK / name).exists():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.move(place / _WORK / name, folder / name)

    def end(self, plan: BuildPlan) -> None:
        """See DetachedRunner."""
        place = self._base / plan.key
        if (place / _JOB).exists() and not (place / _STATUS).exists():
            _call("scancel", (place / _JOB).read_text(), check=False)
        shutil.rmtree(place, ignore_errors=True)


def _call(*command: str, check: bool = True) -> str:
    """Return what a command of Slurm prints.

    Raises:
        ConnectionError: the controller does not answer.
        HardwareError: it refuses.
    """
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    said = one_line(done.stderr)
    if "Unable to contact slurm controller" in said or "Connection refused" in said:
        raise ConnectionError(said)
    if done.returncode and check:
        raise HardwareError(f"{command[0]}: {said or 'failed'}; correct the file of --on slurm")
    return done.stdout

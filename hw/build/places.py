# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Where a plan's command is to run, by a word: local, container:IMAGE, ssh:HOST or slurm:FILE."""

from pathlib import Path

from hw.build.container import ContainerRunner
from hw.build.runner import LocalRunner, Runner
from hw.build.slurm import SlurmRunner
from hw.build.ssh import SshRunner
from hw.errors import HardwareError

__all__ = ["runner_at"]


def runner_at(place: str, base: Path) -> Runner:
    """Return the runner of a place.

    Args:
        place: the word.
        base: folder for jobs of a queue, on a file system that its nodes share.

    Raises:
        HardwareError: no such place, or what it needs is missing here.
    """
    kind, _, name = place.partition(":")
    if place == "local":
        return LocalRunner()
    if kind == "container" and name:
        return ContainerRunner(name)
    if kind == "ssh" and name:
        return SshRunner(name)
    if kind == "slurm" and name:
        return SlurmRunner(Path(name), base)
    raise HardwareError(
        f"--on {place}: is none of local, container:IMAGE, ssh:HOST, slurm:FILE; give one of them"
    )

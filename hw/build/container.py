# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Runs plans in a container, whose image has the tools."""

import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

from hw.build.plan import BuildPlan
from hw.build.runner import LocalRunner
from hw.errors import HardwareError

__all__ = ["ContainerRunner"]

_ENGINES = ("podman", "docker")


class ContainerRunner(LocalRunner):
    """Mounts the folder and runs the command in it; nothing else of this machine is seen.

    Args:
        image: its name, as the engine knows it; it has the plan's tools on its PATH.
        engine: podman or docker; the first that is here by default.

    Raises:
        HardwareError: there is no engine.
    """

    def __init__(self, image: str, engine: str = "") -> None:
        super().__init__()
        found = [name for name in ((engine,) if engine else _ENGINES) if shutil.which(name)]
        if not found:
            raise HardwareError(
                f"container {image}: no {' or '.join(_ENGINES)} is here; install one of them"
            )
        self.image, self.engine = image, found[0]

    def run(self, plan: BuildPlan, folder: Path, log: Path, timeout_s: float | None) -> int:
        """See Runner."""
        name = f"steelflow-{plan.digest[:16]}-{os.getpid()}"
        options = ["--rm", "--name", name, "--workdir", "/build", "--volume", f"{folder}:/build"]
        options += ["--security-opt", "label=disable"]  # where SELinux would hide the folder
        if self.engine == "docker":  # podman's root is the user who runs it
            options += ["--user", f"{os.getuid()}:{os.getgid()}", "--env", "HOME=/tmp"]
        command = (self.engine, "run", *options, self.image, *plan.command)
        status = None
        try:
            status = super().run(replace(plan, command=command), folder, log, timeout_s)
        finally:
            if status is None or status < 0:  # the engine's client was killed, its container not
                subprocess.run(
                    [self.engine, "rm", "--force", name], capture_output=True, check=False
                )
        return status

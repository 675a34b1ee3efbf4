# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The products of plans, kept by digest: each plan runs once, in however many processes."""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from hw.build._lock import locked, unlock_stale
from hw.build.plan import BuildPlan
from hw.build.runner import LocalRunner, Runner
from hw.errors import HardwareError

__all__ = ["LOG", "BuildProducts", "BuildStore"]

LOG = "build.log"
_SCRATCH = ".building."
# What a command that drives other tools says last: which of them failed, and how.
_ENDED = re.compile(r"^(\S+): exit status (-?\d+)$")
_ERROR = re.compile(r"^.*\berror\b.*:.*$", re.MULTILINE | re.IGNORECASE)
_MENTION = re.compile(r"^.*error.*$", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True)
class BuildProducts:
    """A finished build: its folder holds the products and the log, and never changes."""

    folder: Path

    def path(self, name: str) -> Path:
        """Return the path of a product."""
        return self.folder / name

    @property
    def log(self) -> Path:
        """Return the path of what the tools printed."""
        return self.folder / LOG


class BuildStore:
    """Products in subfolders of a folder, by digest.

    A folder appears under its key only when it is complete. Several processes may use one store:
    the first that asks for a plan runs it, the others wait. What a killed process left is removed
    by the next build.

    Args:
        folder: of the store, made on first use; can be deleted at any time.
        runner: where commands run; on this machine by default.
    """

    def __init__(self, folder: Path, runner: Runner | None = None) -> None:
        self.folder = folder.resolve()
        self.runner = runner or LocalRunner()

    def find(self, plan: BuildPlan) -> BuildProducts | None:
        """Return the products of a plan if they are here."""
        target = self.folder / plan.key
        complete = all((target / name).exists() for name in plan.products)
        return BuildProducts(target) if complete else None

    def build(self, plan: BuildPlan, timeout_s: float | None = None) -> BuildProducts:
        """Return the products of a plan; run it, and what it needs, unless they are here.

        Raises:
            HardwareError: the command failed, was stopped or lacks a product, with its first error
                and its log; or the store cannot be written.
        """
        found = self.find(plan)
        if found:
            return found
        needs = {name: self.build(need, timeout_s) for name, need in plan.needs.items()}
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            unlock_stale(self.folder, _SCRATCH)
            with locked(self.folder / f"{_SCRATCH}{plan.key}") as scratch:
                return self.find(plan) or self._build(plan, needs, scratch, timeout_s)
        except OSError as error:
            raise HardwareError(
                f"{plan.subject}: {error.filename or self.folder}: {error.strerror or error}; "
                "free space, or choose a folder that can be written (XDG_CACHE_HOME for the cache)"
            ) from error

    def _build(
        self,
        plan: BuildPlan,
        needs: dict[str, BuildProducts],
        scratch: Path,
        timeout_s: float | None,
    ) -> BuildProducts:
        work, done = scratch / "work", scratch / "done"
        work.mkdir()
        plan.write(work)
        for name, products in needs.items():
            (work / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(products.folder, work / name)
        self._run(plan, work, scratch / LOG, timeout_s)
        for name in (LOG, *plan.products):
            (done / name).parent.mkdir(parents=True, exist_ok=True)
            (scratch / LOG if name == LOG else work / name).rename(done / name)
        target = self.folder / plan.key
        shutil.rmtree(target, ignore_errors=True)  # somebody deleted a product of it
        done.rename(target)
        return BuildProducts(target)

    def _run(self, plan: BuildPlan, work: Path, log: Path, timeout_s: float | None) -> None:
        subject, kept = plan.subject, self._failed_log(plan)
        try:
            status = self.runner.run(plan, work, log, timeout_s)
        except TimeoutError as error:
            log.replace(kept)
            raise HardwareError(
                f"{subject}: stopped after {timeout_s:g} s, the time limit; see {kept}"
            ) from error
        except FileNotFoundError as error:
            raise HardwareError(f"{subject}: {plan.command[0]}: not found; install it") from error
        lacking = [name for name in plan.products if not (work / name).exists()]
        if status == 0 and not lacking:
            return
        log.replace(kept)
        text = kept.read_text(errors="replace")
        reason = f"{_ended(text, plan, status)}: {_first_error(text)}"
        if status == 0:
            reason = f"made no {', '.join(lacking)}"
        raise HardwareError(f"{subject}: {reason}; see {kept}")

    def _failed_log(self, plan: BuildPlan) -> Path:
        return self.folder / (f"{plan.key}.failed.log" if plan.name else "failed.log")


def _ended(log: str, plan: BuildPlan, status: int) -> str:
    """Return which tool ended how: as the log's last line says, or else the plan's command."""
    last = log.rstrip().rpartition("\n")[2]
    return last if _ENDED.match(last) else f"{plan.command[0]}: exit status {status}"


def _first_error(log: str) -> str:
    found = _ERROR.search(log) or _MENTION.search(log)
    return found[0].strip() if found else "no message"

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A two-step pipeline run in a process of its own, to be killed, locked out or starved of disk.

"Training" sums the numbers of its eight epochs, keeps its state after each and logs it.
"""

import argparse
import subprocess
import time
from pathlib import Path

from flow.run.configuration import RunConfig
from flow.run.pipeline import Context, Pipeline, Settings, Step


class Train(Step):
    name = "train"

    def __init__(self, stop_after: int | None, ballast_kib: int, by_command: bool) -> None:
        self.stop_after = stop_after
        self.ballast_kib = ballast_kib
        self.by_command = by_command

    def settings(self, context: Context) -> Settings:
        return {"seed": context.config.seed}

    def run(self, context: Context, folder: Path, scratch: Path) -> None:
        state = scratch / "state.txt"
        start, total = map(int, state.read_text().split()) if state.exists() else (0, 0)
        for epoch in range(start, 8):
            total += epoch
            self._keep(state, f"{epoch + 1} {total}")
            with (context.workspace / "epochs_run.log").open("a") as log:
                log.write(f"{epoch} ")
            if epoch == self.stop_after:
                (context.workspace / "stopped").touch()
                time.sleep(600)
        self._write_ballast(folder / "ballast.bin")
        (folder / "weights.txt").write_text(str(total))

    def _write_ballast(self, path: Path) -> None:
        count = str(1024 * self.ballast_kib)
        with path.open("wb") as file:
            if self.by_command:  # which hides the system's error number
                subprocess.run(["head", "-c", count, "/dev/zero"], stdout=file, check=True)
            else:
                file.write(bytes(int(count)))

    @staticmethod
    def _keep(state: Path, text: str) -> None:
        part = state.with_suffix(".part")
        part.write_text(text)
        part.replace(state)


class Export(Step):
    name = "export"
    needs = ("train",)

    def settings(self, context: Context) -> Settings:  # noqa: ARG002
        return {}

    def run(self, context: Context, folder: Path, scratch: Path) -> None:  # noqa: ARG002
        weights = (context.folder("train") / "weights.txt").read_text()
        (folder / "model.txt").write_text(f"model of {weights}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("workspace", type=Path)
    parser.add_argument("--stop-after-epoch", type=int)
    parser.add_argument("--ballast-kib", type=int, default=0)
    parser.add_argument("--by-command", action="store_true")
    arguments = parser.parse_args()
    train = Train(arguments.stop_after_epoch, arguments.ballast_kib, arguments.by_command)
    context = Context(config=RunConfig(name="toy"), workspace=arguments.workspace)
    Pipeline((train, Export())).run(context)

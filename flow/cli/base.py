# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What a subcommand is, and the one that brings a step of the flow up to date."""

import argparse
import os
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from flow.environment import DATA_VARIABLE, data_folder
from flow.errors import FlowError

if TYPE_CHECKING:
    from flow.run.configuration import RunConfig
    from flow.run.pipeline import Context

__all__ = ["Command", "StepCommand", "add_data", "add_target", "shown"]


@dataclass(frozen=True)
class Command(ABC):
    """A subcommand: its name, its line of help, its options and what it does."""

    name: str
    help: str

    @abstractmethod
    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options, with defaults and units in their help."""

    @abstractmethod
    def run(self, options: argparse.Namespace) -> int:
        """Do it and return the exit status."""


@dataclass(frozen=True)
class StepCommand(Command):
    """Bring the step of its name, or all in the case of `run`, and all it needs up to date."""

    result: str = ""  # what the last line names, relative to the workspace; the step's folder
    source: str = "CONFIG"  # in the help
    attacks: bool = False  # offers a board for them

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Declare CONFIG, --zoo, --output and --data."""
        parser.add_argument(
            "config", metavar=self.source, type=Path, nargs="?", help="YAML file of the run"
        )
        parser.add_argument(
            "--zoo",
            metavar="NAME",
            help="take this trained network of the zoo, with settings for it, instead of CONFIG",
        )
        parser.add_argument(
            "--output",
            metavar="DIR",
            type=Path,
            help="folder of the results (default: build/NAME, with the name that CONFIG gives, "
            "or that of the zoo with _ for -)",
        )
        if self.attacks:
            parser.add_argument(
                "--board",
                metavar="PLACE",
                help="let this board judge the attacks: virtual, or the address that its server "
                "prints (default: what CONFIG says)",
            )
        add_data(parser)

    def run(self, options: argparse.Namespace) -> int:
        """Run what is out of date and name the result on stdout."""
        found = self.bring(options) / (self.result or self.name)
        print(f"{'report' if self.name == 'run' else self.name}: {shown(found)}")
        return 0

    def bring(self, options: argparse.Namespace) -> Path:
        """Run what is out of date; return the workspace."""
        context = _context(options)  # first: a mistake in CONFIG is said at once
        from flow.run.pipeline import Pipeline  # noqa: PLC0415 - keeps --help fast
        from flow.run.steps import all_steps  # noqa: PLC0415 - imports torch and FINN

        Pipeline(all_steps()).run(context, None if self.name == "run" else self.name)
        return context.workspace


def add_data(parser: argparse.ArgumentParser) -> None:
    """Declare --data."""
    parser.add_argument(
        "--data",
        metavar="DIR",
        type=Path,
        default=data_folder(),
        help=f"folder of data sets that are not embedded (default: ${DATA_VARIABLE})",
    )


def add_target(parser: argparse._ActionsContainer, *, fps: str) -> None:
    """Declare --part, --clock-mhz and --fps, whose default is `fps` in words."""
    parser.add_argument(
        "--part",
        help="FPGA part, device or board, or a .yaml file that describes one; see `parts` "
        "(default: xc7z020clg400-1)",
    )
    parser.add_argument(
        "--clock-mhz",
        type=float,
        metavar="MHZ",
        help="clock (default: 100; above it, parts of the 7 series get flip-flops where estimated "
        "timing needs them)",
    )
    parser.add_argument(
        "--fps", type=float, metavar="N", help=f"frames a second to fold for (default: {fps})"
    )


def _context(options: argparse.Namespace) -> "Context":
    from flow.run.pipeline import Context  # noqa: PLC0415 - keeps --help fast

    config = _config(options)
    if getattr(options, "board", None) is not None:
        config = _on_board(config, options.board)
    workspace = options.output or Path("build", config.name)
    return Context(config=config, workspace=workspace, data=options.data)


def _config(options: argparse.Namespace) -> "RunConfig":
    from flow.run.loading import load_config, parse_config  # noqa: PLC0415 - keeps --help fast

    if (options.config is None) == (options.zoo is None):
        both = f"both CONFIG {options.config} and --zoo {options.zoo} are given"
        raise FlowError(
            f"{options.command.name}: {'no CONFIG and no --zoo' if options.zoo is None else both}; "
            "give one of the two"
        )
    if options.zoo is None:
        return load_config(options.config)
    return parse_config({"zoo": options.zoo}, f"of --zoo {options.zoo}")


def _on_board(config: "RunConfig", place: str) -> "RunConfig":
    from flow.config import AttackConfig, parse_section  # noqa: PLC0415 - keeps --help fast

    chosen = config.attack.model_dump() | {"engine": "board", "board": place}
    attack = parse_section(AttackConfig, chosen, f"--board {place}")
    return config.model_copy(update={"attack": attack})


def shown(path: Path) -> Path:
    """Return the path as a user in the current folder would write it."""
    here = Path(os.path.realpath(os.curdir))
    return path.relative_to(here) if path.is_relative_to(here) else path

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""`steelflow zoo`: the trained networks that come with the package."""

import argparse
from dataclasses import dataclass

from flow.cli.base import Command
from flow.cli.zoo import build, evaluate, listing, train

__all__ = ["COMMAND"]

_ACTIONS: tuple[Command, ...] = (listing.ACTION, evaluate.ACTION, train.ACTION, build.ACTION)


@dataclass(frozen=True)
class ZooCommand(Command):
    """Has commands of its own, a module for each."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Declare the commands."""
        actions = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
        for action in _ACTIONS:
            options = actions.add_parser(action.name, help=action.help, description=action.help)
            action.add_options(options)
            options.set_defaults(action=action)

    def run(self, options: argparse.Namespace) -> int:
        """Do what the command does."""
        action: Command = options.action
        return action.run(options)


COMMAND = ZooCommand(name="zoo", help="list, measure, train and build the networks of the package")

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What a benchmark is."""

import argparse
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from flow.environment import data_folder
from flow.errors import SettingError
from flow.tables import Row
from steelflow_names import hint

__all__ = ["Benchmark", "add_data", "add_models", "check_models"]


@dataclass(frozen=True)
class Benchmark(ABC):
    """A subcommand of `steelflow bench`: its name, its line of help, its options and its rows."""

    name: str
    help: str

    @abstractmethod
    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Declare the options besides --json, with defaults and units in their help."""

    @abstractmethod
    def rows(self, options: argparse.Namespace) -> Iterator[Row]:
        """Measure and yield a row at a time; every row has the same keys."""


def add_data(parser: argparse.ArgumentParser) -> None:
    """Declare --data."""
    parser.add_argument(
        "--data", type=Path, metavar="DIR", default=data_folder(), help="folder of data sets"
    )


def add_models(
    parser: argparse.ArgumentParser, names: Sequence[str], what: str, nargs: str = "+"
) -> None:
    """Declare --models, by default `names`; `what` says of what kind they are."""
    parser.add_argument(
        "--models",
        nargs=nargs,
        metavar="NAME",
        default=list(names),
        help=f"{what} (default: {' '.join(names)})",
    )


def check_models(names: Collection[str], known: Collection[str]) -> None:
    """Refuse the first name that is not known.

    Raises:
        SettingError: there is one; it says what is near, or known.
    """
    for name in names:
        if name not in known:
            raise SettingError(f"models {name}: unknown{hint(name, known)}", "models")

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""`steelflow check`: the gate for continuous integration."""

import argparse
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from flow.cli.base import Command, add_data, add_target
from flow.cli.encoding import add_encoding, encoding
from flow.errors import SettingError
from flow.storage.files import check_place

if TYPE_CHECKING:
    from flow.check import Figure, Limits, TestSet

__all__ = ["COMMAND"]

_OF_A_MODEL = ("images", "labels", "dataset", "attacked", "part", "clock_mhz", "fps", "folding")


@dataclass(frozen=True)
class CheckCommand(Command):
    """Compare figures with limits; the status says whether all hold."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Declare the subject, the limits and how a model is measured."""
        parser.add_argument(
            "subject", metavar="MODEL_OR_CONFIG", type=Path, help="QONNX file, or YAML of a run"
        )
        _add_limits(parser)
        parser.add_argument(
            "--junit", type=Path, metavar="FILE", help="write the figures as JUnit XML"
        )
        parser.add_argument(
            "--output",
            type=Path,
            metavar="DIR",
            help="folder of the results (default: build/NAME, of CONFIG's name or the model's)",
        )
        add_data(parser)
        _add_model(parser)
        add_encoding(parser)

    def run(self, options: argparse.Namespace) -> int:
        """Measure, print each figure, write the file; 1 when one fell short."""
        from flow.check import Limits, write_junit  # noqa: PLC0415 - imports torch and FINN

        limits = Limits(
            max_lut=options.max_lut,
            min_fps=options.min_fps,
            min_accuracy=options.min_accuracy,
            min_robust=options.min_robust,
            epsilon_255=options.epsilon_255,
        )
        check_place(options.junit, "junit")
        start = time.monotonic()
        of_model = options.subject.suffix == ".onnx"
        figures = _of_model(options, limits) if of_model else _of_run(options, limits)
        if options.junit is not None:
            seconds = time.monotonic() - start
            write_junit(options.junit, str(options.subject), figures, seconds=seconds)
        for figure in figures:
            print(f"{'ok    ' if figure.holds else 'FAILED'} {figure}")
        return 0 if all(figure.holds for figure in figures) else 1


def _add_limits(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("limits (those that are not given are not measured)")
    group.add_argument("--max-lut", type=int, metavar="N", help="LUT, counted by Yosys")
    group.add_argument(
        "--min-fps", type=float, metavar="N", help="frames a second of the RTL, as simulated"
    )
    group.add_argument(
        "--min-accuracy", type=float, metavar="X", help="share of the test images, 0 to 1"
    )
    group.add_argument(
        "--min-robust", type=float, metavar="X", help="the same under attack within --epsilon"
    )
    group.add_argument(
        "--epsilon", type=int, metavar="N", dest="epsilon_255", help="in uint8 units, 0 to 255"
    )


def _add_model(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("for a MODEL.onnx (a run's CONFIG gives its own)")
    group.add_argument(
        "--images", type=Path, metavar="FILE", help=".npy of test images, as for simulate"
    )
    group.add_argument("--labels", type=Path, metavar="FILE", help=".npy of int[N], 0..K-1")
    group.add_argument(
        "--dataset", metavar="NAME", help="instead: digits, mnist, cifar10 or svhn, see --data"
    )
    group.add_argument("--attacked", type=int, metavar="N", help="the first images (default: 200)")
    add_target(group, fps="--min-fps, else 1000")
    group.add_argument("--folding", type=Path, metavar="FILE", help="as for compile")


def _of_model(options: argparse.Namespace, limits: "Limits") -> "list[Figure]":
    from flow.check import ModelCheck, check_model  # noqa: PLC0415 - imports torch and FINN
    from flow.compile import compile_config  # noqa: PLC0415

    settings = ModelCheck(
        folder=options.output or Path("build", options.subject.stem),
        compile=compile_config(
            part=options.part,
            clock_mhz=options.clock_mhz,
            fps=options.fps or limits.min_fps or None,
            folding=options.folding,
        ),
        encoding=encoding(options),
        **({} if options.attacked is None else {"attacked": options.attacked}),
    )
    return check_model(options.subject, limits, settings, _tests(options))


def _tests(options: argparse.Namespace) -> "TestSet | None":
    from flow.check import dataset_images, file_images  # noqa: PLC0415 - imports torch and FINN

    if (options.images is None) != (options.labels is None):
        raise SettingError("check: images and labels are one set; give both", "images", "labels")
    if options.images is None:
        return options.dataset and dataset_images(options.dataset, options.data)
    if options.dataset is not None:
        raise SettingError("check: images and a data set are given; give one", "images", "dataset")
    return file_images(options.images, options.labels, options.subject, encoding(options))


def _of_run(options: argparse.Namespace, limits: "Limits") -> "list[Figure]":
    from flow.check import check_run  # noqa: PLC0415 - imports torch and FINN
    from flow.run.loading import load_config  # noqa: PLC0415
    from flow.run.pipeline import Context  # noqa: PLC0415

    given = [name for name in _OF_A_MODEL if getattr(options, name) is not None]
    if given:
        raise SettingError(
            f"{given[0]}: only for a MODEL.onnx; write it into {options.subject}", given[0]
        )
    config = load_config(options.subject)
    workspace = options.output or Path("build", config.name)
    return check_run(Context(config=config, workspace=workspace, data=options.data), limits)


COMMAND = CheckCommand(name="check", help="compare figures of a model or a run with limits; for CI")

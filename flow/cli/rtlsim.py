# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""`steelflow rtlsim`: of a run, or of the accelerator in a folder."""

import argparse
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from flow.cli.accelerator import names_folder, refuse_folder_options, speed
from flow.cli.base import Command, StepCommand, shown
from flow.cluster.options import add_cluster, cluster_of
from flow.errors import FlowError

__all__ = ["COMMAND"]

_STEP = StepCommand(
    name="rtlsim",
    help="simulate the accelerator cycle by cycle with Verilator",
    target="rtlsim",
    result="rtlsim",
)


@dataclass(frozen=True)
class RtlsimCommand(Command):
    """The step of a run for CONFIG.yaml; logits of IMAGES.npy for a FOLDER with an accelerator."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Declare the step's options and those of a folder."""
        _STEP.add_options(parser, source="CONFIG or FOLDER")
        parser.add_argument(
            "images",
            metavar="IMAGES.npy",
            type=Path,
            nargs="?",
            help="of a FOLDER: the images, as for simulate; --output LOGITS.npy takes the results",
        )
        add_cluster(parser)

    def run(self, options: argparse.Namespace) -> int:
        """Bring the step up to date, or simulate the folder's accelerator."""
        if names_folder(options):
            return _simulate(options)
        refuse_folder_options(options, ("images", "cluster", "results"))
        return _STEP.run(options)


def _simulate(options: argparse.Namespace) -> int:
    if options.images is None:
        raise FlowError(f"rtlsim {options.config}: no images; name an .npy file after the folder")
    from flow.compile import simulate_folder  # noqa: PLC0415 - imports torch and FINN

    divided = options.cluster is not None or options.results is not None
    with cluster_of(options) if divided else nullcontext() as cluster:
        run = simulate_folder(options.config, options.images, options.output, cluster=cluster)
    output = run.accelerator.manifest.output
    print(f"rtlsim: {run.images} images; {speed(run)}")
    if run.agreement is not None:
        print(f"0 {'labels' if output.kind == 'label' else 'logits'} differ from the integers")
    if output.kind == "logits":
        offsets = sorted(set(output.logit_offset))
        offset = offsets[0] if len(offsets) == 1 else list(output.logit_offset)
        print(f"scale: {output.logit_scale!r} offset: {offset!r}")
    if options.output is not None:
        print(f"{'labels' if output.kind == 'label' else 'logits'}: {shown(options.output)}")
    return 0


COMMAND = RtlsimCommand(name=_STEP.name, help=_STEP.help)

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""`steelflow rtlsim`: of a run, or of the accelerator in a folder."""

import argparse
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from flow.cli.accelerator import names_folder, refuse_folder_options, speed
from flow.cli.base import StepCommand, shown
from flow.cluster.options import add_cluster, cluster_of
from flow.errors import FlowError

__all__ = ["COMMAND"]


@dataclass(frozen=True)
class RtlsimCommand(StepCommand):
    """The step of a run for CONFIG.yaml; logits of IMAGES.npy for a FOLDER with an accelerator."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Declare the step's options and those of a folder."""
        super().add_options(parser)
        parser.add_argument(
            "images",
            metavar="IMAGES",
            type=Path,
            nargs="?",
            help="of a FOLDER: an .npy file as for simulate, --output LOGITS.npy takes the "
            "results; or certificates (.jsonl), whose counterexamples it must get wrong",
        )
        parser.add_argument(
            "--sample",
            type=int,
            metavar="N",
            help="counterexamples, evenly spread over the file (default: 16)",
        )
        add_cluster(parser)

    def run(self, options: argparse.Namespace) -> int:
        """Bring the step up to date, or simulate the folder's accelerator."""
        if names_folder(options):
            return _simulate(options)
        refuse_folder_options(options, ("images", "sample", "cluster", "results"))
        return super().run(options)


def _simulate(options: argparse.Namespace) -> int:
    if options.images is None:
        raise FlowError(f"rtlsim {options.config}: no images; name an .npy file after the folder")
    if options.images.suffix == ".jsonl":
        return _replay(options)
    if options.sample is not None:
        raise FlowError("rtlsim --sample: is for certificates (.jsonl); leave it out")
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


def _replay(options: argparse.Namespace) -> int:
    most = 16 if options.sample is None else options.sample
    if most < 1:
        raise FlowError(f"rtlsim --sample {most}: is not at least 1; change it")
    if options.output is not None:
        raise FlowError("rtlsim --output: is for images (.npy), not for certificates; leave it out")
    from flow.compile import replay_counterexamples  # noqa: PLC0415 - imports torch and FINN

    divided = options.cluster is not None or options.results is not None
    with cluster_of(options) if divided else nullcontext() as cluster:
        found = replay_counterexamples(options.config, options.images, most=most, cluster=cluster)
    print(f"rtlsim: {found.run.images} images; {speed(found.run)}")
    print(f"the RTL gets {found.run.images} of {found.held} counterexamples wrong, as certified")
    return 0


COMMAND = RtlsimCommand(
    name="rtlsim",
    help="simulate the accelerator cycle by cycle with Verilator",
    source="CONFIG or FOLDER",
)

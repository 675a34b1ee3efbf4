# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""`steelflow simulate`: the exact integer logits of any QONNX classifier."""

import argparse
from dataclasses import dataclass
from pathlib import Path

from flow.cli.base import Command, shown
from flow.cli.encoding import add_encoding, assumption, encoding

__all__ = ["COMMAND"]


@dataclass(frozen=True)
class SimulateCommand(Command):
    """Run the native engine on images from a file."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Declare the files, the input's encoding and the engine's options."""
        parser.add_argument("model", metavar="MODEL.onnx", type=Path, help="QONNX classifier")
        parser.add_argument(
            "images",
            metavar="IMAGES.npy",
            type=Path,
            help="uint8[N, H, W, C] or [N, F], or the model's own input tensors [N, ...]",
        )
        parser.add_argument(
            "--output",
            metavar="LOGITS.npy",
            type=Path,
            required=True,
            help="int32[N, K]: the integer logits",
        )
        parser.add_argument(
            "--output-name", metavar="NAME", help="the model's output that holds the logits"
        )
        add_encoding(parser)
        parser.add_argument(
            "--threads", type=int, metavar="N", help="at most so many (default: one a core)"
        )
        parser.add_argument(
            "--isa",
            metavar="NAME",
            help="portable, avx2, avx512, neon or neon_dot (default: the fastest here)",
        )

    def run(self, options: argparse.Namespace) -> int:
        """Simulate; say how fast, and what a logit is worth."""
        from flow.engines.simulation import simulate  # noqa: PLC0415 - keeps --help fast

        report = simulate(
            options.model,
            options.images,
            options.output,
            encoding=encoding(options),
            output_name=options.output_name,
            threads=options.threads,
            isa=options.isa,
        )
        for note in (*report.notes, *assumption(report.assumed)):
            print(f"note: {note}")
        count, classes = report.logits.shape
        rate = f", {count / report.seconds:,.0f} images/s" if count else ""
        print(f"simulate: {count} images, {classes} logits each{rate}")
        if report.undecided is not None:
            print(f"labels that the rounding could change: {report.undecided} of {count}")
        print(f"scale: {report.scale!r} offset: {report.offset!r}")
        print(f"logits: {shown(options.output)}")
        return 0


COMMAND = SimulateCommand(
    name="simulate", help="write the exact integer logits of a QONNX classifier on images"
)

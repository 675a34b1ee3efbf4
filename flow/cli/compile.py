# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""`steelflow compile`: a run's network, or any QONNX classifier."""

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from flow.cli.accelerator import speed
from flow.cli.base import StepCommand, add_target, shown
from flow.cli.encoding import ENCODING_OPTIONS, add_encoding, assumption, encoding
from flow.errors import FlowError

if TYPE_CHECKING:
    from flow.compile import RtlRun
    from flow.lowering import Lowered

__all__ = ["COMMAND"]

_MODEL_OPTIONS = (
    "part",
    "clock_mhz",
    "fps",
    "folding",
    "lut_per_dsp",
    "images",
    "verify",
    "label",
    "output_name",
    "trace",
    "no_synth",
    *ENCODING_OPTIONS,
)


@dataclass(frozen=True)
class CompileCommand(StepCommand):
    """The step of a run for CONFIG.yaml; a model of the user's own for MODEL.onnx."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Declare the step's options and those of a model."""
        super().add_options(parser)
        model = parser.add_argument_group("for a MODEL.onnx (a run's CONFIG gives its own)")
        add_target(model, fps="1000")
        model.add_argument(
            "--folding",
            type=Path,
            metavar="FILE",
            help="YAML file: matrix layer -> {pe: N, simd: N}, over --fps; or a folding.json",
        )
        model.add_argument(
            "--lut-per-dsp",
            type=float,
            metavar="N",
            help="LUTs that a DSP slice is worth (default: a quarter of the part's ratio)",
        )
        model.add_argument(
            "--images",
            type=Path,
            metavar="FILE",
            help=".npy of images to check the RTL with, as for simulate (default: noise)",
        )
        model.add_argument(
            "--verify", type=int, metavar="N", help="images to check with (default: 4)"
        )
        model.add_argument(
            "--output-name", metavar="NAME", help="the model's output that holds the logits"
        )
        model.add_argument(
            "--trace", type=Path, metavar="FILE", help="waveforms of one image, .fst or .vcd"
        )
        model.add_argument(
            "--label", action="store_true", default=None, help="end with an argmax in hardware"
        )
        model.add_argument(
            "--no-synth", action="store_true", default=None, help="leave the count by Yosys out"
        )
        add_encoding(parser)

    def run(self, options: argparse.Namespace) -> int:
        """Bring the step up to date, or compile the model."""
        if options.config is not None and options.config.suffix == ".onnx" and not options.zoo:
            return _compile_model(options)
        given = [name for name in _MODEL_OPTIONS if getattr(options, name) is not None]
        if given:
            place = options.config or f"a CONFIG with zoo: {options.zoo}"
            raise FlowError(
                f"--{given[0].replace('_', '-')}: only for a MODEL.onnx; write it into {place}"
            )
        return super().run(options)


def _compile_model(options: argparse.Namespace) -> int:
    from flow.compile import (  # noqa: PLC0415 - imports torch and FINN
        compile_config,
        compile_model,
        resource_table,
    )

    compiled = compile_model(
        options.config,
        options.output or Path("build", options.config.stem),
        compile_config(
            part=options.part,
            clock_mhz=options.clock_mhz,
            fps=options.fps,
            folding=options.folding,
            lut_per_dsp=options.lut_per_dsp,
        ),
        encoding=encoding(options),
        images=options.images,
        verify=4 if options.verify is None else options.verify,
        output_name=options.output_name,
        label=bool(options.label),
        trace=options.trace,
        synthesis=not options.no_synth,
        on_lowered=_print_notes,
    )
    if options.trace:
        print(f"waveforms of image 0: {options.trace}")
    print(_proven(compiled.accelerator.manifest.memory_words_proven))
    print(f"{_checked(compiled.run)}; {speed(compiled.run)}")
    for line in resource_table(compiled.accelerator.manifest, compiled.synthesis):
        print(line)
    for layer, (before, after) in compiled.changes.items():
        print(f"changed to fit: {layer}: {before} -> {after}")
    for line in compiled.clock:
        print(line)
    print(f"compile: {shown(compiled.folder)}")
    return 0


def _print_notes(lowered: "Lowered") -> None:
    for note in (*lowered.notes, *assumption(lowered.assumed)):
        print(f"note: {note}", flush=True)


def _proven(words: int | None) -> str:
    return (
        f"{words or 0:,} words of weights, thresholds and constants read back as the RTL addresses "
        "them: all as in the network"
    )


def _checked(run: "RtlRun") -> str:
    what = "labels" if run.accelerator.manifest.output.kind == "label" else "logits"
    images = "image" if run.images == 1 else "images"
    return f"{run.images} {images} through the RTL, 0 {what} differ"


COMMAND = CompileCommand(
    name="compile",
    help="turn a QONNX model into an accelerator in RTL with FINN, and check it",
    source="CONFIG or MODEL.onnx",
)

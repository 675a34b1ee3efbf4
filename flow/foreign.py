# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A QONNX file of the user's own, compiled and checked into a folder of its own."""

import re
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import yaml

from flow._records import write_json
from flow.classifier import Images, check_images
from flow.compiler import Workshop
from flow.errors import FlowError
from flow.lowering import InputEncoding, lower, read_model
from flow.model_compiler import check_in_rtl, compile_model
from flow.settings import CompileConfig, parse_section
from hw.verilator.simulation import Simulation, Waveforms

__all__ = ["Request", "compile_config", "compile_foreign"]

_RECORD = "compile.json"
_DEFAULT_FPS = 1000.0


@dataclass(frozen=True, kw_only=True)
class Request:
    """What `steelflow compile MODEL.onnx` asks for.

    Attributes:
        model: the QONNX file.
        folder: of the results; replaced as a whole if an earlier compilation left it.
        compile: part, clock and folding.
        images: .npy of uint8[N, H, W, C] to check the RTL with; noise when None.
        verify: how many images the RTL sees.
        pixel_scale: a float input of the model is the uint8 pixel times this; None for 1/255.
        label: end with an argmax in hardware.
        trace: .fst or .vcd file that gets the waveforms of the first image; None for none.
    """

    model: Path
    folder: Path
    compile: CompileConfig
    images: Path | None
    verify: int
    pixel_scale: float | None
    label: bool
    trace: Path | None


def compile_config(*, fps: float | None, folding: Path | None, **given: object) -> CompileConfig:
    """Return the settings that the options stand for; what is None has its default.

    Raises:
        FlowError: a value out of range, or a folding file that cannot be read.
    """
    values = {name: value for name, value in given.items() if value is not None}
    values["target_fps"] = _DEFAULT_FPS if fps is None else fps
    if folding:
        values["folding"] = _read_yaml(folding)
    return parse_section(CompileConfig, values, "compile")


def _read_yaml(path: Path) -> object:
    try:
        return yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise FlowError(f"--folding {path}: cannot be read as YAML ({reason})") from error


def compile_foreign(request: Request) -> Iterator[str]:
    """Compile and check; yield lines that say what was found.

    The folder appears when all is done: an error leaves what was there before.

    Raises:
        FlowError: a file or an option that cannot be used; nodes that cannot be compiled.
        VerificationError: the RTL differs from the integers.
    """
    _check(request)
    folder = request.folder.resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as scratch:
        new = Path(scratch) / "new"
        new.mkdir()
        workshop = Workshop(Path(scratch) / "work", Path(scratch) / "verilator")
        start = time.perf_counter()
        lowered = lower(read_model(request.model), input_encoding=_encoding(request))
        images = _images(request, lowered.network.input_shape)
        compiled = compile_model(
            lowered,
            request.compile,
            new,
            name=_identifier(request.model.stem),
            workshop=workshop,
            label=request.label,
        )
        seconds = time.perf_counter() - start
        yield from (f"note: {note}" for note in compiled.notes)
        agreement, simulated = check_in_rtl(compiled, images, workshop.build_dir)
        if request.trace:
            simulation = Simulation(compiled.accelerator, build_dir=workshop.build_dir)
            simulation.run(images[:1], waveforms=Waveforms(request.trace))
            yield f"waveforms of image 0: {request.trace}"
        manifest = compiled.accelerator.manifest
        interval = simulated.initiation_interval_cycles
        record = {
            "model": str(request.model),
            "part": manifest.part,
            "clock_mhz": manifest.clock_mhz,
            "notes": compiled.notes,
            "compile_s": seconds,
            "integer_vs_rtlsim": asdict(agreement),
            "memory_words_proven": manifest.memory_words_proven,
            "cycles_predicted": manifest.cycles_per_frame_predicted,
            "cycles_measured": interval,
            "frames_per_second": manifest.frames_per_second(interval),
        }
        write_json(new / _RECORD, record)
        if folder.exists():
            folder.rename(Path(scratch) / "old")
        new.rename(folder)
    yield (
        f"{manifest.memory_words_proven:,} words of weights, thresholds and constants read back "
        "as the RTL addresses them, all as in the network"
    )
    what = "labels" if request.label else "logits"
    yield (
        f"{len(images)} images through the RTL, 0 {what} differ; {interval:g} cycles a frame "
        f"({manifest.cycles_per_frame_predicted} predicted), "
        f"{manifest.frames_per_second(interval):,.0f} frames/s at {manifest.clock_mhz:g} MHz"
    )


def _check(request: Request) -> None:
    if request.verify < 1:
        raise FlowError(f"--verify {request.verify}: give at least 1 image")
    if request.trace and request.trace.suffix not in (".fst", ".vcd"):
        raise FlowError(f"--trace {request.trace}: name a .fst or .vcd file")
    if request.trace and not request.trace.parent.is_dir():
        raise FlowError(f"--trace {request.trace}: there is no folder {request.trace.parent}")
    folder = request.folder
    empty = folder.is_dir() and not any(folder.iterdir())
    if folder.exists() and not empty and not (folder / _RECORD).is_file():
        raise FlowError(f"--output {folder}: is there and no earlier result; choose another")


def _encoding(request: Request) -> InputEncoding | None:
    if request.pixel_scale is None:
        return None
    if not 0 < request.pixel_scale < float("inf"):
        raise FlowError(f"--pixel-scale {request.pixel_scale}: give a positive number")
    return InputEncoding(scale=request.pixel_scale)


def _identifier(stem: str) -> str:
    name = re.sub(r"\W", "_", stem, flags=re.ASCII)
    return name if name[:1].isalpha() else f"model_{name}"


def _images(request: Request, shape: tuple[int, int, int]) -> Images:
    if request.images is None:
        noise = np.random.default_rng(0)
        return noise.integers(0, 256, (request.verify, *shape), dtype=np.uint8)
    try:
        images: Images = np.load(request.images, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise FlowError(f"--images {request.images}: cannot be read ({error})") from error
    check_images(images, shape)
    if len(images) < 1:
        raise FlowError(f"--images {request.images}: holds no images")
    return images[: request.verify]

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The `Accelerator` folder: RTL, weights and a manifest, all that later stages read."""

import json
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from hw.accelerator.checksum import folder_checksum
from hw.accelerator.preprocessing import Preprocessing
from hw.errors import HardwareError
from hw.parts import Family, Part

__all__ = [
    "MANIFEST_FILE",
    "PLAIN_MHZ",
    "SCHEMA",
    "Accelerator",
    "Estimate",
    "Fifo",
    "ImageInput",
    "Layer",
    "LogitOutput",
    "Manifest",
    "Stream",
]

SCHEMA = 3
MANIFEST_FILE = "manifest.json"
PLAIN_MHZ = 100.0  # up to here nothing is registered for the sake of the clock

_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class ImageInput:
    """How images enter: `elements_per_beat` elements a beat, the first in the lowest bits."""

    shape: tuple[int, int, int]  # (H, W, C); the stream is in this order, C fastest
    datatype: str  # "UINT8"
    stream_width_bits: int  # of tdata, a whole number of bytes
    elements_per_beat: int
    preprocessing: Preprocessing | None = None  # of the model's own input; None if not known

    @property
    def beats_per_frame(self) -> int:
        """Stream beats of one image."""
        height, width, channels = self.shape
        return height * width * channels // self.elements_per_beat


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class LogitOutput:
    """How logits, or the label, leave: `elements_per_beat` a beat, the first in the lowest bits."""

    kind: Literal["logits", "label"] = "logits"
    shape: tuple[int]  # (K,), or (1,) for a label
    datatype: str  # signed or unsigned integer, as "INT13"
    logit_scale: float  # float logit = logit_scale * integer + logit_offset; not for a label
    logit_offset: tuple[float, ...]  # of each class; empty for a label
    stream_width_bits: int
    elements_per_beat: int

    @property
    def beats_per_frame(self) -> int:
        """Stream beats of the logits of one image."""
        return self.shape[0] // self.elements_per_beat


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class Estimate:
    """FINN's own resource estimate of a layer."""

    lut: float
    dsp: float
    bram18: float


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class Layer:
    """A node of the dataflow graph that is not a FIFO."""

    name: str  # node name, and instance name in the top
    op_type: str
    module: str
    sources: tuple[str, ...]  # relative to the folder
    memory: tuple[str, ...]
    folding: dict[str, int]
    cycles_predicted: int  # per frame in steady state; 0 where there is none (width converters)
    estimate: Estimate


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class Fifo:
    """An instance of FINN's module `fifo` in the top, named as the node."""

    name: str
    depth: int  # beats, at least 2
    depth_default: int = 2  # what FINN gives it where no simulation sizes it
    width_bits: int
    ram_style: str  # "auto", "shift", "distributed", "block" or "ultra"
    beats_per_frame: int
    estimate: Estimate


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class Stream:
    """A handshaked connection inside the top: wires <name>_tdata, _tvalid and _tready."""

    name: str
    source: str  # node name
    sink: str
    width_bits: int


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class Manifest:
    """What manifest.json says; paths are relative to the folder."""

    schema: int
    name: str
    top: str  # module of top.sv
    part: str
    device: Part  # what the part holds
    clock_mhz: float
    input: ImageInput
    output: LogitOutput
    layers: tuple[Layer, ...]
    fifos: tuple[Fifo, ...]
    streams: tuple[Stream, ...]
    cycles_per_frame_predicted: int
    cycles_measured: float | None = None  # a frame, in simulation with these FIFO depths
    memory_words_proven: int | None = None  # all of them, equal to the network's (hw.proof)
    sources: tuple[str, ...]  # in compilation order, packages first
    checksum: str  # folder_checksum()
    tool_versions: dict[str, str]

    @property
    def fifo_bits(self) -> int:
        """Bits that all FIFOs hold."""
        return sum(fifo.depth * fifo.width_bits for fifo in self.fifos)

    @property
    def fifo_bits_default(self) -> int:
        """Bits that all FIFOs would hold with FINN's default depths."""
        return sum(fifo.depth_default * fifo.width_bits for fifo in self.fifos)

    @property
    def ends(self) -> tuple[str, str]:
        """Names of the layer or FIFO that takes the images and of the one that gives the result."""
        names = [*(layer.name for layer in self.layers), *(fifo.name for fifo in self.fifos)]
        fed, read = {s.sink for s in self.streams}, {s.source for s in self.streams}
        (first,) = (name for name in names if name not in fed)
        (last,) = (name for name in names if name not in read)
        return first, last

    @property
    def registered(self) -> bool:
        """Whether flip-flops may stand at seams: for more than 100 MHz, where timing is known."""
        return self.device.family is Family.SERIES_7 and self.clock_mhz > PLAIN_MHZ

    def frames_per_second(self, cycles_per_frame: float) -> float:
        """Return the frame rate at this clock."""
        return self.clock_mhz * 1e6 / cycles_per_frame


@dataclass(frozen=True)
class Accelerator:
    """A verified folder; simulation, synthesis, board and report read only this.

    Memory files are named relative to the folder: run a tool there, or set the top's parameter
    MemoryBase to the folder with a trailing slash.
    """

    folder: Path
    manifest: Manifest

    @classmethod
    def load(cls, folder: Path | str) -> "Accelerator":
        """Read a folder, check its manifest and the checksum over all its files.

        Raises:
            HardwareError: no or unreadable manifest, another schema, or changed files.
        """
        folder = Path(folder).resolve()
        path = folder / MANIFEST_FILE
        data = _read_json(path)
        try:
            manifest = TypeAdapter(Manifest).validate_json(json.dumps(data), strict=True)
        except ValidationError as error:
            raise HardwareError(f"{path}: {_first_problem(error)}; {_AGAIN}") from error
        found = folder_checksum(folder, MANIFEST_FILE, data)
        if found != manifest.checksum:
            raise HardwareError(
                f"{folder}: files changed since it was stitched (checksum {found[:12]} instead of "
                f"{manifest.checksum[:12]}); {_AGAIN}"
            )
        return cls(folder, manifest)

    def paths(self, names: tuple[str, ...]) -> list[Path]:
        """Return absolute paths of files named in the manifest."""
        return [self.folder / name for name in names]

    def decode(self, logits: NDArray[np.integer[Any]]) -> NDArray[np.float64]:
        """Return the model's float logits [N, K] for the integer ones that come out.

        Raises:
            HardwareError: the accelerator ends with an argmax, or another number of classes.
        """
        output = self.manifest.output
        if output.kind == "label":
            raise HardwareError(
                f"accelerator {self.manifest.name}: its output is the label, which has no scale; "
                "compile it without the argmax"
            )
        if logits.shape[1:] != output.shape:
            raise HardwareError(
                f"logits: shape {logits.shape} is not (N, {output.shape[0]}); give what "
                f"{self.manifest.name} returns"
            )
        scaled: NDArray[np.float64] = output.logit_scale * logits.astype(np.float64)
        scaled += np.array(output.logit_offset)
        return scaled

    def encode(self, tensors: NDArray[Any]) -> NDArray[np.uint8]:
        """Return the images uint8[N, H, W, C] whose preprocessing gives the model's input tensors.

        Raises:
            HardwareError: the preprocessing is not known, or a value that no pixel has.
        """
        given = self.manifest.input
        if given.preprocessing is None:
            raise HardwareError(
                f"accelerator {self.manifest.name}: its manifest does not say how the model's "
                "input is made of pixels; give uint8 images"
            )
        return given.preprocessing.images(tensors, given.shape)


_AGAIN = "compile the network again"


def _read_json(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text())
    except FileNotFoundError as error:
        raise HardwareError(
            f"{path.parent}: no accelerator, {path.name} is missing; {_AGAIN}"
        ) from error
    except (OSError, ValueError) as error:
        raise HardwareError(f"{path}: not readable as JSON ({error}); {_AGAIN}") from error
    manifest: dict[str, Any] = data if isinstance(data, dict) else {}
    if manifest.get("schema") != SCHEMA:
        found = manifest.get("schema")
        raise HardwareError(f"{path}: schema {found!r} is not {SCHEMA}; {_AGAIN}")
    return manifest


def _first_problem(error: ValidationError) -> str:
    """Return the field and the reason of the first of the errors, in one line."""
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"

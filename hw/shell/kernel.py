# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The kernel folder: an accelerator, the shell around it, and `kernel.json` that describes both."""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as checked_dataclass

from hw.accelerator import Accelerator, Manifest
from hw.accelerator.packing import integer_width
from hw.errors import HardwareError
from hw.shell._wrapper import kernel_ports, render_kernel
from hw.shell.settings import KernelSettings
from steelflow_names import one_line

__all__ = [
    "KERNEL_FILE",
    "Kernel",
    "KernelManifest",
    "KernelPlan",
    "kernel_digest",
    "kernel_ports",
    "plan_kernel",
    "write_kernel",
]

KERNEL_FILE = "kernel.json"
SCHEMA = 1
DIGEST_BYTES = 16

_RTL = Path(__file__).parent.parent / "rtl" / "shell"
_ACCELERATOR = "accelerator"
_LATENCY_CYCLES = 256  # of memory, that outstanding reads are to hide
_AGAIN = "write the kernel again"


@checked_dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class KernelManifest:
    """What kernel.json says; paths are relative to the folder.

    The driver on a board reads this file too, with the standard library alone.
    """

    schema: int
    name: str
    top: str
    part: str
    clock_mhz: float
    digest: str  # hex, the first 16 bytes of the accelerator's checksum
    data_bits: int
    burst_beats: int
    outstanding: int
    watchdog_cycles: int
    image_shape: tuple[int, int, int]  # (H, W, C) of uint8
    output: Literal["logits", "label"]
    outputs: int  # int32 words of an image
    logit_scale: float  # float logit = logit_scale * integer + logit_offset; not for a label
    logit_offset: tuple[float, ...]  # of each class; empty for a label
    cycles_per_frame: float  # measured in simulation where it was, else predicted
    sources: tuple[str, ...]  # in compilation order, packages first


@dataclass(frozen=True)
class KernelPlan:
    """All files of a kernel folder but kernel.json, and what that is to say."""

    files: Mapping[str, bytes]
    manifest: KernelManifest


@dataclass(frozen=True)
class Kernel:
    """A kernel folder whose accelerator is the one that it was written for."""

    folder: Path
    manifest: KernelManifest
    accelerator: Accelerator

    @classmethod
    def load(cls, folder: Path) -> "Kernel":
        """Read a kernel folder.

        Raises:
            HardwareError: no or unreadable kernel.json, or another accelerator in it.
        """
        folder = folder.resolve()
        path = folder / KERNEL_FILE
        try:
            manifest = TypeAdapter(KernelManifest).validate_json(path.read_bytes(), strict=True)
        except FileNotFoundError as error:
            raise HardwareError(
                f"{folder}: no kernel, {KERNEL_FILE} is missing; {_AGAIN}"
            ) from error
        except (OSError, ValidationError) as error:
            raise HardwareError(f"{path}: not readable ({one_line(error)}); {_AGAIN}") from error
        if manifest.schema != SCHEMA:
            raise HardwareError(f"{path}: schema {manifest.schema} is not {SCHEMA}; {_AGAIN}")
        accelerator = Accelerator.load(folder / _ACCELERATOR)
        found = kernel_digest(accelerator)
        if found != manifest.digest:
            raise HardwareError(
                f"{folder}: the accelerator's digest {found} is not the kernel's "
                f"{manifest.digest}; {_AGAIN}"
            )
        return cls(folder, manifest, accelerator)


def write_kernel(
    accelerator: Accelerator, folder: Path, settings: KernelSettings | None = None
) -> Kernel:
    """Write an accelerator and the shell around it as a kernel folder that can be copied anywhere.

    Args:
        accelerator: is copied.
        folder: what is written; a kernel that is there already is replaced at the end.
        settings: of the memory port; 64 bits by default.

    Raises:
        HardwareError: logits of more than 32 bits.
    """
    plan = plan_kernel(accelerator, settings or KernelSettings())
    folder = folder.resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as scratch:
        new = Path(scratch) / "new"
        for name, content in plan.files.items():
            (new / name).parent.mkdir(parents=True, exist_ok=True)
            (new / name).write_bytes(content)
        (new / KERNEL_FILE).write_text(json.dumps(asdict(plan.manifest), indent=1) + "\n")
        if folder.exists():
            folder.rename(Path(scratch) / "old")
        new.rename(folder)
    return Kernel.load(folder)


def plan_kernel(accelerator: Accelerator, settings: KernelSettings) -> KernelPlan:
    """Work out what `write_kernel` writes; same errors."""
    inner = accelerator.manifest
    manifest = _manifest(accelerator, settings)
    files = {
        f"{_ACCELERATOR}/{path.relative_to(accelerator.folder).as_posix()}": path.read_bytes()
        for path in sorted(accelerator.folder.rglob("*"))
        if path.is_file()
    }
    files |= {f"rtl/{path.name}": path.read_bytes() for path in _shell_sources()}
    top = render_kernel(
        inner.name, inner.top, settings.data_bits // 8, _parameters(inner, manifest)
    )
    files[f"{manifest.top}.sv"] = top.encode()
    return KernelPlan(files, manifest)


def kernel_digest(accelerator: Accelerator) -> str:
    """Return what a kernel of this accelerator shows in its registers, in hex."""
    return accelerator.manifest.checksum[: 2 * DIGEST_BYTES]


def _shell_sources() -> list[Path]:
    return sorted(_RTL.glob("*.sv"), key=lambda path: ("_pkg" not in path.name, path.name))


def _manifest(accelerator: Accelerator, settings: KernelSettings) -> KernelManifest:
    inner = accelerator.manifest
    frame_cycles = inner.cycles_measured or float(inner.cycles_per_frame_predicted)
    sources = (
        *(f"{_ACCELERATOR}/{name}" for name in inner.sources),
        *(f"rtl/{path.name}" for path in _shell_sources()),
        f"{inner.name}_kernel.sv",
    )
    layers = sum(layer.cycles_predicted for layer in inner.layers)
    return KernelManifest(
        schema=SCHEMA,
        name=inner.name,
        top=f"{inner.name}_kernel",
        part=inner.part,
        clock_mhz=inner.clock_mhz,
        digest=kernel_digest(accelerator),
        data_bits=settings.data_bits,
        burst_beats=settings.burst_beats,
        outstanding=settings.outstanding or _outstanding(inner, settings, frame_cycles),
        watchdog_cycles=settings.watchdog_cycles or 10_000 + 4 * layers,
        image_shape=inner.input.shape,
        output=inner.output.kind,
        outputs=inner.output.shape[0],
        logit_scale=inner.output.logit_scale,
        logit_offset=inner.output.logit_offset,
        cycles_per_frame=frame_cycles,
        sources=tuple(sorted(sources, key=lambda name: "_pkg." not in name)),
    )


def _outstanding(inner: Manifest, settings: KernelSettings, frame_cycles: float) -> int:
    """Return the bursts that bring what the accelerator reads in a memory's latency, 2^n."""
    port = inner.input
    frame_bytes = port.beats_per_frame * port.stream_width_bits // 8
    beat_bytes = settings.data_bits // 8
    rate = min(frame_bytes / frame_cycles, port.stream_width_bits / 8, beat_bytes)
    bursts = rate * _LATENCY_CYCLES / (beat_bytes * settings.burst_beats) + 1
    return next(size for size in (4, 8, 16, 32) if size >= min(bursts, 32))


def _parameters(inner: Manifest, manifest: KernelManifest) -> dict[str, str]:
    """Return the parameters of kernel_shell but DataBytes."""
    port, result = inner.input, inner.output
    signed, width = integer_width(result.datatype)
    digest = bytes.fromhex(manifest.digest)[::-1].hex()  # the first byte in the lowest bits
    return {
        "BurstBeats": str(manifest.burst_beats),
        "Outstanding": str(manifest.outstanding),
        "InBytes": str(port.stream_width_bits // 8),
        "InFrameBeats": str(port.beats_per_frame),
        "OutBytes": str(result.stream_width_bits // 8),
        "OutFrameBeats": str(result.beats_per_frame),
        "Lanes": str(result.elements_per_beat),
        "ValueBits": str(width),
        "Signed": f"1'b{signed:d}",
        "WatchdogCycles": str(manifest.watchdog_cycles),
        "Digest": f"128'h{digest}",
        **({"Registered": "1'b1"} if inner.registered else {}),
    }

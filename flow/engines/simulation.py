# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The exact logits of any QONNX classifier on images from a file."""

import io
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flow.classifier import Images, Logits
from flow.errors import FlowError
from flow.integer.native import NativeNetwork
from flow.lowering import InputEncoding, lower, read_model
from flow.progress import meter
from flow.storage.files import check_place, write_output
from hw.accelerator.preprocessing import Preprocessing
from hw.errors import HardwareError
from steelflow_names import one_line

__all__ = ["SimulationReport", "as_pixels", "read_images", "simulate", "write_logits"]

_BATCH = 4096  # images between two reports of progress


@dataclass(frozen=True)
class SimulationReport:
    """What a simulation wrote.

    Attributes:
        logits: int32[N, K]; the model's output is scale * logits + offset.
        scale, offset: the same for every class.
        seconds: of the engine alone.
        notes: what the lowering assumed, left out or rounded.
        assumed: fields of InputEncoding that were assumed; see Lowered.
        undecided: images whose label the rounding could change; None where nothing is rounded.
    """

    logits: Logits
    scale: float
    offset: float
    seconds: float
    notes: tuple[str, ...]
    assumed: tuple[str, ...]
    undecided: int | None = None


def simulate(
    model: Path | str,
    images: Path | str,
    output: Path | str,
    *,
    encoding: InputEncoding | None = None,
    output_name: str | None = None,
    threads: int | None = None,
    isa: str | None = None,
) -> SimulationReport:
    """Write the integer logits of a QONNX classifier on images as .npy int32[N, K].

    Args:
        model: the QONNX file.
        images: .npy of uint8[N, H, W, C] or of the model's own input tensors; see as_pixels.
        output: replaced when all is done; an error leaves what was there.
        encoding: the model's input for a uint8 pixel; None for what it declares.
        output_name: the model's output that holds the logits; None for the only one.
        threads: None for one a core.
        isa: the instruction set; None for the fastest.

    Raises:
        FlowError: a file or an option that cannot be used, or nodes without integer form.
    """
    output = Path(output)
    check_place(output, "output")
    graph, found = read_model(model, output_name=output_name), read_images(images)
    lowered = lower(graph, input_encoding=encoding)
    network = lowered.network
    pixels = as_pixels(found, network.input_shape, network.preprocessing)
    engine = NativeNetwork(network, threads=threads, isa=isa)
    start = time.perf_counter()
    logits = _run(engine, pixels)
    seconds = time.perf_counter() - start
    write_logits(output, logits)
    undecided = int(lowered.undecided(logits).sum()) if lowered.rounding else None
    return SimulationReport(
        logits, network.scale, network.offset, seconds, lowered.notes, lowered.assumed, undecided
    )


def _run(engine: NativeNetwork, images: Images) -> Logits:
    parts = [np.zeros((0, engine.classes), dtype=np.int32)]
    with meter("simulate", unit="images") as report:
        for start in range(0, len(images), _BATCH):
            parts.append(engine.logits(images[start : start + _BATCH]))
            report(start + len(parts[-1]), len(images))
    return np.concatenate(parts)


def read_images(path: Path | str) -> NDArray[Any]:
    """Read an array of numbers from an .npy file.

    Raises:
        FlowError: the file is missing, damaged or truncated, or holds something else.
    """
    try:
        found = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError, SyntaxError, MemoryError) as error:
        raise FlowError(
            f"{path}: cannot be read as a .npy array ({one_line(error)}); write it with numpy.save"
        ) from error
    if not isinstance(found, np.ndarray):
        found.close()
        raise FlowError(f"{path}: is an archive of arrays; write one array with numpy.save")
    if found.dtype.kind not in "uif" or found.dtype.itemsize > 8:
        raise FlowError(
            f"{path}: holds {found.dtype}; give uint8 images or the model's own float inputs"
        )
    return found


def as_pixels(
    values: NDArray[Any], input_shape: tuple[int, int, int], own: Preprocessing | None
) -> Images:
    """Return images uint8[N, H, W, C] for images, or for tensors of the model's own input.

    Args:
        values: pixels: uint8[N, H, W, C], uint8[N, F] for a network of F inputs in a row,
            uint8[N, L, C] of a sequence, or uint8 in the order of the model's own input; or any
            other numbers of the shape [N, *rest of the model's input], each a value that the
            input has for some pixel.
        input_shape: (H, W, C) of the images.
        own: how the model's own input is made of them, if that is known.

    Raises:
        FlowError: another shape; or naming the first image with a value that no pixel has.
    """
    height, width, channels = input_shape
    shapes: list[tuple[int, ...]] = [input_shape]
    if height == 1:
        shapes.append((width, channels))
    if (height, width) == (1, 1):
        shapes.append((channels,))
    if values.dtype == np.uint8 and values.shape[1:] in shapes:
        return values.reshape(len(values), *input_shape)
    if own is None or not values.ndim or values.shape[1:] != own.shape[1:]:
        other = f" nor the model's own input (N, {_listed(own.shape[1:])})" if own else ""
        raise FlowError(
            f"images: {values.dtype} of shape {values.shape} is neither uint8 "
            f"(N, {_listed(input_shape)}){other}"
        )
    if values.dtype == np.uint8:
        return own.in_order(values, input_shape)
    try:
        return own.images(values, input_shape)
    except HardwareError as error:
        raise FlowError(str(error)) from error


def _listed(sizes: tuple[int, ...]) -> str:
    return ", ".join(map(str, sizes))


def write_logits(path: Path | str, logits: Logits) -> None:
    """Write one array as .npy; the file is whole or as it was before.

    Raises:
        FlowError: it cannot be written.
    """
    buffer = io.BytesIO()
    np.save(buffer, logits)
    write_output(Path(path), buffer.getvalue(), "output")

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
from qonnx.core.modelwrapper import ModelWrapper

from flow._files import replace_file
from flow.classifier import Images, Logits
from flow.errors import FlowError
from flow.integer.native import NativeNetwork
from flow.lowering import InputEncoding, lower, read_model
from flow.lowering.encoding import image_value
from flow.progress import meter

__all__ = ["SimulationReport", "as_pixels", "read_images", "simulate", "write_logits"]

_BATCH = 4096  # images between two reports of progress
_TOLERANCE = 1e-3  # of a pixel: what float32 loses on the way from a pixel to the model's input


@dataclass(frozen=True)
class SimulationReport:
    """What a simulation wrote.

    Attributes:
        logits: int32[N, K]; the model's output is scale * logits + offset.
        scale, offset: the same for every class.
        seconds: of the engine alone.
        notes: what the lowering assumed, left out or rounded.
    """

    logits: Logits
    scale: float
    offset: float
    seconds: float
    notes: tuple[str, ...]


def simulate(
    model: Path,
    images: Path,
    output: Path,
    *,
    encoding: InputEncoding | None = None,
    threads: int | None = None,
    isa: str | None = None,
) -> SimulationReport:
    """Write the integer logits of a QONNX classifier on images as .npy int32[N, K].

    Args:
        model: the QONNX file.
        images: .npy of uint8[N, H, W, C] or of the model's own input tensors; see as_pixels.
        output: replaced when all is done; an error leaves what was there.
        encoding: the model's input for a uint8 pixel; None for what it declares.
        threads: None for one a core.
        isa: the instruction set; None for the fastest.

    Raises:
        FlowError: a file or an option that cannot be used, or nodes without integer form.
    """
    if not output.parent.is_dir():
        raise FlowError(
            f"output {output}: there is no folder {output.parent}; make it first", setting="output"
        )
    graph, found = read_model(model), read_images(images)
    lowered = lower(graph, input_encoding=encoding)
    network = lowered.network
    pixels = as_pixels(found, graph, encoding, network.input_shape)
    engine = NativeNetwork(network, threads=threads, isa=isa)
    start = time.perf_counter()
    logits = _run(engine, pixels)
    seconds = time.perf_counter() - start
    write_logits(output, logits)
    return SimulationReport(logits, network.scale, network.offset, seconds, lowered.notes)


def _run(engine: NativeNetwork, images: Images) -> Logits:
    parts = [np.zeros((0, engine.classes), dtype=np.int32)]
    with meter("simulate", unit="images") as report:
        for start in range(0, len(images), _BATCH):
            parts.append(engine.logits(images[start : start + _BATCH]))
            report(start + len(parts[-1]), len(images))
    return np.concatenate(parts)


def read_images(path: Path) -> NDArray[Any]:
    """Read an array of numbers from an .npy file.

    Raises:
        FlowError: the file is missing, damaged or truncated, or holds something else.
    """
    try:
        found = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError, SyntaxError, MemoryError) as error:
        reason = " ".join(str(error).split())
        raise FlowError(
            f"{path}: cannot be read as a .npy array ({reason}); write it with numpy.save"
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
    values: NDArray[Any],
    model: ModelWrapper,
    encoding: InputEncoding | None,
    input_shape: tuple[int, int, int],
) -> Images:
    """Return images uint8[N, H, W, C] for images, or for tensors of the model's own input.

    Args:
        values: uint8[N, H, W, C]; or any numbers of shape [N, *rest of the model's input], which
            must be values that the model's input has for some uint8 pixel.
        model: whose input it is.
        encoding: as for lower.
        input_shape: (H, W, C) of the lowered network.

    Raises:
        FlowError: another shape; or naming the first image with a value that no pixel has.
    """
    if values.dtype == np.uint8 and values.shape[1:] == input_shape:
        return values
    name = model.graph.input[0].name
    own = tuple(model.get_tensor_shape(name))[1:]
    if values.shape[1:] != own or not values.ndim:
        need, rest = (", ".join(map(str, shape)) for shape in (input_shape, own))
        raise FlowError(
            f"images: {values.dtype} of shape {values.shape} is neither uint8 (N, {need}) nor the "
            f"model's own input (N, {rest})"
        )
    return _decoded(values, model, encoding)


def _decoded(values: NDArray[Any], model: ModelWrapper, encoding: InputEncoding | None) -> Images:
    """Invert the input's encoding, image by image."""
    value, _ = image_value(model, model.graph.input[0].name, encoding)
    scale, offset = (np.array([float(x) for x in row]) for row in (value.scale, value.offset))
    places = value.index.ravel()  # of each element of the tensor in the image
    pixels = np.zeros((len(values), *value.shape), dtype=np.uint8)
    channel = places % value.channels
    for index, tensor in enumerate(values):
        exact = (tensor.ravel().astype(np.float64) - offset[channel]) / scale[channel]
        nearest = np.rint(np.nan_to_num(exact, nan=-1.0).clip(-1, 256))
        good = (np.abs(exact - nearest) <= _TOLERANCE) & (nearest >= 0) & (nearest <= 255)
        if not good.all():
            raise FlowError(
                f"images: image {index} holds {tensor.ravel()[~good][0]}, which is no input of a "
                "uint8 pixel; round the images to pixels, or give the model's input encoding"
            )
        pixels[index].reshape(-1)[places] = nearest.astype(np.uint8)
    return pixels


def write_logits(path: Path, logits: Logits) -> None:
    """Write one array as .npy; the file is whole or as it was before.

    Raises:
        FlowError: it cannot be written.
    """
    buffer = io.BytesIO()
    np.save(buffer, logits)
    try:
        replace_file(path, buffer.getvalue())
    except OSError as error:
        raise FlowError(
            f"output {path}: cannot be written ({error.strerror}); choose another place",
            setting="output",
        ) from error

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Bytes of the Open Inference Protocol v2 to images, and values to bytes. No sockets here.

Tensors are JSON numbers, or binary after the JSON as the binary tensor extension has them. A
request may carry the parameter `crc32` of its image bytes, which is checked; every response
carries one of its values in little-endian order, so that both ends notice damage, and the cycles
and seconds that the board took for it, so that the client knows the link's share.
"""

import json
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .batcher import Answered
from .model import Model

__all__ = ["InferRequest", "ProtocolError", "infer_response", "metadata", "parse_infer"]

_MOST_ID = 128


class ProtocolError(ValueError):
    """A request that is refused, with the status that says so."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class InferRequest:
    """Images uint8[N, H, W, C], and how the answer is wanted."""

    images: NDArray[np.uint8]
    identifier: str
    binary: bool


def metadata(model: Model) -> dict[str, Any]:
    """Return what the protocol calls a model's metadata."""
    height, width, channels = model.image_shape
    return {
        "name": model.name,
        "versions": ["1"],
        "platform": "steelflow",
        "inputs": [{"name": "images", "datatype": "UINT8", "shape": [-1, height, width, channels]}],
        "outputs": [{"name": model.output, "datatype": "INT32", "shape": [-1, model.outputs]}],
        "parameters": model.parameters,
    }


def parse_infer(
    body: bytes, header_length: str | None, model: Model, most_images: int
) -> InferRequest:
    """Read a request for inference.

    Args:
        body: as it came.
        header_length: of the header Inference-Header-Content-Length, where there is one.
        model: that is asked.
        most_images: that a request may hold.

    Raises:
        ProtocolError: anything but one tensor of images for this model.
    """
    split = _split(header_length, len(body))
    try:
        head = json.loads(body[:split].decode())
    except (ValueError, RecursionError) as error:
        raise ProtocolError(400, f"body: no JSON: {type(error).__name__}") from error
    if not isinstance(head, dict):
        raise ProtocolError(400, "body: the JSON is no object")
    tensor = _only_input(head)
    count = _count(tensor, model, most_images)
    data = (
        _binary(tensor, body[split:])
        if _parameter(tensor, "binary_data_size") is not None
        else (_numbers(tensor, body[split:]))
    )
    if len(data) != count * model.frame_bytes:
        raise ProtocolError(400, f"images: {len(data)} values do not fill the shape given")
    _check_crc(head, data)
    images = np.frombuffer(data, np.uint8).reshape(count, *model.image_shape)
    return InferRequest(images, _identifier(head), _wants_binary(head, model))


def infer_response(
    model: Model, request: InferRequest, answered: Answered
) -> tuple[bytes, int | None]:
    """Return the body of an answer, and the length of its JSON where binary data follow."""
    values = answered.values
    data = values.astype("<i4").tobytes()
    output: dict[str, Any] = {
        "name": model.output,
        "datatype": "INT32",
        "shape": list(values.shape),
    }
    if request.binary:
        output["parameters"] = {"binary_data_size": len(data)}
    else:
        output["data"] = values.reshape(-1).tolist()
    head = {
        "model_name": model.name,
        "model_version": "1",
        "id": request.identifier,
        "parameters": {
            "crc32": zlib.crc32(data),
            "digest": model.parameters.get("digest", ""),
            "cycles": answered.cycles,
            "seconds": round(answered.seconds, 6),
        },
        "outputs": [output],
    }
    text = json.dumps(head).encode()
    return (text + data, len(text)) if request.binary else (text, None)


def _split(header_length: str | None, size: int) -> int:
    if header_length is None:
        return size
    if not (header_length.isascii() and header_length.isdigit()) or len(header_length) > 12:
        raise ProtocolError(400, "Inference-Header-Content-Length: is no number")
    length = int(header_length)
    if length > size:
        raise ProtocolError(400, f"Inference-Header-Content-Length: {length} is over {size}")
    return length


def _only_input(head: dict[str, Any]) -> dict[str, Any]:
    inputs = head.get("inputs")
    if not isinstance(inputs, list) or len(inputs) != 1 or not isinstance(inputs[0], dict):
        raise ProtocolError(400, "inputs: give exactly one tensor")
    tensor: dict[str, Any] = inputs[0]
    if tensor.get("name") != "images":
        raise ProtocolError(400, "inputs: the tensor's name is images")
    if tensor.get("datatype") != "UINT8":
        raise ProtocolError(400, "images: the datatype is UINT8")
    return tensor


def _count(tensor: dict[str, Any], model: Model, most_images: int) -> int:
    shape = tensor.get("shape")
    sizes = shape if isinstance(shape, list) and len(shape) == 4 else []
    if (
        not sizes
        or any(type(size) is not int for size in sizes)
        or (tuple(sizes[1:]) != model.image_shape)
    ):
        need = ", ".join(map(str, model.image_shape))
        raise ProtocolError(400, f"images: the shape is [N, {need}]")
    count = int(sizes[0])
    if not 1 <= count <= most_images:
        raise ProtocolError(
            413 if count > most_images else 400, f"images: N is 1 to {most_images}, not {count}"
        )
    return count


def _parameter(holder: dict[str, Any], name: str) -> Any:  # noqa: ANN401  # any JSON
    parameters = holder.get("parameters")
    return parameters.get(name) if isinstance(parameters, dict) else None


def _binary(tensor: dict[str, Any], rest: bytes) -> bytes:
    if _parameter(tensor, "binary_data_size") != len(rest) or "data" in tensor:
        raise ProtocolError(400, f"images: binary_data_size is not the {len(rest)} bytes that came")
    return rest


def _numbers(tensor: dict[str, Any], rest: bytes) -> bytes:
    if rest:
        raise ProtocolError(400, f"images: {len(rest)} bytes came that binary_data_size lacks")
    try:
        values = np.array(tensor.get("data"), dtype=object).reshape(-1).tolist()
    except ValueError as error:
        raise ProtocolError(400, "images: the data are no array") from error
    if not all(type(value) is int and 0 <= value <= 255 for value in values):
        raise ProtocolError(400, "images: the data are integers of 0 to 255")
    return bytes(values)


def _check_crc(head: dict[str, Any], data: bytes) -> None:
    told = _parameter(head, "crc32")
    if told is not None and told != zlib.crc32(data):
        raise ProtocolError(400, "images: crc32 does not fit; they were damaged on the way")


def _identifier(head: dict[str, Any]) -> str:
    found = head.get("id", "")
    if not isinstance(found, str) or len(found) > _MOST_ID:
        raise ProtocolError(400, f"id: is a string of at most {_MOST_ID} characters")
    return found


def _wants_binary(head: dict[str, Any], model: Model) -> bool:
    outputs = head.get("outputs")
    if outputs is None:
        return _parameter(head, "binary_data_output") is True
    if not isinstance(outputs, list) or len(outputs) != 1 or not isinstance(outputs[0], dict):
        raise ProtocolError(400, "outputs: ask for at most one tensor")
    if outputs[0].get("name") != model.output:
        raise ProtocolError(400, f"outputs: the tensor's name is {model.output}")
    return _parameter(outputs[0], "binary_data") is True

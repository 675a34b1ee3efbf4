# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The operations of NETWORK.npz, written down once more on int64 intervals."""

import base64
import json
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

__all__ = ["Ends", "Fields", "Ints", "Network", "WrongCertificate", "apply", "load", "unpack"]

LIMIT = 2**62
LOWEST = -(2**63)  # padding that never is a maximum

Ints = NDArray[Any]  # of int64, of Python's integers, or of bytes before they are
Ends = tuple[Ints, Ints]
Fields = dict[str, Any]


class WrongCertificate(Exception):  # noqa: N818 - what it is
    """What the file says of an image does not hold."""


def unpack(text: str, kind: str) -> Ints:
    """Return an array of the file."""
    return np.frombuffer(zlib.decompress(base64.b64decode(text)), kind)


def load(path: Path) -> Fields:
    """Return the header of a network and its operations, as dictionaries with their arrays."""
    with np.load(path, allow_pickle=False) as archive:
        arrays = {key: archive[key] for key in archive.files}
    header: Fields = json.loads(str(arrays.pop("header")))
    for index, operation in enumerate(header["operations"]):
        own = {k.split(".", 1)[1]: v for k, v in arrays.items() if k.startswith(f"{index}.")}
        operation.update({key: value.astype(np.int64) for key, value in own.items()})
    return header


def matrix(low: Ints, high: Ints, weights: Ints) -> Ends:
    """Return the ends of x @ weights over low <= x <= high."""
    largest = int(np.abs(weights).sum(axis=0).max(initial=0))
    if largest * max(abs(int(low.min(initial=0))), abs(int(high.max(initial=0)))) >= LIMIT:
        raise WrongCertificate("a sum might leave 64 bits")
    up, down = np.maximum(weights, 0), np.minimum(weights, 0)
    return low @ up + high @ down, high @ up + low @ down


def windows(values: Ints, kernel: Sequence[int], operation: Fields, fill: int) -> Ints:
    """Return the windows [N, H', W', C, KH, KW]; what is outside the image is `fill`."""
    top, left, bottom, right = operation["padding"]
    around = ((0, 0), (top, bottom), (left, right), (0, 0))
    padded, (down, across) = np.pad(values, around, constant_values=fill), operation["stride"]
    found: Ints = sliding_window_view(padded, tuple(kernel), axis=(1, 2))[:, ::down, ::across]
    return found


def convolve(low: Ints, high: Ints, operation: Fields) -> Ends:
    """Return the ends of a convolution, group by group."""
    weights, groups = operation["weights"], operation["groups"]
    kernel, inputs = weights.shape[:2], weights.shape[2]
    cut = [windows(v, kernel, operation, 0).transpose(0, 1, 2, 4, 5, 3) for v in (low, high)]
    parts = []
    for group, own in enumerate(np.split(weights, groups, axis=3)):
        read = slice(group * inputs, (group + 1) * inputs)
        low, high = (c[..., read].reshape(-1, own[..., 0].size) for c in cut)
        parts.append(matrix(low, high, own.reshape(-1, own.shape[3])))
    shape = (*cut[0].shape[:3], weights.shape[3])
    ends = [np.concatenate(end, axis=1).reshape(shape) for end in zip(*parts, strict=True)]
    return ends[0], ends[1]


def one_end(operation: Fields, values: Sequence[Ints]) -> Ints:  # noqa: PLR0911 - one a kind
    """Return an end of the output of an operation that never falls where an input rises."""
    kind, first = operation["kind"], values[0]
    if kind == "Threshold":
        count = sum((first >= level).astype(np.int64) for level in operation["thresholds"].T)
        return np.asarray(np.zeros_like(first) + operation["offset"] + operation["step"] * count)
    if kind in ("Flatten", "Unflatten"):
        return first.reshape((len(first), -1) if kind == "Flatten" else (len(first), 1, 1, -1))
    if kind == "Gather":
        rows: Ints = first.reshape(len(first), -1, operation["channels"])[:, operation["places"]]
        return rows
    if kind == "Scale":
        return np.asarray(first * operation["factors"][..., None])
    if kind == "Bias":
        return np.asarray(first + operation["values"])
    if kind == "Concat":
        axis = operation.get("axis", -1)
        return np.concatenate(values, axis=axis + (axis >= 0))  # of one image: 0 is its height
    if kind in ("MaxPool", "SumPool"):
        fill, reduce = (LOWEST, np.max) if kind == "MaxPool" else (0, np.sum)
        found: Ints = reduce(windows(first, operation["kernel"], operation, fill), axis=(4, 5))
        return found
    raise WrongCertificate(f"the checker knows no operation {kind}")


def apply(operation: Fields, pairs: Sequence[Ends]) -> Ends:
    """Return the ends int64[N, ...] of an operation's output, given those of its inputs."""
    kind = operation["kind"]
    if kind == "Dense":
        return matrix(*pairs[0], operation["weights"])
    if kind == "Convolution":
        return convolve(*pairs[0], operation)
    if kind == "Add":
        turned = zip(operation["factors"], pairs, strict=True)
        ends = [(f * a, f * b) if f > 0 else (f * b, f * a) for f, (a, b) in turned]
        return np.sum([low for low, _ in ends], axis=0), np.sum([high for _, high in ends], axis=0)
    if operation.get("step", 1) < 1 or np.min(operation.get("factors", 0)) < 0:
        raise WrongCertificate(f"{operation['name']} falls where its input rises")
    lows, highs = zip(*pairs, strict=True)
    return one_end(operation, lows), one_end(operation, highs)


class Network:
    """The operations of a file, with what each reads."""

    def __init__(self, header: Fields) -> None:
        self.operations = header["operations"]
        self.shape = tuple(header["input_shape"])
        self.reads: list[tuple[str, ...]] = []
        before = "image"
        for operation in self.operations:
            self.reads.append(tuple(operation["inputs"]) or (before,))
            before = operation["name"]
        self.output = before
        zeros = np.zeros((1, *self.shape), np.int64)
        self.classes = self.run(zeros, zeros)[before][0].shape[1]

    def run(self, low: Ints, high: Ints) -> dict[str, Ends]:
        """Return the ends of every value, by name, of boxes int64[N, H, W, C]."""
        held = {"image": (low.astype(np.int64), high.astype(np.int64))}
        for operation, read in zip(self.operations, self.reads, strict=True):
            held[operation["name"]] = apply(operation, [held[name] for name in read])
        return held

    def labels(self, images: Ints) -> Ints:
        """Return the argmax of each image; NumPy's takes the lowest index among equals."""
        logits, _ = self.run(images, images)[self.output]
        return np.asarray(logits.argmax(axis=1))

    def cells(self, low: Ints, high: Ints) -> list[list[int]]:
        """Return one value of each kind that a pixel of the box can have, as far as it matters."""
        grid = np.broadcast_to(np.arange(256)[:, None], (256, self.shape[2]))
        first = [
            op for op, read in zip(self.operations, self.reads, strict=True) if "image" in read
        ]
        kinds = [one_end(op, [grid]) if op["kind"] == "Threshold" else grid for op in first]
        values = []
        for pixel, (a, b) in enumerate(zip(low.reshape(-1), high.reshape(-1), strict=True)):
            seen: dict[tuple[int, ...], int] = {}
            for value in range(int(a), int(b) + 1):
                seen.setdefault(tuple(int(k[value, pixel % self.shape[2]]) for k in kinds), value)
            values.append(sorted(seen.values()))
        return values

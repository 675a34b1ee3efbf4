# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Check a certificate file again with none of the code that made it; NumPy is all it imports.

    python flow/certify/checker.py CERTIFICATES NETWORK.npz [BRUTE_FORCE_LIMIT]

flow/certify/file.py describes the certificates, flow/integer the operations of NETWORK.npz. Here
every operation is written down once more, on int64 intervals, and sums are refused that might
leave int64. A proof tree is unfolded from the whole ball, so that its boxes cover it; each box's
margins are bounded. Balls of few distinct images are searched in full, whatever the answer.
"""

import base64
import hashlib
import json
import math
import sys
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

__all__ = ["WrongCertificate", "check_file"]

BOXES = 512  # evaluated together
LIMIT = 2**62
LOWEST = -(2**63)  # padding that never is a maximum

Ints = NDArray[Any]  # of int64, or of bytes before they are
Ends = tuple[Ints, Ints]
Fields = dict[str, Any]


class WrongCertificate(Exception):  # noqa: N818 - what it is
    """What the file says of an image does not hold."""


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


def threshold(values: Ints, operation: Fields) -> Ints:
    """Return offset + step * how many thresholds of its channel each value reaches."""
    if operation["step"] < 1:
        raise WrongCertificate(f"{operation['name']} falls where its input rises")
    count = sum((values >= level).astype(np.int64) for level in operation["thresholds"].T)
    found: Ints = np.zeros_like(values) + operation["offset"] + operation["step"] * count
    return found


def scaled(low: Ints, high: Ints, operation: Fields) -> Ends:
    """Return the ends times each pixel's factor."""
    factors = operation["factors"][..., None]
    if factors.min() < 0:
        raise WrongCertificate(f"{operation['name']} falls where its input rises")
    return low * factors, high * factors


def apply(operation: Fields, pairs: Sequence[Ends]) -> Ends:  # noqa: PLR0911 - one a kind
    """Return the ends int64[N, ...] of an operation's output, given those of its inputs."""
    kind, (low, high) = operation["kind"], pairs[0]
    if kind == "Dense":
        return matrix(low, high, operation["weights"])
    if kind == "Convolution":
        return convolve(low, high, operation)
    if kind == "Threshold":
        return threshold(low, operation), threshold(high, operation)
    if kind in ("Flatten", "Unflatten"):
        shape = (len(low), -1) if kind == "Flatten" else (len(low), 1, 1, low.shape[-1])
        return low.reshape(shape), high.reshape(shape)
    if kind == "Gather":
        rows = (end.reshape(len(end), -1, operation["channels"]) for end in (low, high))
        low, high = (row[:, operation["places"]] for row in rows)
        return low, high
    if kind == "Scale":
        return scaled(low, high, operation)
    if kind == "Bias":
        return low + operation["values"], high + operation["values"]
    if kind == "Add":
        turned = zip(operation["factors"], pairs, strict=True)
        ends = [(f * a, f * b) if f > 0 else (f * b, f * a) for f, (a, b) in turned]
        low, high = (np.sum(end, axis=0) for end in zip(*ends, strict=True))
        return low, high
    if kind == "Concat":
        axis = operation.get("axis", -1)
        axis += axis >= 0  # of one image: 0 is its height
        low, high = (np.concatenate(end, axis=axis) for end in zip(*pairs, strict=True))
        return low, high
    if kind in ("MaxPool", "SumPool"):
        fill, reduce = (LOWEST, np.max) if kind == "MaxPool" else (0, np.sum)
        cut = [windows(end, operation["kernel"], operation, fill) for end in (low, high)]
        return reduce(cut[0], axis=(4, 5)), reduce(cut[1], axis=(4, 5))
    raise WrongCertificate(f"the checker knows no operation {kind}")


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
        self.classes = self.run(zeros, zeros, len(self.operations))[before][0].shape[1]

    def run(self, low: Ints, high: Ints, count: int) -> dict[str, Ends]:
        """Return the ends of every value after the first `count` operations, by name."""
        held = {"image": (low.astype(np.int64), high.astype(np.int64))}
        for operation, read in zip(self.operations[:count], self.reads, strict=False):
            held[operation["name"]] = apply(operation, [held[name] for name in read])
        return held

    def labels(self, images: Ints) -> Ints:
        """Return the argmax of each image; NumPy's takes the lowest index among equals."""
        logits, _ = self.run(images, images, len(self.operations))[self.output]
        return np.asarray(logits.argmax(axis=1))

    def margins(self, low: Ints, high: Ints, label: int) -> Ints:
        """Return lower bounds of logit[label] - logit[j] for each class j and box."""
        last = len(self.operations) - 1
        while self.operations[last]["kind"] == "Bias" and last and self._alone(last - 1):
            last -= 1
        if self.operations[last]["kind"] != "Dense":
            low, high = self.run(low, high, len(self.operations))[self.output]
            margins: Ints = low[:, label, None] - high
            margins[:, label] = 0
            return margins
        source = self.run(low, high, last)[self.reads[last][0]]
        weights = self.operations[last]["weights"]
        margins, _ = matrix(*source, weights[:, label, None] - weights)
        for bias in self.operations[last + 1 :]:
            values = np.broadcast_to(bias["values"], margins.shape[1:])
            margins = margins + values[label] - values
        return margins

    def _alone(self, index: int) -> bool:
        """Whether only the next operation reads this one."""
        name = self.operations[index]["name"]
        readers = [place for place, read in enumerate(self.reads) for one in read if one == name]
        return readers == [index + 1]

    def proves(self, boxes: Iterator[Ends], label: int) -> bool:
        """Whether intervals prove every one of the boxes, flat images each."""
        while chunk := list(islice(boxes, BOXES)):
            low, high = (np.array(end).reshape(-1, *self.shape) for end in zip(*chunk, strict=True))
            margins = self.margins(low, high, label)
            if (margins < (np.arange(margins.shape[1]) < label)).any():
                return False
        return True

    def cells(self, low: Ints, high: Ints) -> list[list[int]]:
        """Return one value of each kind that a pixel of the box can have, as far as it matters."""
        grid = np.broadcast_to(np.arange(256)[:, None], (256, self.shape[2]))
        first = [
            op for op, read in zip(self.operations, self.reads, strict=True) if "image" in read
        ]
        kinds = [threshold(grid, op) if op["kind"] == "Threshold" else grid for op in first]
        values = []
        for pixel, (a, b) in enumerate(zip(low.reshape(-1), high.reshape(-1), strict=True)):
            seen: dict[tuple[int, ...], int] = {}
            for value in range(int(a), int(b) + 1):
                seen.setdefault(tuple(int(k[value, pixel % self.shape[2]]) for k in kinds), value)
            values.append(sorted(seen.values()))
        return values


def unfold(tree: Ints, low: Ints, high: Ints) -> Iterator[Ends]:
    """Yield the boxes of a tree's leaves, flat images each; they cover the box low..high."""
    waiting = [(low, high)]
    for pixel, value in tree.reshape(-1, 2).tolist():
        if not waiting:
            raise WrongCertificate("the tree goes on after its last box")
        low, high = waiting.pop()
        if pixel < 0:
            yield low, high
            continue
        if pixel >= len(low) or not low[pixel] < value <= high[pixel]:
            raise WrongCertificate(f"the tree splits element {pixel} at {value}, outside its box")
        below, above = high.copy(), low.copy()
        below[pixel], above[pixel] = value - 1, value
        waiting += [(above, high), (low, below)]  # the half below is taken first
    if waiting:
        raise WrongCertificate("the tree ends before all its boxes are proven")


def unpack(text: str, kind: str) -> Ints:
    """Return an array of the file."""
    return np.frombuffer(zlib.decompress(base64.b64decode(text)), kind)


def brute_force(network: Network, clean: Ints, ball: Ends, label: int, limit: int) -> bool | None:
    """Return whether all images of a ball have the label; None where they are too many."""
    cells = network.cells(*ball)
    total = math.prod(len(one) for one in cells)
    if total > limit:
        return None
    for start in range(0, total, BOXES):
        rest = np.arange(start, min(start + BOXES, total))
        images = np.repeat(clean.reshape(1, -1), len(rest), axis=0)
        for pixel, one in enumerate(cells):
            images[:, pixel], rest = np.array(one)[rest % len(one)], rest // len(one)
        if (network.labels(images.reshape(-1, *network.shape)) != label).any():
            return False
    return True


def check_entry(network: Network, entry: Fields, epsilon: int, limit: int) -> str:
    """Return how an image's answer was confirmed; WrongCertificate where it does not hold."""
    clean, label = unpack(entry["image"], "u1").reshape(network.shape), entry["label"]
    low = (clean.astype(np.int64) - epsilon).clip(min=0)
    high = (clean.astype(np.int64) + epsilon).clip(max=255)
    answer = entry["answer"]
    if not 0 <= label < network.classes:
        raise WrongCertificate(f"label {label} is not within 0..{network.classes - 1}")
    if answer not in ("robust", "adversarial", "unknown"):
        raise WrongCertificate(f"there is no answer {answer!r}")
    truth = brute_force(network, clean, (low, high), label, limit)
    if truth is not None and answer != "unknown" and truth != (answer == "robust"):
        raise WrongCertificate(f"is called {answer}; all images of its ball say otherwise")
    if answer == "adversarial":
        found = unpack(entry["adversarial"], "u1").reshape(network.shape)
        if ((found < low) | (found > high)).any():
            raise WrongCertificate("the counterexample is outside the ball")
        if int(network.labels(found[None])[0]) == label:
            raise WrongCertificate(f"the counterexample is classified as {label}, its label")
        return "counterexample replayed"
    if answer == "unknown" or ("tree" not in entry and entry["tier"] == "tree"):
        return "all images" if truth and answer == "robust" else f"{answer} without a proof"
    tree = unpack(entry["tree"], "<i4") if "tree" in entry else np.array([-1, 0])
    if not network.proves(unfold(tree, low.reshape(-1), high.reshape(-1)), label):
        raise WrongCertificate("intervals do not prove one of its boxes")
    return "proof checked, and all images" if truth else "proof checked"


def check_file(certificates: Path, network_file: Path, limit: int = 4096) -> dict[str, int]:
    """Check every line; return how many images were confirmed in which way.

    Balls of at most `limit` distinct images are searched in full. WrongCertificate names the line.
    """
    number = 1
    try:
        lines = certificates.read_text(encoding="ascii").splitlines()
        header = json.loads(lines[0])
        if (header["format"], header["version"]) != ("steelflow-certificates", 1):
            raise WrongCertificate(f"is {header['format']} {header['version']}, not certificates 1")
        digest = hashlib.sha256(network_file.read_bytes()).hexdigest()
        if header["network_sha256"] != digest:
            raise WrongCertificate(f"is of network {header['network_sha256']}, not {digest}")
        network, counts = Network(load(network_file)), Counter[str]()
        epsilon, before = header["epsilon_255"], -1
        if not isinstance(epsilon, int) or epsilon < 0:
            raise WrongCertificate(f"epsilon_255 {epsilon} is no radius")
        for line in lines[1:]:
            number, entry = number + 1, json.loads(line)
            if entry["index"] <= before:
                raise WrongCertificate(f"image {entry['index']} comes after image {before}")
            counts[check_entry(network, entry, epsilon, limit)] += 1
            before = entry["index"]
    except WrongCertificate as error:
        raise WrongCertificate(f"{certificates}, line {number}: {error}") from error
    except (OSError, IndexError, KeyError, ValueError, TypeError, zlib.error) as error:
        raise WrongCertificate(f"{certificates}, line {number}: is damaged ({error!r})") from error
    return dict(counts)


if __name__ == "__main__":
    print(check_file(Path(sys.argv[1]), Path(sys.argv[2]), *map(int, sys.argv[3:4])))

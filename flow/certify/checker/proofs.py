# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Check a certificate file again with none of the code that made it; NumPy is all it imports.

    python flow/certify/checker CERTIFICATES NETWORK.npz [BRUTE_FORCE_LIMIT]

flow/certify/file.py describes the certificates, flow/integer the operations of NETWORK.npz. A
proof tree is unfolded from the whole ball, so that its boxes cover it; each box's margins are
bounded. Balls of few distinct images are searched in full, whatever the answer.
"""

import hashlib
import json
import math
import zlib
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from .lines import margins
from .network import Ends, Fields, Ints, Network, WrongCertificate, load, unpack

__all__ = ["WrongCertificate", "brute_force", "check_file"]

BOXES = 512  # evaluated together


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


def proves(network: Network, boxes: Iterator[Ends], label: int, lines: Fields) -> bool:
    """Whether bounds prove every one of the boxes, flat images each."""
    shape, needed = (-1, *network.shape), np.arange(network.classes) < label
    while chunk := list(islice(boxes, BOXES)):
        low, high = (np.array(end).reshape(shape) for end in zip(*chunk, strict=True))
        if (margins(network, network.run(low, high), label, lines) < needed).any():
            return False
    return True


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
    boxes = unfold(tree, low.reshape(-1), high.reshape(-1))
    if not proves(network, boxes, label, entry.get("lines", {})):
        raise WrongCertificate("bounds do not prove one of its boxes")
    return "proof checked, and all images" if truth else "proof checked"


def check_other(network: Network, entry: Fields, norm: str, radius: int) -> str:
    """Return what check_entry does for a ball in l2 or l0, where counterexamples alone count."""
    clean, label = unpack(entry["image"], "u1").reshape(network.shape), entry["label"]
    if entry["answer"] != "adversarial":
        return f"{entry['answer']} without a proof"
    change = unpack(entry["adversarial"], "u1").reshape(network.shape) - clean.astype(np.int64)
    size = (change**2).sum() if norm == "l2" else (change != 0).any(axis=2).sum()
    if size > (radius**2 if norm == "l2" else radius):
        raise WrongCertificate("the counterexample is outside the ball")
    if int(network.labels((clean + change)[None])[0]) == label:
        raise WrongCertificate(f"the counterexample is classified as {label}, its label")
    return "counterexample replayed"


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
        if header["norm"] not in ("linf", "l2", "l0"):
            raise WrongCertificate(f"there is no norm {header['norm']!r}")
        for line in lines[1:]:
            number, entry = number + 1, json.loads(line)
            if entry["index"] <= before:
                raise WrongCertificate(f"image {entry['index']} comes after image {before}")
            if header["norm"] == "linf":
                counts[check_entry(network, entry, epsilon, limit)] += 1
            else:
                counts[check_other(network, entry, header["norm"], epsilon)] += 1
            before = entry["index"]
    except WrongCertificate as error:
        raise WrongCertificate(f"{certificates}, line {number}: {error}") from error
    except (OSError, IndexError, KeyError, ValueError, TypeError, zlib.error) as error:
        raise WrongCertificate(f"{certificates}, line {number}: is damaged ({error!r})") from error
    return dict(counts)

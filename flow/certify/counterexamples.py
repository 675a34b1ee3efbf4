# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The counterexamples of a certificate file, for whoever wants to see them fail again."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from flow.certify.file import unpacked
from flow.classifier import Images, Labels
from flow.errors import FlowError

__all__ = ["Counterexamples", "read_counterexamples"]


@dataclass(frozen=True, eq=False)
class Counterexamples:
    """Images that a network gets wrong.

    Attributes:
        network_sha256: of the network, see flow.integer.digest.
        indices: int64[N], in the data.
        images: uint8[N, H, W, C], adversarial.
        labels: int64[N], the true classes, which the network does not give.
        held: how many the file has.
    """

    network_sha256: str
    indices: Labels
    images: Images
    labels: Labels
    held: int


def read_counterexamples(path: Path, most: int) -> Counterexamples:
    """Return at most so many of a file, evenly spread over it.

    Raises:
        FlowError: the file cannot be read, is damaged or has none.
    """
    try:
        lines = [json.loads(line) for line in path.read_text(encoding="ascii").splitlines()]
        header, entries = lines[0], [one for one in lines[1:] if "adversarial" in one]
        chosen = [entries[i] for i in _spread(len(entries), most)]
        flat = [unpacked(one["adversarial"], "u1") for one in chosen]
        images = np.array(flat, np.uint8).reshape(-1, *header["input_shape"])
        digest = str(header["network_sha256"])
    except (OSError, ValueError, IndexError, KeyError, TypeError) as error:
        raise FlowError(
            f"certificates {path}: cannot be read ({error}); name a file of `certify --output`"
        ) from error
    if not entries:
        raise FlowError(f"certificates {path}: there is no counterexample in them")
    numbers = np.array([[one["index"], one["label"]] for one in chosen], np.int64)
    return Counterexamples(digest, numbers[:, 0], images, numbers[:, 1], len(entries))


def _spread(count: int, most: int) -> list[int]:
    """Return at most so many places of 0..count-1, each once."""
    return sorted({round(i) for i in np.linspace(0, count - 1, min(count, most)).tolist()})

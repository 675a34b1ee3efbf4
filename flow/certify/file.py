# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The certificate file: one JSON object a line, the header first, then one for each image.

Header: format "steelflow-certificates", version 1, network_sha256 (of the file that
IntegerNetwork.save writes), input_shape [H, W, C], classes, norm (linf, l2 or l0), epsilon_255
(uint8 units; in l0 pixels), and the settings of the search. Proofs in l2 and l0 are not written:
the checker replays counterexamples in these and takes nothing else.

Image: index, label, image (clean), answer (robust, adversarial or unknown), tier, nodes, lacking;
adversarial (an image) where the answer says so; tree where a search proved it, int32[T, 2] in
preorder: (p, t) with p >= 0 splits element p of the flat image into values below t and values from
t on, the half below t first; (-1, 0) is a box whose margins interval arithmetic proves, over the
differences of the last dense layer's rows. A robust image of tier intervals is a tree of one box.
lines where linear bounds proved the whole ball, by name of the threshold operation: bits, and the
slopes below and above each unit's staircase over 2**bits, int32[U] each.
Images are uint8 and trees little-endian int32, compressed by zlib and in base64.
"""

import base64
import json
import zlib
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flow.certify.settings import CertifySettings
from flow.certify.verdict import Answer, Slopes, Tier, Verdict
from flow.classifier import Images
from flow.errors import FlowError
from flow.integer import IntegerNetwork
from flow.integer.digest import network_digest

__all__ = ["CertificateFile", "unpacked"]

_FORMAT, _VERSION = "steelflow-certificates", 1


class CertificateFile:
    """Appends verdicts in the order of the images; what a kill cuts off is decided again.

    Attributes:
        verdicts: those that are in the file.
    """

    def __init__(self, path: Path, network: IntegerNetwork, settings: CertifySettings) -> None:
        """Open the file, or begin it.

        Raises:
            FlowError: it cannot be read or written, or belongs to another network or search.
        """
        self.path, self._shape = path, network.input_shape
        header = _header(network, settings)
        self.verdicts: list[Verdict] = []
        try:
            lines = path.read_text(encoding="ascii").split("\n")[:-1] if path.exists() else []
        except (OSError, ValueError) as error:
            raise FlowError(f"certificates {path}: cannot be read ({error})") from error
        if lines and _parsed(lines[0], path, 1) != header:
            raise FlowError(
                f"certificates {path}: are of another network or of other settings; choose "
                "another --output"
            )
        for number, line in enumerate(lines[1:], start=2):
            self.verdicts.append(self._verdict(_parsed(line, path, number)))
        self._write("".join(f"{line}\n" for line in lines or [_line(header)]), "w")

    def append(self, verdict: Verdict, image: Images) -> None:
        """Write one more.

        Raises:
            FlowError: there is no room.
        """
        self.verdicts.append(verdict)
        self._write(f"{_line(_entry(verdict, image))}\n", "a")

    def _write(self, text: str, mode: str) -> None:
        try:
            with self.path.open(mode, encoding="ascii") as file:
                file.write(text)
        except OSError as error:
            raise FlowError(
                f"certificates {self.path}: cannot be written ({error.strerror}); choose another "
                "place"
            ) from error

    def _verdict(self, entry: dict[str, Any]) -> Verdict:
        wrong, tree = entry.get("adversarial"), entry.get("tree")
        return Verdict(
            index=entry["index"],
            label=entry["label"],
            answer=Answer(entry["answer"]),
            tier=Tier(entry["tier"]),
            nodes=entry["nodes"],
            lacking=entry["lacking"],
            adversarial=None if wrong is None else unpacked(wrong, "u1").reshape(self._shape),
            tree=None if tree is None else unpacked(tree, "<i4").reshape(-1, 2),
            slopes={name: _slopes(one) for name, one in entry.get("lines", {}).items()},
        )


def _header(network: IntegerNetwork, settings: CertifySettings) -> dict[str, Any]:
    found = {
        "format": _FORMAT,
        "version": _VERSION,
        "network_sha256": network_digest(network),
        "input_shape": list(network.input_shape),
        "classes": network.classes,
    }
    return found | asdict(settings)


def _entry(verdict: Verdict, image: Images) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "index": verdict.index,
        "label": verdict.label,
        "image": _packed(image, "u1"),
        "answer": verdict.answer,
        "tier": verdict.tier,
        "nodes": verdict.nodes,
        "lacking": verdict.lacking,
    }
    if verdict.adversarial is not None:
        entry["adversarial"] = _packed(verdict.adversarial, "u1")
    if verdict.tree is not None:
        entry["tree"] = _packed(verdict.tree, "<i4")
    if verdict.slopes:
        entry["lines"] = {name: _packed_slopes(one) for name, one in verdict.slopes.items()}
    return entry


def _packed_slopes(slopes: Slopes) -> dict[str, Any]:
    below, above = _packed(slopes.below, "<i4"), _packed(slopes.above, "<i4")
    return {"bits": slopes.bits, "below": below, "above": above}


def _slopes(stored: dict[str, Any]) -> Slopes:
    below, above = (unpacked(stored[side], "<i4") for side in ("below", "above"))
    return Slopes(below=below, above=above, bits=stored["bits"])


def _line(entry: dict[str, Any]) -> str:
    return json.dumps(entry, separators=(",", ":"))


def _parsed(line: str, path: Path, number: int) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(line)
    except ValueError as error:
        raise FlowError(
            f"certificates {path}: line {number} is damaged ({error}); choose another --output"
        ) from error
    return found


def _packed(values: NDArray[Any], kind: str) -> str:
    return base64.b64encode(zlib.compress(values.astype(kind).tobytes(), 9)).decode()


def unpacked(text: str, kind: str) -> NDArray[Any]:
    """Return an array of the file."""
    return np.frombuffer(zlib.decompress(base64.b64decode(text)), kind)

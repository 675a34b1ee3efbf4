# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A classifier as a list of integer operations with proven ranges; it defines the result."""

import json
from collections import deque
from collections.abc import Iterator
from dataclasses import asdict, fields
from fractions import Fraction
from math import floor
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from flow.classifier import Images, Labels, Logits, check_images
from flow.errors import FlowError
from flow.integer.graph import IntegerGraph
from flow.integer.operations import IMAGE, KINDS, Integers, Operation
from hw.accelerator.preprocessing import Preprocessing

if TYPE_CHECKING:
    from flow.integer.twin import Twin

__all__ = ["IntegerNetwork"]

_UNREADABLE = (OSError, EOFError, BadZipFile, ValueError, KeyError, TypeError, IndexError)
_BATCH = 256  # images at a time: bounds the memory
_PREPROCESSING: TypeAdapter[Preprocessing | None] = TypeAdapter(Preprocessing | None)


class IntegerNetwork(IntegerGraph):
    """A graph of integer operations from uint8 images to int32 logits; a Classifier.

    Attributes, beside the graph's:
        scale: positive; the trained network's float logits are scale * integer logits + offset.
        offset: the same for every class, so that it changes no label.
        preprocessing: how the model's own input is made of the uint8 image; None if not known.
    """

    def __init__(
        self,
        operations: tuple[Operation, ...],
        input_shape: tuple[int, int, int],
        scale: float,
        offset: float = 0.0,
        preprocessing: Preprocessing | None = None,
    ) -> None:
        """Check that the graph is sound, that logits fit int32 and that the scale is positive."""
        if not scale > 0:
            raise FlowError(f"integer network: the scale {scale} of the logits is not positive")
        self.scale, self.offset, self.preprocessing = scale, offset, preprocessing
        super().__init__(operations, input_shape)

    @property
    def positive_from(self) -> int:
        """The smallest integer logit whose float logit is positive."""
        return floor(-Fraction(self.offset) / Fraction(self.scale)) + 1

    def labels(self, logits: Logits) -> Labels:
        """Return the labels of int32[N, K]: the largest logit, the lowest index on ties.

        A single logit stands against 0: label 1 where its float value is positive, else 0.
        """
        if self.classes > 1:
            return np.asarray(logits.argmax(axis=1))
        return (logits[:, 0] >= self.positive_from).astype(np.int64)

    def logits(self, images: Images) -> Logits:
        """Return int32[N, K]; see Classifier."""
        check_images(images, self.input_shape)
        parts = [np.zeros((0, self.classes), dtype=np.int32)]
        for start in range(0, len(images), _BATCH):
            batch = images[start : start + _BATCH].astype(np.int64)
            ((_, last),) = deque(self._run(batch), maxlen=1)
            parts.append(last.astype(np.int32))
        return np.concatenate(parts)

    def decode(self, logits: Logits) -> NDArray[np.float64]:
        """Return the model's float logits [N, K] for integer logits int32[N, K]."""
        return self.scale * logits.astype(np.float64) + self.offset

    def activations(self, images: Images) -> list[tuple[str, Integers]]:
        """Return (operation's name, its output int64[N, ...]) in order; keeps all in memory."""
        check_images(images, self.input_shape)
        return list(self._run(images.astype(np.int64)))

    def _run(self, images: Integers) -> Iterator[tuple[str, Integers]]:
        """Yield each operation's output, and forget it after its last reader."""
        waiting = {name: len(self.readers(name)) for name in self.shapes}
        held = {IMAGE: images}
        for operation in self.operations:
            read = self.sources[operation.name]
            result = operation.apply(*(held[name] for name in read))
            held[operation.name] = result
            for name in read:
                waiting[name] -= 1
                if not waiting[name]:
                    del held[name]
            yield operation.name, result

    def twin(self) -> "Twin":
        """Return the torch module that computes the same logits and has gradients."""
        from flow.integer.twin import Twin  # noqa: PLC0415 - torch is slow to import

        return Twin(self)

    def save(self, path: Path | str) -> None:
        """Write one .npz file without pickled objects; equal networks give equal bytes."""
        arrays: dict[str, Any] = {}
        entries = []
        for index, operation in enumerate(self.operations):
            values = {field.name: getattr(operation, field.name) for field in fields(operation)}
            plain = {k: v for k, v in values.items() if not isinstance(v, np.ndarray)}
            arrays |= {f"{index}.{k}": v for k, v in values.items() if isinstance(v, np.ndarray)}
            entries.append({"kind": type(operation).__name__, **plain})
        header = {
            "operations": entries,
            "input_shape": self.input_shape,
            "scale": self.scale,
            "offset": self.offset,
            "preprocessing": self.preprocessing and asdict(self.preprocessing),
        }
        np.savez_compressed(path, header=np.array(json.dumps(header)), **arrays)

    @classmethod
    def load(cls, path: Path | str) -> "IntegerNetwork":
        """Read what save wrote; files of older versions have no preprocessing.

        Raises:
            FlowError: the file is missing, damaged or not an integer network.
        """
        try:
            with Path(path).open("rb") as file, np.load(file, allow_pickle=False) as archive:
                arrays = {key: archive[key] for key in archive.files}
            header = json.loads(str(arrays.pop("header")))
            operations = tuple(_operation(i, e, arrays) for i, e in enumerate(header["operations"]))
            shape = header["input_shape"]
            whole = (shape[0], shape[1], shape[2])
            own = _PREPROCESSING.validate_python(header.get("preprocessing"))
            return cls(operations, whole, header["scale"], header["offset"], own)
        except _UNREADABLE as error:
            raise FlowError(
                f"integer network {path}: cannot be read ({error}); compile it again"
            ) from error


def _operation(index: int, entry: dict[str, Any], arrays: dict[str, Integers]) -> Operation:
    prefix = f"{index}."
    own = {key.removeprefix(prefix): v for key, v in arrays.items() if key.startswith(prefix)}
    plain = {key: _tuples(value) for key, value in entry.items() if key != "kind"}
    kind: Any = KINDS[entry["kind"]]
    operation: Operation = kind(**plain, **own)
    return operation


def _tuples(value: Any) -> Any:  # noqa: ANN401 - JSON holds anything
    return tuple(value) if isinstance(value, list) else value

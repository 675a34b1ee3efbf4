# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A classifier as a list of integer operations with proven ranges; it defines the result."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

import numpy as np

from flow.classifier import Images, Logits, check_images
from flow.errors import FlowError
from flow.integer.bounds import Interval
from flow.integer.operations import Convolution, Dense, Flatten, Integers, Operation, Threshold

if TYPE_CHECKING:
    from flow.integer.twin import Twin

__all__ = ["IntegerNetwork"]

_UNREADABLE = (OSError, EOFError, BadZipFile, ValueError, KeyError, TypeError, IndexError)
_BATCH = 256  # images at a time: bounds the memory
_KINDS: dict[str, Any] = {kind.__name__: kind for kind in (Convolution, Dense, Flatten, Threshold)}


@dataclass(frozen=True, eq=False)
class IntegerNetwork:
    """Integer operations from uint8 images to int32 logits; a Classifier.

    Attributes:
        operations: in order of execution.
        input_shape: (H, W, C).
        scale: positive; the trained network's float logits are scale * integer logits.
    """

    operations: tuple[Operation, ...]
    input_shape: tuple[int, int, int]
    scale: float

    def __post_init__(self) -> None:
        """Check that shapes chain, that logits fit int32 and that the scale is positive."""
        if not self.scale > 0:
            raise FlowError(
                f"integer network: the scale {self.scale} of the logits is not positive"
            )
        if len(self._output_shape()) != 1:
            raise FlowError(f"integer network: the output {self._output_shape()} is not a vector")
        last = list(self.ranges())[-1]
        if last.magnitude() >= 2**31:
            raise FlowError(f"integer network: logits of up to {last.magnitude()} do not fit int32")

    @property
    def classes(self) -> int:
        """Number of logits."""
        return self._output_shape()[0]

    def _output_shape(self) -> tuple[int, ...]:
        shape: tuple[int, ...] = self.input_shape
        for operation in self.operations:
            shape = operation.output_shape(shape)
        return shape

    def ranges(self) -> Iterator[Interval]:
        """Yield the proven range of each operation's output, for any uint8 image."""
        values = Interval(0, 255)
        for operation in self.operations:
            values = operation.output_range(values)
            yield values

    def logits(self, images: Images) -> Logits:
        """Return int32[N, K]; see Classifier."""
        check_images(images, self.input_shape)
        parts = [self._run(images[i : i + _BATCH])[-1] for i in range(0, len(images), _BATCH)]
        empty = np.zeros((0, self.classes), dtype=np.int32)
        return np.concatenate([empty, *(part.astype(np.int32) for part in parts)])

    def activations(self, images: Images) -> list[tuple[str, Integers]]:
        """Return (operation's name, its output int64[N, ...]) in order; keeps all in memory."""
        check_images(images, self.input_shape)
        names = [operation.name for operation in self.operations]
        return list(zip(names, self._run(images), strict=True))

    def _run(self, images: Images) -> list[Integers]:
        outputs = []
        values: Integers = images.astype(np.int64)
        for operation in self.operations:
            values = operation.apply(values)
            outputs.append(values)
        return outputs

    def twin(self) -> "Twin":
        """Return the torch module that computes the same logits and has gradients."""
        from flow.integer.twin import Twin  # noqa: PLC0415 - torch is slow to import

        return Twin(self)

    def save(self, path: Path) -> None:
        """Write one .npz file without pickled objects; equal networks give equal bytes."""
        arrays: dict[str, Any] = {}
        entries = []
        for index, operation in enumerate(self.operations):
            fields = {key: getattr(operation, key) for key in asdict(operation)}
            plain = {k: v for k, v in fields.items() if not isinstance(v, np.ndarray)}
            arrays |= {f"{index}.{k}": v for k, v in fields.items() if isinstance(v, np.ndarray)}
            entries.append({"kind": type(operation).__name__, **plain})
        header = {"operations": entries, "input_shape": self.input_shape, "scale": self.scale}
        np.savez(path, header=np.array(json.dumps(header)), **arrays)

    @classmethod
    def load(cls, path: Path) -> "IntegerNetwork":
        """Read what save wrote.

        Raises:
            FlowError: the file is missing, damaged or not an integer network.
        """
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
                arrays = {key: archive[key] for key in archive.files}
            header = json.loads(str(arrays.pop("header")))
            operations = tuple(_operation(i, e, arrays) for i, e in enumerate(header["operations"]))
            shape = header["input_shape"]
            return cls(operations, (shape[0], shape[1], shape[2]), header["scale"])
        except _UNREADABLE as error:
            raise FlowError(
                f"integer network {path}: cannot be read ({error}); compile it again"
            ) from error


def _operation(index: int, entry: dict[str, Any], arrays: dict[str, Integers]) -> Operation:
    prefix = f"{index}."
    own = {key.removeprefix(prefix): v for key, v in arrays.items() if key.startswith(prefix)}
    plain = {key: _tuples(value) for key, value in entry.items() if key != "kind"}
    operation: Operation = _KINDS[entry["kind"]](**plain, **own)
    return operation


def _tuples(value: Any) -> Any:  # noqa: ANN401 - JSON holds anything
    return tuple(value) if isinstance(value, list) else value

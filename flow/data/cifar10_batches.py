# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""CIFAR-10 in its official python and binary formats, as a folder or as the tar that is published.

A python batch is a pickle, and a pickle is a program. These are read by an unpickler that knows
the four names that such a batch uses, as inert stand-ins, and refuses every other.
"""

import io
import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from flow.classifier import Images, Labels
from flow.data.members import read_members
from flow.data.source import REMEDY, Splits
from flow.errors import FlowError
from steelflow_names import one_line

__all__ = ["BATCH_IMAGES", "FORMATS", "BatchFormat"]

BATCH_IMAGES = 10_000  # of each of the six files
_SIZE = 32
_PIXELS = 3 * _SIZE * _SIZE
_CLASSES = 10
_UNREADABLE = (
    *(pickle.UnpicklingError, EOFError, ValueError, TypeError, KeyError, IndexError),
    *(AttributeError, OverflowError, MemoryError, ImportError),
)

Batch = tuple[Images, Labels]


@dataclass(frozen=True)
class BatchFormat:
    """One of the two.

    Attributes:
        places: folder or archive names that hold it, in the order of preference.
        names: of the five training files and the test file.
        parse: a file's content and what errors call it -> its images and labels.
    """

    places: tuple[str, ...]
    names: tuple[str, ...]
    parse: Callable[[bytes, str], Batch]

    def read(self, path: Path) -> Splits:
        """Return the images in the files' own order, which is shuffled.

        Raises:
            FlowError: a file is missing or damaged, or does not hold 10,000 images.
        """
        batches: dict[str, Batch] = {}
        for member, content in read_members(
            path, lambda name: PurePosixPath(name).name in self.names
        ):
            name = PurePosixPath(member).name
            if name in batches:
                raise FlowError(f"{path}: holds {name} twice; {REMEDY}")
            batches[name] = self.parse(content, f"{path}: {name}")
        missing = [name for name in self.names if name not in batches]
        if missing:
            raise FlowError(f"{path}: holds no {', '.join(missing)}; {REMEDY}")
        *train, (test_images, test_labels) = (batches[name] for name in self.names)
        images, labels = zip(*train, strict=True)
        return Splits(
            *(np.concatenate(images), np.concatenate(labels)),
            *(test_images, test_labels),
            classes=_CLASSES,
        )

    def _wants(self, member: str) -> bool:
        return PurePosixPath(member).name in self.names


def _images(planes: bytes, rows: int) -> Images:
    """Return [rows, 32, 32, 3] of red, green and blue planes, each in row-major order."""
    pixels = np.frombuffer(planes, np.uint8).reshape(rows, 3, _SIZE, _SIZE)
    return np.ascontiguousarray(pixels.transpose(0, 2, 3, 1))


def _checked(what: str, count: int, labels: Labels) -> None:
    if count != BATCH_IMAGES or len(labels) != count:
        raise FlowError(
            f"{what}: {count} images and {len(labels)} labels, not {BATCH_IMAGES} of each; {REMEDY}"
        )
    if labels.min() < 0 or labels.max() >= _CLASSES:
        wrong = labels[(labels < 0) | (labels >= _CLASSES)][0]
        raise FlowError(f"{what}: label {wrong} is not a class 0..{_CLASSES - 1}; {REMEDY}")


def _parse_binary(content: bytes, what: str) -> Batch:
    """Read records of a label and 3072 pixels."""
    need = BATCH_IMAGES * (1 + _PIXELS)
    if len(content) != need:
        raise FlowError(
            f"{what}: {len(content)} bytes, not the {need} of {BATCH_IMAGES} images; {REMEDY}"
        )
    records = np.frombuffer(content, np.uint8).reshape(-1, 1 + _PIXELS)
    labels = records[:, 0].astype(np.int64)
    _checked(what, len(records), labels)
    return _images(records[:, 1:].tobytes(), len(records)), labels


def _parse_python(content: bytes, what: str) -> Batch:
    """Read a pickled dictionary with data uint8[N, 3072] and labels, a list."""
    try:
        batch = _Unpickler(io.BytesIO(content), encoding="bytes").load()
        known = {_text(key): value for key, value in batch.items()}
        planes = known["data"].content()
        labels = np.array([int(label) for label in known["labels"]], dtype=np.int64)
    except _UNREADABLE as error:
        raise FlowError(f"{what}: is no CIFAR-10 batch ({one_line(error)}); {REMEDY}") from error
    count = len(planes) // _PIXELS
    _checked(what, count, labels)
    return _images(planes, count), labels


def _text(key: bytes | str) -> str:
    return key.decode() if isinstance(key, bytes) else key


class _Dtype:
    """Stands for numpy.dtype; only bytes are known."""

    def __init__(self, code: bytes | str, *_options: object) -> None:
        if _text(code) != "u1":
            raise pickle.UnpicklingError(f"its data are of type {_text(code)}, not u1")

    def __setstate__(self, state: object) -> None:
        """Ignore the byte order and the like: bytes have none."""


class _Array:
    """Stands for a numpy array: what its state says, unused until it is checked."""

    state: tuple[Any, ...] = ()

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.state = state

    def content(self) -> bytes:
        """Return the bytes of uint8[N, 3072] in C order."""
        _, (rows, columns), dtype, fortran, content = self.state
        sound = isinstance(dtype, _Dtype) and isinstance(content, bytes) and not fortran
        if not sound or columns != _PIXELS or len(content) != rows * columns:
            raise pickle.UnpicklingError(
                f"its data are {rows} x {columns} in {len(content)} bytes, not N x {_PIXELS}"
            )
        return bytes(content)


def _reconstruct(_kind: object, _shape: object, _code: object) -> _Array:
    return _Array()


def _encode(text: str, _encoding: str) -> bytes:
    """Stand for _codecs.encode, as which Python 3 writes bytes in Python 2's protocol."""
    return text.encode("latin1")


_KNOWN: Mapping[tuple[str, str], Any] = {
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Dtype,
    ("_codecs", "encode"): _encode,
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401 - as in the base
        if (module, name) not in _KNOWN:
            raise pickle.UnpicklingError(f"it names {module}.{name}, which no batch needs")
        return _KNOWN[module, name]


_TRAINING = tuple(f"data_batch_{number}" for number in range(1, 6))
FORMATS: dict[str, BatchFormat] = {
    "python": BatchFormat(
        places=("cifar-10-batches-py", "cifar-10-python.tar.gz", "cifar-10-python.tar"),
        names=(*_TRAINING, "test_batch"),
        parse=_parse_python,
    ),
    "binary": BatchFormat(
        places=("cifar-10-batches-bin", "cifar-10-binary.tar.gz", "cifar-10-binary.tar"),
        names=tuple(f"{name}.bin" for name in (*_TRAINING, "test_batch")),
        parse=_parse_binary,
    ),
}

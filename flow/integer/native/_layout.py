# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""How each stage's output is held between stages: bytes, planes of bits or wide integers."""

from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np

from flow.integer.bounds import Interval
from flow.integer.graph import IntegerGraph
from flow.integer.native._stages import Stage
from flow.integer.operations import (
    IMAGE,
    Convolution,
    Dense,
    Flatten,
    MaxPool,
    Pool,
    Shape,
)

__all__ = ["INT32_MAX", "PACKED", "Form", "Format", "Kernels", "fits_int32", "forms_of"]

INT32_MAX = 2**31 - 1
_WORD = 32  # bits
_LARGEST_VECTOR = 4096  # values, each of which gets thresholds of its own


class Format(IntEnum):
    """As in src/plan.hpp."""

    U8 = 0
    BITS = 1
    I32 = 2
    I64 = 3
    NIBBLES = 4


PACKED = (Format.BITS, Format.NIBBLES)  # codes of several channels side by side
_BYTES = {Format.U8: 1, Format.I32: 4, Format.I64: 8}
_NIBBLE = 4  # bits


@dataclass(frozen=True)
class Kernels:
    """Which kernels of packed codes are worth while on an instruction set.

    Attributes:
        planes: the widest activations, in bits, that go through the kernels of single bits.
        tables: whether activations of 1 and 2 bits go through look-ups where they can.
        shorts: whether sums that are proven to fit 16 bits are compared with few thresholds there.
    """

    planes: int
    tables: bool
    shorts: bool = False


@dataclass(frozen=True)
class Form:
    """How a value is held: rows of channels, one row a pixel.

    U8 holds value - low in a byte; BITS holds the code of value = low + step * code in planes;
    NIBBLES holds 4 / planes codes in a byte, times 16.
    """

    format: Format
    pixels: int
    channels: int
    values: Interval  # all that occur, and 0 where a reader pads with it
    low: int = 0
    step: int = 1
    planes: int = 0

    @property
    def row_bytes(self) -> int:
        """Bytes of one pixel."""
        if self.format == Format.BITS:
            return -(-self.channels // _WORD) * 4 * self.planes
        if self.format == Format.NIBBLES:
            return -(-self.channels // self.together)
        return self.channels * _BYTES[self.format]

    @property
    def together(self) -> int:
        """Channels that lie in one nibble."""
        return _NIBBLE // self.planes

    @property
    def image_bytes(self) -> int:
        """Bytes of one image."""
        return self.pixels * self.row_bytes

    def folded(self, most: int) -> "Form":
        """Return the same bytes as rows of several pixels, of up to `most` channels."""
        if self.format in PACKED:
            return self
        pixels = max(n for n in range(1, self.pixels + 1) if self._folds(n, most))
        return replace(self, pixels=self.pixels // pixels, channels=self.channels * pixels)

    def _folds(self, pixels: int, most: int) -> bool:
        fits = pixels == 1 or self.channels * pixels <= most
        return self.pixels % pixels == 0 and fits

    def rows_of(self, pixels: int) -> "Form":
        """Return the same bytes as `pixels` rows."""
        channels = self.pixels * self.channels // pixels
        return replace(self, pixels=pixels, channels=channels)

    def viewed(self, shape: Shape) -> "Form":
        """Return the same memory as another shape; packed channels must fill words or nibbles."""
        pixels, channels = _rows(shape)
        return replace(self, pixels=pixels, channels=channels)


@dataclass(frozen=True)
class _Codes:
    """Values that are low + step * k for k = 0..levels."""

    low: int
    step: int
    levels: int


def fits_int32(values: Interval) -> bool:
    """Whether every value is an int32."""
    return values.magnitude() <= INT32_MAX


def forms_of(network: IntegerGraph, stages: list[Stage], kernels: Kernels) -> dict[str, Form]:
    """Choose the form of the image and of every stage's output; Flattens are views of them."""
    return _Chooser(network, stages, kernels).forms()


def _rows(shape: Shape) -> tuple[int, int]:
    return (int(np.prod(shape[:-1])), shape[-1])


class _Chooser:
    def __init__(self, network: IntegerGraph, stages: list[Stage], kernels: Kernels) -> None:
        self.network, self.stages, self.kernels = network, stages, kernels
        self.ranges = network.ranges()
        self.codes: dict[str, _Codes] = {}
        self.bits: set[str] = set()
        self.nibbles: dict[str, int] = {}  # bits of a code

    def forms(self) -> dict[str, Form]:
        for stage in self.stages:
            self._find_codes(stage)
        for stage in reversed(self.stages):
            planes = self._planes_of_nibbles(stage) if self.kernels.tables else None
            if planes is not None:
                self.nibbles[stage.name] = planes
            elif self._may_be_bits(stage):
                self.bits.add(stage.name)
        return {name: self._form(name) for name in (IMAGE, *(s.name for s in self.stages))}

    def _find_codes(self, stage: Stage) -> None:
        before = self.codes.get(stage.reads[0])
        if stage.threshold is not None:
            found = stage.threshold
            self.codes[stage.name] = _Codes(found.offset, found.step, found.thresholds.shape[1])
        elif isinstance(stage.head, MaxPool) and before is not None:
            self.codes[stage.name] = before

    def _readers(self, name: str) -> list[tuple[str, Stage]]:
        """Return (the name that is read, who reads it), through Flattens."""
        found = [(name, stage) for stage in self.stages for read in stage.reads if read == name]
        for operation in self.network.readers(name):
            if isinstance(operation, Flatten):
                found += self._readers(operation.name)
        return found

    def _may_be_bits(self, stage: Stage) -> bool:
        codes, readers = self.codes.get(stage.name), self._readers(stage.name)
        if codes is None or not readers or codes.levels.bit_length() > self.kernels.planes:
            return False
        if not self._fills(stage, _WORD):
            return False
        return codes.levels > 0 and all(self._reads_bits(reader, codes) for _, reader in readers)

    def _fills(self, stage: Stage, together: int) -> bool:
        """Whether channels fill whole words or nibbles, where a reader takes pixels as one."""
        flattened = any(name != stage.name for name, _ in self._readers(stage.name))
        channels = self.network.shapes[stage.name][-1]
        return not flattened or self._is_vector(stage) or channels % together == 0

    def _planes_of_nibbles(self, stage: Stage) -> int | None:
        """Return the bits of a code in nibbles that every reader looks up, if there are such."""
        codes, readers = self.codes.get(stage.name), self._readers(stage.name)
        if codes is None or not readers or not 1 <= codes.levels < 4:
            return None
        found = {self._nibbles_read(reader, codes) for _, reader in readers}
        planes = found.pop()
        return planes if not found and planes and self._fills(stage, _NIBBLE // planes) else None

    def _nibbles_read(self, stage: Stage, codes: _Codes) -> int | None:
        """Return the bits of a code that a reader wants in its nibbles; None for no nibbles."""
        head = stage.head
        if isinstance(head, MaxPool):
            return self.nibbles.get(stage.name) if stage.threshold is None else None
        if not isinstance(head, Convolution | Dense) or not self._pads_with_code(head, codes):
            return None
        distinct = len(np.unique(head.weights))
        planes = 1 if distinct <= 2 and codes.levels == 1 else 2
        groups = head.groups if isinstance(head, Convolution) else 1
        whole = groups == 1 or head.weights.shape[2] % (_NIBBLE // planes) == 0
        return planes if distinct <= 4 and whole else None

    @staticmethod
    def _pads_with_code(head: Convolution | Dense, codes: _Codes) -> bool:
        """Whether the zero that a layer pads with is one of the codes."""
        if isinstance(head, Dense) or not any(head.padding):
            return True
        zero, odd = divmod(-codes.low, codes.step)
        return odd == 0 and 0 <= zero <= codes.levels

    def _reads_bits(self, stage: Stage, codes: _Codes) -> bool:
        head = stage.head
        if isinstance(head, MaxPool):
            return stage.name in self.bits and stage.threshold is None
        if not isinstance(head, Convolution | Dense) or np.abs(head.weights).max(initial=0) > 1:
            return False
        if isinstance(head, Dense):
            return True
        whole = head.groups == 1 or head.weights.shape[2] % _WORD == 0
        return whole and self._pads_with_code(head, codes)

    def _is_vector(self, stage: Stage) -> bool:
        """Whether all readers take a copy as a vector, so that it need not be held by pixels."""
        small = int(np.prod(self.network.shapes[stage.name])) <= _LARGEST_VECTOR
        return (
            stage.is_copy and small and all(r != stage.name for r, _ in self._readers(stage.name))
        )

    def _form(self, name: str) -> Form:
        pixels, channels = _rows(self.network.shapes[name])
        if any(stage.name == name and self._is_vector(stage) for stage in self.stages):
            pixels, channels = 1, pixels * channels
        values = self.ranges[name]
        if name in self.bits:
            codes = self.codes[name]
            planes = codes.levels.bit_length()
            return Form(Format.BITS, pixels, channels, values, codes.low, codes.step, planes)
        if name in self.nibbles:
            codes, planes = self.codes[name], self.nibbles[name]
            return Form(Format.NIBBLES, pixels, channels, values, codes.low, codes.step, planes)
        if any(_pads(stage) for _, stage in self._readers(name)):
            values = values.including_zero()
        if name != self.network.output and values.hi - values.lo <= 255:
            return Form(Format.U8, pixels, channels, values, values.lo)
        wide = name != self.network.output and not fits_int32(values)
        return Form(Format.I64 if wide else Format.I32, pixels, channels, values)


def _pads(stage: Stage) -> bool:
    return isinstance(stage.head, Convolution | Pool) and any(stage.head.padding)

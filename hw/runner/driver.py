# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The driver: images in, checked results out, on any board."""

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from ._unit import Unit
from .description import Description
from .device import Device
from .errors import BoardError
from .registers import Record

__all__ = ["Driver", "RunResult"]

_CHUNK_BYTES = 4 << 20  # of images in a run of the kernel
_MOST_IMAGES = 4096
_PATIENCE = 10  # times as long as a run should take
_LEAST_S = 2.0


@dataclass(frozen=True)
class RunResult:
    """Results of a set of images and what they took.

    Attributes:
        values: int32[N, K] logits, or [N, 1] labels where these are the kernel's output.
        cycles: of the kernel's clock, in all its runs.
        starved, blocked: of them, cycles in which the accelerator waited for memory to read, to
            write.
        seconds: of the host's clock.
    """

    values: NDArray[np.int32]
    cycles: int
    starved: int
    blocked: int
    seconds: float

    @property
    def cycles_per_image(self) -> float:
        """Mean cycles of an image; NaN without images."""
        return self.cycles / len(self.values) if len(self.values) else float("nan")


class Driver:
    """A kernel on a board. A context manager: leaving it gives the board back.

    Args:
        device: the board, or its first compute unit.
        description: the kernel that must be on it.
        chunk_images: images in a run of the kernel; None for what fills 4 MiB, at most 4096.
        others: further compute units with the same kernel; all share the images.

    Raises:
        WrongKernelError: the board's registers show another kernel.
    """

    def __init__(
        self,
        device: Device,
        description: Description,
        *,
        chunk_images: int | None = None,
        others: Sequence[Device] = (),
    ) -> None:
        if chunk_images is not None and chunk_images < 1:
            raise BoardError(f"driver: chunk_images {chunk_images} is below 1; give at least 1")
        self.device, self.description = device, description
        most = min(_MOST_IMAGES, max(1, _CHUNK_BYTES // description.frame_bytes))
        self.chunk_images = chunk_images or most
        self._units = [Unit(each, description) for each in (device, *others)]

    def __enter__(self) -> "Driver":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give memory and board back."""
        for unit in self._units:
            unit.close()

    def run(self, images: NDArray[np.uint8]) -> RunResult:
        """Return the results of images uint8[N, H, W, C], in their order.

        While the kernel works on some images the next ones are brought to its memory and the
        results of those before are taken away; compute units take their turns.

        Raises:
            BoardError: images of another dtype or shape, or a board that fails.
            BoardTimeoutError: the board does not answer.
            RunError: the kernel reports an error; the next call can succeed.
            WrongKernelError: the record is another kernel's.
        """
        self._check_images(images)
        begin = time.perf_counter()
        values, records = [np.zeros((0, self.description.outputs), np.int32)], []
        try:
            for found, record in self._runs(images):
                values.append(found)
                records.append(record)
        except BoardError:
            self._wait_for_all()
            raise
        return RunResult(
            values=np.concatenate(values),
            cycles=sum(record.cycles for record in records),
            starved=sum(record.starved for record in records),
            blocked=sum(record.blocked for record in records),
            seconds=time.perf_counter() - begin,
        )

    @property
    def units(self) -> int:
        """Compute units that share the work."""
        return len(self._units)

    @property
    def places(self) -> list[int]:
        """Addresses of the memory in use: input, output, record, of each unit's two slots."""
        slots = [slot for unit in self._units for slot in unit.slots]
        return [buffer.address for slot in slots for buffer in slot.buffers()]

    def timeout_s(self, images: int) -> float:
        """Return how long a run of so many images may take."""
        about = self.description
        cycles = 2 * images * about.cycles_per_frame + 6 * about.watchdog_cycles
        return max(_LEAST_S, _PATIENCE * cycles / self.device.cycles_per_second)

    def _check_images(self, images: NDArray[np.uint8]) -> None:
        shape = self.description.image_shape
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] != shape:
            raise BoardError(
                f"images: {images.dtype}{list(images.shape)} is not uint8[N, "
                f"{', '.join(map(str, shape))}]; give NHWC images of the kernel's size"
            )

    def _runs(self, images: NDArray[np.uint8]) -> Iterator[tuple[NDArray[np.int32], Record]]:
        """Deal the images to the units; yield each run's results and record, in order."""
        size = min(self.chunk_images, -(-len(images) // self.units) or 1)
        chunks = [images[i : i + size] for i in range(0, len(images), size)]
        turns = [self._units[index % self.units] for index in range(len(chunks))]
        for unit, chunk in zip(turns, chunks, strict=True):
            unit.reserve(self.chunk_images)
            unit.load(chunk)
            record = self._finish(unit)
            unit.start()
            if record:
                yield unit.results(), record
        for unit in turns[-self.units :]:
            record = self._finish(unit)
            assert record is not None
            yield unit.results(), record

    def _finish(self, unit: Unit) -> "Record | None":
        """Wait for a unit's run, if one is under way."""
        count = unit.images_running
        return unit.finish(self.timeout_s(count)) if count else None

    def _wait_for_all(self) -> None:
        """Let the units that did not fail end their runs, so that all can be started again."""
        for unit in self._units:
            with suppress(BoardError):
                self._finish(unit)

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The driver: images in, checked results out, on any board."""

import time
from dataclasses import dataclass
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from .description import Description
from .device import Buffer, Device
from .errors import BoardError, RunError, WrongKernelError
from .registers import RECORD_BYTES, STATUS_BLOCK, Arguments, Record, explain_status

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


class _Slot:
    """The memory of one run: two of them, so that one can be filled while the other is in use."""

    def __init__(self, device: Device, description: Description, images: int) -> None:
        self.input = device.allocate(images * description.frame_bytes)
        self.output = device.allocate(images * description.result_bytes)
        self.record = device.allocate(RECORD_BYTES)

    def buffers(self) -> tuple[Buffer, Buffer, Buffer]:
        return self.input, self.output, self.record


class Driver:
    """A kernel on a board. A context manager: leaving it gives the board back.

    Args:
        device: the board.
        description: the kernel that must be on it.
        chunk_images: images in a run of the kernel; None for what fills 4 MiB, at most 4096.

    Raises:
        WrongKernelError: the board's registers show another kernel.
    """

    def __init__(
        self, device: Device, description: Description, *, chunk_images: int | None = None
    ) -> None:
        if chunk_images is not None and chunk_images < 1:
            raise BoardError(f"driver: chunk_images {chunk_images} is below 1; give at least 1")
        self.device, self.description = device, description
        most = min(_MOST_IMAGES, max(1, _CHUNK_BYTES // description.frame_bytes))
        self.chunk_images = chunk_images or most
        self._slots: list[_Slot] = []
        self._number: int | None = None  # of the last run
        if device.registers is not None:
            self._check_kernel(self._status_block())

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
        for slot in self._slots:
            for buffer in slot.buffers():
                buffer.free()
        self._slots = []
        self.device.close()

    def run(self, images: NDArray[np.uint8]) -> RunResult:
        """Return the results of images uint8[N, H, W, C].

        While the kernel works on some images the next ones are brought to its memory and the
        results of those before are taken away.

        Raises:
            BoardError: images of another dtype or shape, or a board that fails.
            BoardTimeoutError: the board does not answer.
            RunError: the kernel reports an error; the next call can succeed.
            WrongKernelError: the record is another kernel's.
        """
        self._check_images(images)
        begin = time.perf_counter()
        size = self.chunk_images
        chunks = [images[i : i + size] for i in range(0, len(images), size)]
        if chunks:
            self._reserve()
            self._load(0, chunks[0])
        values, records = [np.zeros((0, self.description.outputs), np.int32)], []
        for index, chunk in enumerate(chunks):
            self._start(index % 2, len(chunk))
            if index + 1 < len(chunks):
                self._load((index + 1) % 2, chunks[index + 1])
            if index:
                values.append(self._results((index - 1) % 2, len(chunks[index - 1])))
            self.device.wait(self.timeout_s(len(chunk)))
            records.append(self._finished(index % 2, len(chunk)))
        if chunks:
            values.append(self._results((len(chunks) - 1) % 2, len(chunks[-1])))
        return RunResult(
            values=np.concatenate(values),
            cycles=sum(record.cycles for record in records),
            starved=sum(record.starved for record in records),
            blocked=sum(record.blocked for record in records),
            seconds=time.perf_counter() - begin,
        )

    @property
    def places(self) -> list[int]:
        """Addresses of the memory in use: input, output, record, of each of two slots."""
        return [buffer.address for slot in self._slots for buffer in slot.buffers()]

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

    def _reserve(self) -> None:
        while len(self._slots) < 2:
            self._slots.append(_Slot(self.device, self.description, self.chunk_images))

    def _load(self, slot: int, images: NDArray[np.uint8]) -> None:
        buffer = self._slots[slot].input
        buffer.array[: images.size] = images.reshape(-1)
        buffer.flush(images.size)

    def _start(self, slot: int, count: int) -> None:
        used = self._slots[slot]
        used.record.array[:] = 0  # so that an old record is not taken for the new one
        used.record.flush(RECORD_BYTES)
        addresses = used.input.address, used.output.address
        self.device.start(Arguments(*addresses, count, used.record.address))

    def _finished(self, slot: int, count: int) -> Record:
        """Return the record of the run that is done, checked."""
        buffer = self._slots[slot].record
        buffer.invalidate(RECORD_BYTES)
        try:
            record = Record.parse(buffer.array[:RECORD_BYTES].tobytes())
        except BoardError as error:
            raise self._without_record(error) from error
        self._check_kernel(record)
        if record.status:
            raise RunError(
                f"{self.device.name}: run {record.number} ended after {record.images} of {count} "
                f"images: {explain_status(record.status)}"
            )
        if (record.count, record.images) != (count, count) or record.number == self._number:
            raise BoardError(
                f"{self.device.name}: the record tells of run {record.number} with "
                f"{record.images} of {record.count} images, not of a new one with {count}; "
                "load the kernel again"
            )
        self._number = record.number
        return record

    def _without_record(self, error: BoardError) -> BoardError:
        """Return what to raise for a run that left no record: its registers may say why."""
        if self.device.registers is None:
            return BoardError(f"{self.device.name}: {error}")
        status = self._status_block().status
        if not status:
            return BoardError(f"{self.device.name}: {error}")
        return RunError(f"{self.device.name}: the run left no record: {explain_status(status)}")

    def _results(self, slot: int, count: int) -> NDArray[np.int32]:
        buffer, size = self._slots[slot].output, count * self.description.result_bytes
        buffer.invalidate(size)
        words = np.frombuffer(buffer.array[:size].tobytes(), np.dtype("<i4"))
        return words.astype(np.int32).reshape(count, self.description.outputs)

    def _status_block(self) -> Record:
        registers = self.device.registers
        assert registers is not None
        places = range(STATUS_BLOCK, STATUS_BLOCK + RECORD_BYTES, 4)
        words = [registers.read(place).to_bytes(4, "little") for place in places]
        return Record.parse(b"".join(words))

    def _check_kernel(self, record: Record) -> None:
        if record.digest != self.description.digest:
            raise WrongKernelError(
                f"{self.device.name}: holds the accelerator {record.digest.hex()}, not "
                f"{self.description.name} with {self.description.digest.hex()}; load its bitstream"
            )

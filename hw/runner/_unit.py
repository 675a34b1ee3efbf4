# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A compute unit with memory for two runs: one can be filled while the other is in use."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .description import Description
from .device import Buffer, Device
from .errors import BoardError, RunError, WrongKernelError
from .registers import RECORD_BYTES, STATUS_BLOCK, Arguments, Record, explain_status

__all__ = ["Unit"]


class _Slot:
    """The memory of one run."""

    def __init__(self, device: Device, description: Description, images: int) -> None:
        self.input = device.allocate(images * description.frame_bytes)
        self.output = device.allocate(images * description.result_bytes)
        self.record = device.allocate(RECORD_BYTES)

    def buffers(self) -> tuple[Buffer, Buffer, Buffer]:
        return self.input, self.output, self.record


@dataclass(frozen=True)
class _Run:
    slot: _Slot
    count: int  # of images


class Unit:
    """A kernel on a device; runs are loaded, started, finished and read one after the other.

    Raises:
        WrongKernelError: its registers show another kernel.
    """

    def __init__(self, device: Device, description: Description) -> None:
        self.device, self.description = device, description
        self.slots: list[_Slot] = []
        self._turn = 0
        self._loaded: _Run | None = None
        self._running: _Run | None = None
        self._finished: _Run | None = None
        self._number: int | None = None  # of the last run
        if device.registers is not None:
            self._check_kernel(self._status_block())

    @property
    def images_running(self) -> int:
        """Images of the run that is under way; 0 for none."""
        return self._running.count if self._running else 0

    def reserve(self, images: int) -> None:
        """Take the memory for runs of so many images, unless it is there."""
        while len(self.slots) < 2:
            self.slots.append(_Slot(self.device, self.description, images))

    def load(self, images: NDArray[np.uint8]) -> None:
        """Bring images to the kernel's memory; a run may be under way."""
        slot = self.slots[self._turn]
        self._turn ^= 1
        slot.input.array[: images.size] = images.reshape(-1)
        slot.input.flush(images.size)
        self._loaded = _Run(slot, len(images))

    def start(self) -> None:
        """Begin the run of what was loaded; none may be under way."""
        run = self._loaded
        assert run is not None
        record = run.slot.record
        record.array[:] = 0  # so that an old record is not taken for the new one
        record.flush(RECORD_BYTES)
        addresses = run.slot.input.address, run.slot.output.address
        self.device.start(Arguments(*addresses, run.count, record.address))
        self._running = run

    def finish(self, timeout_s: float) -> Record:
        """Wait for the run's end; return its record, checked.

        Raises:
            BoardError: the board fails, see Driver.run.
        """
        run, self._running = self._running, None
        assert run is not None
        self.device.wait(timeout_s)
        record = self._record(run)
        self._number, self._finished = record.number, run
        return record

    def results(self) -> NDArray[np.int32]:
        """Return the results of the run that was finished; another may be under way."""
        run = self._finished
        assert run is not None
        size = run.count * self.description.result_bytes
        run.slot.output.invalidate(size)
        words = np.frombuffer(run.slot.output.array[:size].tobytes(), np.dtype("<i4"))
        return words.astype(np.int32).reshape(run.count, self.description.outputs)

    def close(self) -> None:
        """Give memory and device back."""
        for slot in self.slots:
            for buffer in slot.buffers():
                buffer.free()
        self.slots = []
        self.device.close()

    def _record(self, run: _Run) -> Record:
        """Return the record of a run that is done, checked."""
        buffer, count = run.slot.record, run.count
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
        return record

    def _without_record(self, error: BoardError) -> BoardError:
        """Return what to raise for a run that left no record: its registers may say why."""
        if self.device.registers is None:
            return BoardError(f"{self.device.name}: {error}")
        status = self._status_block().status
        if not status:
            return BoardError(f"{self.device.name}: {error}")
        return RunError(f"{self.device.name}: the run left no record: {explain_status(status)}")

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

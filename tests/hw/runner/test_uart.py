# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The serial line: frames, and a whole board behind one, which is simulated from its RTL."""

import os
import pty
import random
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from uart_board import BAUD, CLOCK_HZ, GEOMETRY, UartBoard, build_uart_board, noise

from hw.runner.backends import uart
from hw.runner.backends._uart_link import ANSWER, Frame, Identity, Kind, Parser, SerialLine
from hw.runner.backends.uart import UartDevice
from hw.runner.description import Description
from hw.runner.driver import Driver
from hw.runner.errors import BoardError, BoardTimeoutError, WrongKernelError

_LENGTHS: dict[int, int] = {Kind.IDENTIFY: 7, Kind.INFER: 12}
_FRAMES = st.one_of(
    st.builds(
        Frame,
        kind=st.just(kind | ANSWER),
        sequence=st.integers(0, 65_535),
        payload=st.binary(min_size=size, max_size=size),
    )
    for kind, size in _LENGTHS.items()
)


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> UartBoard:
    """The board's program, compiled once."""
    return build_uart_board(tmp_path_factory.mktemp("uart"))


@pytest.fixture
def silent() -> Iterator[str]:
    """A terminal whose other side never answers."""
    master, slave = pty.openpty()
    yield os.ttyname(slave)
    os.close(master)
    os.close(slave)


@given(st.lists(_FRAMES, max_size=5), st.integers(1, 7))
def test_frames_come_whole_out_of_any_pieces(frames: list[Frame], size: int) -> None:
    data = b"".join(frame.encode() for frame in frames)
    parser, found = Parser(_LENGTHS), []
    for start in range(0, len(data), size):
        found += parser.feed(data[start : start + size])
    assert found == [Frame(f.kind & ~ANSWER, f.sequence, f.payload) for f in frames]


@given(_FRAMES, _FRAMES, st.integers(0, 10_000), st.integers(1, 255))
def test_a_damaged_frame_is_passed_over(one: Frame, two: Frame, at: int, flip: int) -> None:
    data = bytearray(one.encode())
    data[at % len(data)] ^= flip
    tail = two.encode() + bytes(30)  # what is damaged may look like the start of a frame
    found = Parser(_LENGTHS).feed(bytes(data) + tail)
    assert Frame(two.kind & ~ANSWER, two.sequence, two.payload) in found
    assert len(found) == 1


@pytest.mark.slow
def test_the_driver_s_results_are_the_accelerator_s(board: UartBoard) -> None:
    images = noise(23)
    with board.device() as device, Driver(device, board.description, chunk_images=9) as driver:
        found = driver.run(images)
    assert np.array_equal(found.values, GEOMETRY.results(images.reshape(23, -1)))
    assert GEOMETRY.frame_bytes <= found.cycles_per_image <= 6 * GEOMETRY.frame_bytes
    assert device.figures == uart.LinkFigures(asked=24, repeated=0, late=0, strange=0)


@pytest.mark.slow
def test_the_board_says_who_it_is(board: UartBoard) -> None:
    about = board.description
    with board.device() as device:
        found = device.identity
    assert (found.digest, found.frame_bytes) == (about.digest, about.frame_bytes)
    assert (found.result_bytes, found.baud, found.clock_hz) == (about.result_bytes, BAUD, CLOCK_HZ)
    assert (found.slots, found.dropped, device.clock_mhz) == (4, 0, 25.0)


@pytest.mark.slow
def test_another_kernel_is_refused(board: UartBoard) -> None:
    about = board.description
    other = Description(**{**vars(about), "digest": bytes(16)})
    with board.device() as device, pytest.raises(WrongKernelError, match="load its bitstream"):
        Driver(device, other)


class _Damaged(SerialLine):
    """A line that drops, flips and repeats one byte in a hundred, both ways."""

    random = random.Random(1)

    def transfer(self, outgoing: bytearray, timeout_s: float) -> bytes:
        outgoing[:] = self._damage(bytes(outgoing))
        return self._damage(super().transfer(outgoing, timeout_s))

    def _damage(self, data: bytes) -> bytes:
        return b"".join(self._damaged(bytes([byte])) for byte in data)

    def _damaged(self, byte: bytes) -> bytes:
        if self.random.random() > 0.01:
            return byte
        return self.random.choice([b"", bytes([byte[0] ^ 8]), 2 * byte])


@pytest.mark.slow
def test_damage_on_the_line_costs_time_and_no_image(
    board: UartBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = noise(100)
    with board.device() as device, Driver(device, board.description) as driver:
        monkeypatch.setattr(device._line, "__class__", _Damaged)
        monkeypatch.setattr(device, "_answer_s", 0.02)
        found = driver.run(images)
        monkeypatch.setattr(device._line, "__class__", SerialLine)
        repeated, dropped = device.figures.repeated, device._identify().dropped
    assert np.array_equal(found.values, GEOMETRY.results(images.reshape(100, -1)))
    assert repeated > 0
    assert dropped > 0


@pytest.mark.slow
def test_a_board_slower_than_its_time_to_answer_loses_no_image(
    board: UartBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    images = noise(9)
    with board.device() as device, Driver(device, board.description) as driver:
        monkeypatch.setattr(device, "_answer_s", 1e-3)
        found = driver.run(images)
    assert np.array_equal(found.values, GEOMETRY.results(images.reshape(9, -1)))
    assert device.figures.late > 0


def test_a_board_that_does_not_answer_is_told(silent: str) -> None:
    message = r"does not say who it is; load its bitstream, as by openFPGALoader"
    with pytest.raises(BoardTimeoutError, match=message):
        UartDevice(silent, answer_s=0.01)


def test_a_board_that_falls_silent_is_told(silent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    identity = Identity(0x55465453, 1, bytes(16), 36, 16, CLOCK_HZ, BAUD, 4, 0)
    monkeypatch.setattr(UartDevice, "_identify", lambda _: identity)
    device = UartDevice(silent, answer_s=0.01)
    driver = Driver(device, cast(Description, _Silent()))
    monkeypatch.setattr("hw.runner.driver._LEAST_S", 0.05)
    with pytest.raises(
        BoardTimeoutError, match=r"no answer in .* s, 3 of 3 images are left; press"
    ):
        driver.run(noise(3))
    device.close()


class _Silent:
    """What is known of a board that never answers."""

    digest, image_shape, outputs = bytes(16), (12, 1, 3), 4
    frame_bytes, result_bytes, cycles_per_frame, watchdog_cycles = 36, 16, 1.0, 1


def test_a_port_that_cannot_be_used_is_told(tmp_path: Path, silent: str) -> None:
    (tmp_path / "file").write_text("")
    for port, baud, message in (
        (
            str(tmp_path / "none"),
            BAUD,
            r"none: cannot be opened \(No such .*\); plug",
        ),
        (str(tmp_path / "file"), BAUD, r"file: is no serial port \(.*\); name another"),
        (silent, 12_345, r"no baud rate 12345; build for one as 3000000 or 115200"),
    ):
        with pytest.raises(BoardError, match=message):
            SerialLine(port, baud)


def test_a_line_that_breaks_is_told() -> None:
    master, slave = pty.openpty()
    line = SerialLine(os.ttyname(slave), BAUD)
    os.close(slave)
    os.close(master)
    with pytest.raises(BoardError, match=r"the line broke \(.*\); plug the board in again"):
        line.transfer(bytearray(b"x"), 1.0)
    line.close()


def test_another_design_is_told() -> None:
    with pytest.raises(BoardError, match="identity: 3 bytes are not 48"):
        Identity.parse(b"abc")
    with pytest.raises(BoardError, match=r"magic 0x00000000, version 0 are not 0x55465453, 1; use"):
        Identity.parse(bytes(48))


@pytest.mark.slow
def test_registers_cannot_be_written(board: UartBoard) -> None:
    with board.device() as device, pytest.raises(BoardError, match="0x10: cannot be set to 3"):
        device.registers.write(0x10, 3)

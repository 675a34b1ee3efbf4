# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Runs inside the simulator: the kernel between cocotbext-axi's bus models."""

import os
import random
from collections.abc import Iterator

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.handle import SimHandleBase
from cocotb.triggers import ClockCycles, RisingEdge, with_timeout
from cocotbext.axi import AxiBus, AxiLiteBus, AxiLiteMaster, AxiSlave
from hashing_kernel import WATCHDOG, Geometry
from numpy.typing import NDArray

from hw.runner.registers import STATUS_BLOCK, Arguments, Record

GEOMETRY = Geometry.parse(os.environ["KERNEL_GEOMETRY"])
DIGEST = bytes.fromhex(os.environ["KERNEL_DIGEST"])
INPUT, OUTPUT, RECORD = 0x1_0000_0FC0, 0x2_0001_0FC0, 0x3_0000_0040  # over 4 KiB edges, and 32 bits


class Memory:
    """Sparse memory that takes its time and can fail, as AxiSlave's target."""

    def __init__(self, dut: SimHandleBase, seed: int) -> None:
        self.dut, self.random = dut, random.Random(seed)
        self.bytes: dict[int, int] = {}
        self.latency = (0, 0)  # cycles
        self.fails: range = range(0)  # addresses

    async def read(self, address: int, length: int) -> bytes:
        await self._delay(address, length)
        return bytes(self.bytes.get(address + i, 0) for i in range(length))

    async def write(self, address: int, data: bytes) -> None:
        await self._delay(address, 1)
        self.bytes |= {address + i: value for i, value in enumerate(data)}

    async def _delay(self, address: int, length: int) -> None:
        if address in self.fails or address + length - 1 in self.fails:
            raise ValueError("this address fails")
        cycles = self.random.randint(*self.latency)
        if cycles:
            await ClockCycles(self.dut.ap_clk, cycles)

    def load(self, address: int, data: bytes) -> None:
        """Put bytes there at once."""
        self.bytes |= {address + i: value for i, value in enumerate(data)}

    def dump(self, address: int, size: int) -> bytes:
        """Return bytes, which must all have been written."""
        return bytes(self.bytes[address + i] for i in range(size))


class Bench:
    """Kernel, bus models and a monitor of AXI's rules."""

    def __init__(self, dut: SimHandleBase, seed: int) -> None:
        self.dut, self.random = dut, random.Random(seed)
        self.memory = Memory(dut, seed)
        reset = {"reset": dut.ap_rst_n, "reset_active_level": False}
        control = AxiLiteBus.from_prefix(dut, "s_axi_control")
        self.control = AxiLiteMaster(control, dut.ap_clk, **reset)
        bus = AxiBus.from_prefix(dut, "m_axi_gmem")
        self.slave = AxiSlave(bus, dut.ap_clk, target=self.memory, **reset)
        self.bursts = 0

    async def begin(self) -> None:
        """Start clock and monitors, and reset the kernel."""
        cocotb.start_soon(Clock(self.dut.ap_clk, 10, "ns").start())
        self.dut.ap_rst_n.value = 0
        await ClockCycles(self.dut.ap_clk, 5)
        self.dut.ap_rst_n.value = 1
        await ClockCycles(self.dut.ap_clk, 2)
        for channel in ("ar", "aw"):
            cocotb.start_soon(self._watch_addresses(channel))

    def stall(self, fraction: float) -> None:
        """Hold back every channel of both buses at random."""

        def pauses() -> Iterator[bool]:
            while True:
                yield self.random.random() < fraction

        read, write = self.slave.read_if, self.slave.write_if
        for channel in (read.ar_channel, read.r_channel, write.aw_channel, write.w_channel):
            channel.set_pause_generator(pauses())
        write.b_channel.set_pause_generator(pauses())
        read, write = self.control.read_if, self.control.write_if
        for channel in (read.ar_channel, read.r_channel, write.aw_channel, write.w_channel):
            channel.set_pause_generator(pauses())
        write.b_channel.set_pause_generator(pauses())

    async def start(self, arguments: Arguments) -> None:
        """Write the arguments and start."""
        for address, value in arguments.writes():
            await self.control.write_dword(address, value)
        for address in (0x04, 0x08, 0x00):
            await self.control.write_dword(address, 1)

    async def finish(self) -> None:
        """Wait for the interrupt, take it back and check the control register."""
        if not self.dut.interrupt.value:
            await with_timeout(RisingEdge(self.dut.interrupt), 2, "ms")
        await self.control.write_dword(0x0C, 1)
        assert await self.control.read_dword(0x00) == 0b1110
        assert await self.control.read_dword(0x00) == 0b0100  # done is cleared by reading

    async def run(self, count: int, output: int = OUTPUT) -> Record:
        """Run images through; on success their results must be right and nothing else written."""
        frames = np.frombuffer(self.random.randbytes(count * GEOMETRY.frame_bytes), np.uint8)
        frames = frames.reshape(count, GEOMETRY.frame_bytes)
        self.memory.bytes.clear()
        self.memory.load(INPUT, frames.tobytes())
        await self.start(Arguments(INPUT, output, count, RECORD))
        await self.finish()
        record = Record.parse(self.memory.dump(RECORD, 64))
        assert (record.digest, record.count) == (DIGEST, count)
        if not record.status:
            assert record.images == count
            self._check_results(frames, output)
        return record

    def _check_results(self, frames: NDArray[np.uint8], output: int) -> None:
        expected = GEOMETRY.results(frames).astype("<i4").tobytes()
        assert self.memory.dump(output, len(expected)) == expected
        written = len(self.memory.bytes) - frames.size - 64
        assert written == len(expected), f"{written} bytes of results, not {len(expected)}"

    async def status(self) -> int:
        """Return the status register."""
        return await self.control.read_dword(STATUS_BLOCK + 56)

    async def _watch_addresses(self, channel: str) -> None:
        signals = {
            name: getattr(self.dut, f"m_axi_gmem_{channel}{name}")
            for name in ("valid", "ready", "addr", "len", "size", "burst")
        }
        waiting = None
        while True:
            await RisingEdge(self.dut.ap_clk)
            now = {name: int(signal.value) for name, signal in signals.items()}
            offer = (now["addr"], now["len"]) if now["valid"] else None
            assert waiting in (None, offer), f"{channel}: {waiting} was offered, then {offer}"
            waiting = None if now["ready"] else offer
            if offer and now["ready"]:
                self._check_burst(now)

    def _check_burst(self, burst: dict[str, int]) -> None:
        size = (burst["len"] + 1) * GEOMETRY.data_bytes
        assert 1 << burst["size"] == GEOMETRY.data_bytes
        assert burst["burst"] == 1
        assert burst["len"] < GEOMETRY.burst_beats
        assert burst["addr"] % GEOMETRY.data_bytes == 0
        assert burst["addr"] // 4096 == (burst["addr"] + size - 1) // 4096
        self.bursts += 1


async def _bench(dut: SimHandleBase, seed: int, stall: float = 0.0) -> Bench:
    bench = Bench(dut, seed)
    if stall:
        bench.stall(stall)
    await bench.begin()
    return bench


@cocotb.test()
async def runs_of_any_length(dut: SimHandleBase) -> None:
    bench = await _bench(dut, 1)
    for count in (1, 2, 9):
        assert (await bench.run(count)).status == 0
    assert bench.bursts > 6


@cocotb.test()
async def stalls_on_every_channel(dut: SimHandleBase) -> None:
    bench = await _bench(dut, 2, stall=0.5)
    for count in (3, 6):
        assert (await bench.run(count, OUTPUT + 64 * count)).status == 0


@cocotb.test()
async def memory_with_latency(dut: SimHandleBase) -> None:
    bench = await _bench(dut, 3, stall=0.1)
    bench.memory.latency = (40, 200)
    assert (await bench.run(2)).status == 0


@cocotb.test()
async def no_images_are_done_at_once(dut: SimHandleBase) -> None:
    bench = await _bench(dut, 4)
    record = await bench.run(0)
    assert (record.status, record.images, record.cycles) == (0, 0, 0)
    assert (await bench.run(1)).number == record.number + 1


@cocotb.test()
async def misaligned_addresses_are_refused(dut: SimHandleBase) -> None:
    bench = await _bench(dut, 5)
    for bit, arguments in enumerate(
        (
            Arguments(INPUT + 8, OUTPUT, 1, RECORD),
            Arguments(INPUT, OUTPUT + 32, 1, RECORD),
            Arguments(INPUT, OUTPUT, 1, RECORD + 1),
        )
    ):
        before = len(bench.memory.bytes)
        await bench.start(arguments)
        await bench.finish()
        assert await bench.status() == 1 << bit
        assert len(bench.memory.bytes) - before == (64 if bit == 0 else 0)  # the record, once
    assert (await bench.run(1)).status == 0


@cocotb.test()
async def memory_errors_end_a_run_and_the_next_is_right(dut: SimHandleBase) -> None:
    bench = await _bench(dut, 6, stall=0.2)
    for place, status in ((INPUT, 1 << 3), (OUTPUT, 1 << 5)):
        bench.memory.fails = range(place, place + GEOMETRY.outputs * 4)
        assert (await bench.run(3)).status == status
        bench.memory.fails = range(0)
        assert (await bench.run(3)).status == 0


@cocotb.test()
async def dead_memory_ends_a_run_and_the_next_is_right(dut: SimHandleBase) -> None:
    bench = await _bench(dut, 7)
    read, write = bench.slave.read_if, bench.slave.write_if
    for channel, status in (
        (read.ar_channel, 1 << 7),
        (read.r_channel, 1 << 7),
        (write.aw_channel, 1 << 8),
        (write.w_channel, 1 << 8),
        (write.b_channel, 1 << 8),
    ):
        channel.pause = True
        await bench.start(Arguments(INPUT, OUTPUT, 3, RECORD))
        await ClockCycles(dut.ap_clk, 3 * WATCHDOG + 500)
        await bench.finish()
        assert await bench.status() == status
        channel.pause = False
        assert (await bench.run(3)).status == 0


@cocotb.test()
async def registers_behave_as_xrt_and_pynq_expect(dut: SimHandleBase) -> None:
    bench = await _bench(dut, 8, stall=0.3)
    control = bench.control
    assert await control.read_dword(0x00) == 0b0100
    for address in range(0x10, 0x38, 4):  # XRT writes the gaps between arguments too
        await control.write_dword(address, 0xA5A50000 + address)
    arguments = (0x10, 0x14, 0x1C, 0x20, 0x28, 0x30, 0x34)
    for address in range(0x10, 0x38, 4):
        value = 0xA5A50000 + address if address in arguments else 0
        assert await control.read_dword(address) == value
    await control.write(0x29, b"\x11\x22")  # bytes 1 and 2 alone
    assert await control.read_dword(0x28) == 0xA5221128
    before = [await control.read_dword(address) for address in range(0x80, 0xD0, 4)]
    for address in range(0x80, 0xD0, 4):
        await control.write_dword(address, 0xFFFFFFFF)
    assert [await control.read_dword(address) for address in range(0x80, 0xD0, 4)] == before
    assert before[16:] == [
        8 * GEOMETRY.data_bytes,
        GEOMETRY.frame_bytes,
        4 * GEOMETRY.outputs,
        WATCHDOG,
    ]
    assert not bench.memory.bytes


@cocotb.test()
async def interrupt_follows_its_enables(dut: SimHandleBase) -> None:
    bench = await _bench(dut, 9)
    control = bench.control
    await bench.run(1)
    await control.write_dword(0x08, 0)  # done no longer interrupts
    await control.write_dword(0x00, 1)
    await ClockCycles(dut.ap_clk, 3 * WATCHDOG)
    assert (await control.read_dword(0x0C), int(dut.interrupt.value)) == (0, 0)
    await control.write_dword(0x0C, 1)  # toggles: sets the status by hand
    assert int(dut.interrupt.value) == 1
    await control.write_dword(0x04, 0)
    assert int(dut.interrupt.value) == 0

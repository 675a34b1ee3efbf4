# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Many modules with FINN's ports in one Verilator program, between sources and sinks that stall."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from testbench import VERILATOR, checked, run_verilator

Beats = NDArray[np.int64]  # [frames, beats, lanes]

_RTL = Path(__file__).parent / "rtl"


@dataclass(frozen=True)
class Stream:
    """Integers of `bits` bits each; those of a frame are beats of lanes."""

    values: Beats
    bits: int
    signed: bool

    @property
    def padded_bits(self) -> int:
        """Return the width of TDATA."""
        return -(-self.values.shape[-1] * self.bits // 8) * 8

    @property
    def beats(self) -> int:
        """Return the beats of all frames."""
        return int(np.prod(self.values.shape[:-1]))

    def words(self) -> list[int]:
        """Return each beat as a number, lane 0 in the lowest bits."""
        mask = (1 << self.bits) - 1
        rows = self.values.reshape(-1, self.values.shape[-1]).tolist()
        return [sum((v & mask) << (self.bits * p) for p, v in enumerate(row)) for row in rows]

    def unpack(self, words: Sequence[int]) -> Beats:
        """Return beats of this shape from numbers; any bit of padding that is set shows."""
        lanes, bits = self.values.shape[-1], self.bits
        rows = [[word >> (bits * p) for p in range(lanes)] for word in words]
        rows = [[v & ((1 << bits) - 1) for v in row[:-1]] + row[-1:] for row in rows]
        if self.signed:
            rows = [[v - ((v >> (bits - 1) & 1) << bits) for v in row] for row in rows]
        return np.array(rows, np.int64).reshape(self.values.shape)


@dataclass(frozen=True)
class Dut:
    """Modules in a row, each with one stream to the next; the first has the inputs."""

    name: str
    modules: tuple[str, ...]
    sources: tuple[Path, ...]
    inputs: tuple[Stream, ...]
    outputs: tuple[Stream, ...]  # shapes are used, and the values are what is expected
    link_bits: tuple[int, ...] = ()  # of the streams between the modules


@dataclass(frozen=True)
class Result:
    """What a module gave: [frames, beats, lanes], and the cycle of each beat [frames, beats]."""

    values: Beats
    cycles: Beats


def build(duts: Sequence[Dut], folder: Path) -> Path:
    """Compile a program with all modules; `folder` then holds their stimuli."""
    for dut in duts:
        for index, stream in enumerate(dut.inputs):
            text = "".join(f"{word:x}\n" for word in stream.words())
            (folder / f"{dut.name}_{index}.hex").write_text(text)
    (folder / "testbench.sv").write_text(_testbench(duts, folder))
    sources = dict.fromkeys(path for dut in duts for path in dut.sources)
    flags = ["--cc", "--exe", "--no-timing", "--assert", "--Mdir", "o", "--top-module", "testbench"]
    flags += ["-Wno-fatal", "-Wno-lint"]
    harness = [*sorted(_RTL.glob("stream_*.sv")), "testbench.sv", _RTL / "main.cpp"]
    make = ["make", "-s", "-C", "o", "-f", "Vtestbench.mk", "OPT_FAST=-O0", "OPT_GLOBAL=-O0"]
    make += ["CFG_CXXFLAGS_PCH_I=-include", f"VERILATOR_ROOT={VERILATOR}"]
    make += [f"PYTHON3={sys.executable}"]
    run_verilator(*flags, *sources, *harness, cwd=folder)
    checked(make, folder)
    return folder / "o" / "Vtestbench"


def run(
    program: Path, duts: Sequence[Dut], stall: int, cycles: int
) -> Mapping[str, tuple[Result, ...]]:
    """Return the results of each module; a `stall` other than 0 seeds the stalls."""
    return run_with(program, duts, [stall], cycles)[0]


def run_with(
    program: Path, duts: Sequence[Dut], seeds: Sequence[int], cycles: int
) -> list[Mapping[str, tuple[Result, ...]]]:
    """Return the results of a run for each seed; with stalls, all kinds of them must occur."""
    outputs = [
        checked([program, str(seed), str(cycles)], program.parents[1]).stdout for seed in seeds
    ]
    stalls = {line for text in outputs for line in text.splitlines() if line[:7] == "STALLED"}
    kinds = sum(len(dut.inputs) + 2 * len(dut.outputs) for dut in duts)
    assert len(seeds) == 1 or len(stalls) == kinds, f"{len(stalls)} of {kinds}: {sorted(stalls)}"
    return [_results(text.splitlines(), duts) for text in outputs]


def _results(lines: Sequence[str], duts: Sequence[Dut]) -> Mapping[str, tuple[Result, ...]]:
    failed = [line for line in lines if line.startswith("FAILED")]
    assert not failed, failed[:10]
    beats: dict[str, list[tuple[int, int]]] = {}
    for line in (line for line in lines if not line.startswith("STALLED")):
        name, cycle, word = line.split()
        beats.setdefault(name, []).append((int(cycle), int(word, 16)))
    return {
        dut.name: tuple(_result(s, beats[f"{dut.name}_{i}"]) for i, s in enumerate(dut.outputs))
        for dut in duts
    }


def _result(stream: Stream, beats: Sequence[tuple[int, int]]) -> Result:
    cycles = np.array([cycle for cycle, _ in beats], np.int64)
    return Result(
        stream.unpack([word for _, word in beats]), cycles.reshape(stream.values.shape[:-1])
    )


def _testbench(duts: Sequence[Dut], folder: Path) -> str:
    bodies = "\n".join(_body(dut, folder) for dut in duts)
    sinks = [f"{dut.name}_done_{i}" for dut in duts for i in range(len(dut.outputs))]
    return (
        "module testbench (input logic clk_i, rst_ni, stall_i, output logic done_o);\n"
        f"{bodies}\nassign done_o = &{{{', '.join(sinks)}}};\nendmodule\n"
    )


def _body(dut: Dut, folder: Path) -> str:
    lines = []
    for kind, streams in (("in", dut.inputs), ("out", dut.outputs)):
        for i, stream in enumerate(streams):
            lines += _wires(f"{dut.name}_{kind}{i}", stream.padded_bits)
    for i, bits in enumerate(dut.link_bits):
        lines += _wires(f"{dut.name}_link{i}", bits)
    for i, stream in enumerate(dut.inputs):
        lines.append(
            f"stream_source #({stream.padded_bits}, {stream.beats}, "
            f'"{folder / dut.name}_{i}.hex") {dut.name}_source_{i} (clk_i, rst_ni, stall_i, '
            f"{_handshake(f'{dut.name}_in{i}')});"
        )
    for i, stream in enumerate(dut.outputs):
        lines.append(f"logic {dut.name}_done_{i};")
        lines.append(
            f'stream_sink #({stream.padded_bits}, {stream.beats}, "{dut.name}_{i}") '
            f"{dut.name}_sink_{i} (clk_i, rst_ni, stall_i, "
            f"{_handshake(f'{dut.name}_out{i}')}, {dut.name}_done_{i});"
        )
    return "\n".join([*lines, *(_module(dut, i) for i in range(len(dut.modules)))])


def _wires(name: str, bits: int) -> list[str]:
    return [f"logic {name}_valid, {name}_ready;", f"logic [{bits - 1}:0] {name}_data;"]


def _handshake(name: str) -> str:
    return f"{name}_valid, {name}_ready, {name}_data"


def _module(dut: Dut, index: int) -> str:
    first, last = index == 0, index == len(dut.modules) - 1
    into = [f"in{i}" for i in range(len(dut.inputs))] if first else [f"link{index - 1}"]
    out = [f"out{i}" for i in range(len(dut.outputs))] if last else [f"link{index}"]
    streams = [(f"in{i}_V", n) for i, n in enumerate(into)]
    streams += [(f"out{i}_V", n) for i, n in enumerate(out)]
    pins = [
        f".{port}_T{pin.upper()}({dut.name}_{net}_{pin})"
        for port, net in streams
        for pin in ("valid", "ready", "data")
    ]
    pins = [".ap_clk(clk_i)", ".ap_rst_n(rst_ni)", *pins]
    return f"{dut.modules[index]} {dut.name}_dut_{index} ({', '.join(pins)});"

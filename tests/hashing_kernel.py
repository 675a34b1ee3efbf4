# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A kernel round hashing_accelerator.sv, of any geometry, and what it must answer."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hw.accelerator import MANIFEST_FILE, SCHEMA, Accelerator, ImageInput, LogitOutput, Manifest
from hw.accelerator.checksum import folder_checksum
from hw.parts import find_part
from hw.shell.kernel import Kernel, write_kernel
from hw.shell.settings import KernelSettings

__all__ = ["WATCHDOG", "Geometry", "write_hashing_kernel"]

_HERE = Path(__file__).parent
WATCHDOG = 1000
_PART = "xc7z020clg400-1"


@dataclass(frozen=True, kw_only=True)
class Geometry:
    """Widths on both sides of the shell."""

    data_bytes: int = 8
    burst_beats: int = 16
    outstanding: int = 4
    in_bytes: int = 1
    frame_beats: int = 64
    out_beats: int = 10
    lanes: int = 1
    value_bits: int = 13
    signed: bool = True

    @property
    def frame_bytes(self) -> int:
        """Bytes of an image."""
        return self.in_bytes * self.frame_beats

    @property
    def outputs(self) -> int:
        """Words of an image."""
        return self.lanes * self.out_beats

    @property
    def out_bytes(self) -> int:
        """Bytes of a beat of results."""
        return -(-self.lanes * self.value_bits // 8)

    def results(self, frames: NDArray[np.uint8]) -> NDArray[np.int32]:
        """Return what the accelerator computes of frames [N, frame_bytes], int32[N, outputs]."""
        mask = (1 << self.value_bits) - 1
        rows = []
        for frame in frames:
            value = 1
            for byte in frame.tolist():
                value = ((value << 1 | value >> (self.value_bits - 1)) & mask) ^ (byte & mask)
            rows.append([(value + k) & mask for k in range(self.outputs)])
        words = np.array(rows, np.int64).reshape(len(frames), self.outputs)
        if self.signed:
            words -= (words >> (self.value_bits - 1)) << self.value_bits
        return words.astype(np.int32)

    @classmethod
    def parse(cls, text: str) -> "Geometry":
        """Read what `text` wrote."""
        return cls(**json.loads(text))

    def text(self) -> str:
        """Return the geometry as JSON."""
        return json.dumps(asdict(self))


def write_hashing_kernel(
    geometry: Geometry, folder: Path, part: str = _PART, clock_mhz: float = 100.0
) -> Kernel:
    """Write the kernel of a stand-in for an accelerator, an `Accelerator` folder like any other."""
    settings = KernelSettings(
        data_bits=8 * geometry.data_bytes,
        burst_beats=geometry.burst_beats,
        outstanding=geometry.outstanding,
        watchdog_cycles=WATCHDOG,
    )
    return write_kernel(
        _write_accelerator(geometry, folder / "accelerator", part, clock_mhz),
        folder / "kernel",
        settings,
    )


def _write_accelerator(
    geometry: Geometry, folder: Path, part: str, clock_mhz: float
) -> Accelerator:
    folder.mkdir(parents=True)
    (folder / "core.sv").write_bytes((_HERE / "hashing_accelerator.sv").read_bytes())
    (folder / "top.sv").write_text(_TOP.format(geometry=geometry, bits=8 * geometry.out_bytes))
    data = json.loads(json.dumps(asdict(_manifest(geometry, part, clock_mhz))))
    data["checksum"] = folder_checksum(folder, MANIFEST_FILE, data)
    (folder / MANIFEST_FILE).write_text(json.dumps(data))
    return Accelerator.load(folder)


def _manifest(geometry: Geometry, part: str, clock_mhz: float) -> Manifest:
    cycles = 2 * (geometry.frame_beats + geometry.out_beats)  # with its pauses
    return Manifest(
        schema=SCHEMA,
        name="hashing",
        top="hashing_top",
        part=part,
        device=find_part(part),
        clock_mhz=clock_mhz,
        input=ImageInput(
            shape=(geometry.frame_beats, 1, geometry.in_bytes),
            datatype="UINT8",
            stream_width_bits=8 * geometry.in_bytes,
            elements_per_beat=geometry.in_bytes,
        ),
        output=LogitOutput(
            shape=(geometry.outputs,),
            datatype=f"{'' if geometry.signed else 'U'}INT{geometry.value_bits}",
            logit_scale=1.0,
            logit_offset=(0.0,) * geometry.outputs,
            stream_width_bits=8 * geometry.out_bytes,
            elements_per_beat=geometry.lanes,
        ),
        layers=(),
        fifos=(),
        streams=(),
        cycles_per_frame_predicted=cycles,
        sources=("core.sv", "top.sv"),
        checksum="",
        tool_versions={},
    )


_TOP = """\
module hashing_top #(
  parameter MemoryBase = "./"
) (
  input  logic ap_clk,
  input  logic ap_rst_n,
  input  logic [8*{geometry.in_bytes}-1:0] s_axis_0_tdata,
  input  logic s_axis_0_tvalid,
  output logic s_axis_0_tready,
  output logic [{bits}-1:0] m_axis_0_tdata,
  output logic m_axis_0_tvalid,
  input  logic m_axis_0_tready
);
  hashing_accelerator #(
    .InBytes({geometry.in_bytes}),
    .FrameBeats({geometry.frame_beats}),
    .OutBytes({geometry.out_bytes}),
    .OutBeats({geometry.out_beats}),
    .Lanes({geometry.lanes}),
    .ValueBits({geometry.value_bits})
  ) core (
    .clk_i(ap_clk),
    .rst_ni(ap_rst_n),
    .in_valid_i(s_axis_0_tvalid),
    .in_ready_o(s_axis_0_tready),
    .in_data_i(s_axis_0_tdata),
    .out_valid_o(m_axis_0_tvalid),
    .out_ready_i(m_axis_0_tready),
    .out_data_o(m_axis_0_tdata)
  );
endmodule
"""

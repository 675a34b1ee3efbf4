# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A kernel round hashing_accelerator.sv, of any geometry, and what it must answer."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hw.shell._wrapper import render_kernel

__all__ = ["DIGEST", "WATCHDOG", "Geometry", "write_sources"]

_HERE = Path(__file__).parent
_RTL = _HERE.parents[2] / "hw" / "rtl" / "shell"

DIGEST = bytes(range(16))
WATCHDOG = 700


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


def write_sources(geometry: Geometry, folder: Path) -> list[Path]:
    """Write the kernel `hashing_kernel`; return its sources in compilation order."""
    values = {
        "BurstBeats": str(geometry.burst_beats),
        "Outstanding": str(geometry.outstanding),
        "InBytes": str(geometry.in_bytes),
        "InFrameBeats": str(geometry.frame_beats),
        "OutBytes": str(geometry.out_bytes),
        "OutFrameBeats": str(geometry.out_beats),
        "Lanes": str(geometry.lanes),
        "ValueBits": str(geometry.value_bits),
        "Signed": f"1'b{geometry.signed:d}",
        "WatchdogCycles": str(WATCHDOG),
        "Digest": f"128'h{DIGEST[::-1].hex()}",
    }
    top = folder / "hashing_kernel.sv"
    top.write_text(render_kernel("hashing", "hashing_top", geometry.data_bytes, values))
    inner = folder / "hashing_top.sv"
    inner.write_text(_TOP.format(geometry=geometry, bits=8 * geometry.out_bytes))
    shell = sorted(_RTL.glob("*.sv"), key=lambda path: ("_pkg" not in path.name, path.name))
    return [*shell, _HERE / "hashing_accelerator.sv", inner, top]


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

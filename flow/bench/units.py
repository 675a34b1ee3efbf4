# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""`steelflow bench units`: our LUT matrix unit beside FINN's DSP unit, by synthesis."""

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from flow.bench.benchmark import Benchmark
from flow.errors import SettingError
from flow.tables import Row

__all__ = ["UNITS"]


@dataclass(frozen=True)
class UnitsBenchmark(Benchmark):
    """One row for each part and pair of operand widths."""

    def add_options(self, parser: argparse.ArgumentParser) -> None:
        """Declare the parts and the size of the unit."""
        parser.add_argument(
            "--parts",
            nargs="+",
            metavar="PART",
            default=["xc7z020", "xck26"],
            help="FPGA parts (default: xc7z020 xck26)",
        )
        parser.add_argument(
            "--pe", type=int, default=8, metavar="N", help="outputs at a time (default: 8)"
        )
        parser.add_argument(
            "--simd", type=int, default=16, metavar="N", help="inputs at a time (default: 16)"
        )

    def rows(self, options: argparse.Namespace) -> Iterator[Row]:
        """Synthesise both units of a 64 x 64 matrix, without the weight memory."""
        from flow.bench.matrix_study import STUDIED, study  # noqa: PLC0415 - imports FINN

        for name in ("pe", "simd"):
            value = getattr(options, name)
            if value < 1 or 64 % value:
                raise SettingError(
                    f"{name} {value}: does not divide 64; give 1, 2, 4, ... 64", name
                )
        with tempfile.TemporaryDirectory(prefix="steelflow-bench-") as scratch:
            for part in options.parts:
                for operands in STUDIED:
                    (row,) = study(
                        build_dir=Path(scratch),
                        parts=(part,),
                        pe=options.pe,
                        simd=options.simd,
                        operands=(operands,),
                    )
                    yield {
                        "operands": row.operands,
                        "part": row.part.name,
                        "lut_unit_lut": row.lut_unit.lut,
                        "lut_unit_ff": row.lut_unit.ff,
                        "dsp_unit_lut": row.dsp_unit.lut,
                        "dsp_unit_ff": row.dsp_unit.ff,
                        "dsp_unit_dsp": row.dsp_unit.dsp,
                    }


UNITS = UnitsBenchmark(
    name="units", help="count the LUTs and DSPs of our matrix unit and FINN's, by operand widths"
)

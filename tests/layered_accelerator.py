# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A kernel of three small modules that claim to be large layers, for plans that take them apart."""

import json
from dataclasses import asdict, replace
from pathlib import Path

from hashing_kernel import Geometry, write_hashing_kernel

from hw.accelerator import MANIFEST_FILE, Accelerator, Estimate, Layer
from hw.accelerator.checksum import folder_checksum
from hw.shell.kernel import Kernel, write_kernel
from hw.shell.settings import KernelSettings

__all__ = ["write_layered_kernel"]

# As the stitching writes them: weights behind MemoryBase, a path of its own, nothing to read.
_LAYERS = {
    "weights": ("weights_with_memory", '#(\n  parameter MemoryBase = "./" // (a comment);\n) '),
    "thresholds": ("thresholds", '#(\n  parameter PATH = "memory/thresholds/t"\n) '),
    "padding": ("padding", ""),
}
_GIVEN = {
    "weights": "#(.MemoryBase(MemoryBase)) ",
    "thresholds": '#(.PATH({MemoryBase, "memory/thresholds/t"})) ',
    "padding": "",
}
_MODULE = """\
module {module} {parameters}(
  input ap_clk,
  input ap_rst_n,
  input [(2*4)-1:0] in0_V_TDATA,
  output [8-1:0] out0_V_TDATA
);
  layer_library core (.d(in0_V_TDATA), .q(out0_V_TDATA), .clk(ap_clk & ap_rst_n));
endmodule
"""
_LIBRARY = """\
module layer_library (input [7:0] d, output reg [7:0] q, input clk);
  always @(posedge clk) q <= d;
endmodule
"""


def write_layered_kernel(folder: Path, lut: float = 600.0) -> Kernel:
    """Write it for a port of 64 bits; each layer claims so many LUTs."""
    plain = write_hashing_kernel(Geometry(), folder / "plain").accelerator
    found = folder / "accelerator"
    for path in plain.folder.rglob("*"):
        (found / path.name).parent.mkdir(parents=True, exist_ok=True)
        (found / path.name).write_bytes(path.read_bytes())
    for name, (module, parameters) in _LAYERS.items():
        _write(found / _source(name), _MODULE.format(module=module, parameters=parameters))
    _write(found / "rtl/lib/library.v", _LIBRARY)
    top = (found / "top.sv").read_text().rsplit("endmodule", 1)[0]
    (found / "top.sv").write_text(top + _instances() + "endmodule\n")
    layers = tuple(_layer(name, lut) for name in _LAYERS)
    sources = ("rtl/lib/library.v", *map(_source, _LAYERS), *plain.manifest.sources)
    manifest = replace(plain.manifest, layers=layers, sources=sources, checksum="")
    data = json.loads(json.dumps(asdict(manifest)))
    data["checksum"] = folder_checksum(found, MANIFEST_FILE, data)
    (found / MANIFEST_FILE).write_text(json.dumps(data))
    port = KernelSettings(data_bits=64)
    return write_kernel(Accelerator.load(found), folder / "kernel", port)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _source(name: str) -> str:
    return f"rtl/layers/{name}/{name}.v"


def _instances() -> str:
    lines = ["  wire [7:0] stage_0 = 8'd3;"]
    for index, (name, (module, _)) in enumerate(_LAYERS.items()):
        lines.append(f"  wire [7:0] stage_{index + 1};")
        lines.append(
            f"  {module} {_GIVEN[name]}{name} (.ap_clk(ap_clk), .ap_rst_n(ap_rst_n), "
            f".in0_V_TDATA(stage_{index}), .out0_V_TDATA(stage_{index + 1}));"
        )
    return "\n".join(lines) + "\n"


def _layer(name: str, lut: float) -> Layer:
    return Layer(
        name=name,
        op_type="MVAU_rtl",
        module=_LAYERS[name][0],
        sources=("rtl/lib/library.v", _source(name)),
        memory=(),
        folding={},
        cycles_predicted=1,
        estimate=Estimate(lut=lut, dsp=0, bram18=0),
    )

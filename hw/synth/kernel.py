# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The netlist of a whole kernel for Xilinx' 7 series: shell, layers and FIFOs in one module."""

from pathlib import Path

import hw
from hw.build import BuildStore
from hw.errors import HardwareError
from hw.parts import Family
from hw.shell.kernel import Kernel
from hw.synth.report import WEIGHTED
from hw.synth.timing import LayerTiming, layer_timing, read_netlist
from hw.synth.yosys import NETLIST_JSON, SynthesisJob

__all__ = ["SHELL", "kernel_job", "kernel_netlist", "kernel_timing"]

_ACCELERATOR, SHELL = "accelerator", "shell"


def kernel_job(kernel: Kernel) -> SynthesisJob:
    """Return what Yosys is to do for a kernel.

    Raises:
        HardwareError: a part of another family; Yosys' library has models of the 7 series.
    """
    part = kernel.accelerator.manifest.device
    if part.family is not Family.SERIES_7:
        raise HardwareError(
            f"gates of {kernel.manifest.name}: it was compiled for {part.name}; Yosys has models "
            "of the 7 series' cells only: compile it again for one, as --part xc7z020clg400-1"
        )
    ours = {path.name: path for path in (Path(hw.__file__).parent / "rtl" / "synth").glob("*.sv")}
    sources = [kernel.folder / name for name in kernel.manifest.sources]
    inner = kernel.accelerator.manifest
    memory = [path for layer in inner.layers for path in layer.memory]
    modules = {layer.module for layer in inner.layers if layer.module.endswith(WEIGHTED)}
    return SynthesisJob(
        top=kernel.manifest.top,
        sources=tuple(ours.get(path.name, path) for path in sources),
        family=part.family.value,
        cores=tuple(sorted(module.removesuffix(WEIGHTED) for module in modules)),
        base_dir=kernel.folder,
        memory=tuple(dict.fromkeys(f"{_ACCELERATOR}/{path}" for path in memory)),
    )


def kernel_netlist(kernel: Kernel, build_dir: Path, *, timeout_s: float | None = None) -> Path:
    """Return the netlist as Yosys' JSON, made in `build_dir` unless it is there.

    Raises:
        HardwareError: as kernel_job; Yosys failed or took longer than `timeout_s`.
    """
    plan = kernel_job(kernel).json_plan()
    return BuildStore(build_dir).build(plan, timeout_s).path(NETLIST_JSON)


def kernel_timing(
    kernel: Kernel, build_dir: Path, *, timeout_s: float | None = None
) -> list[LayerTiming]:
    """Return the longest path that ends in each layer and in the shell, the slowest first.

    Raises:
        HardwareError: as kernel_netlist.
    """
    netlist = kernel_netlist(kernel, build_dir, timeout_s=timeout_s)
    return layer_timing(read_netlist(netlist, kernel.manifest.top), _layer)


def _layer(net: str) -> str:
    """Return the layer that a net of the flat kernel is of, by its name."""
    place = net.split(".")
    return place[1] if place[0] == _ACCELERATOR and len(place) > 2 else SHELL

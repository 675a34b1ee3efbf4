# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The clock of an accelerator: its timing before placement, and flip-flops where it is missed."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from onnx import NodeProto
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp

from flow.compile.result_folder import in_cache
from flow.progress import banner
from hw.accelerator import PLAIN_MHZ, Accelerator
from hw.layers.matrix_unit import MatrixUnit
from hw.shell.kernel import Kernel, write_kernel
from hw.synth.kernel import SHELL, kernel_timing
from hw.synth.timing import LayerTiming

__all__ = ["Stitched", "kernel_of", "register_for_clock", "time_kernel", "timing_table", "verdict"]

_TOLD = 20  # layers in the table

Stitched = tuple[ModelWrapper, Accelerator]  # a graph with generated code, and what it became


@contextmanager
def kernel_of(accelerator: Accelerator) -> Iterator[Kernel]:
    """Give the block the kernel of an accelerator, in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="kernel-") as scratch:
        yield write_kernel(accelerator, Path(scratch) / "kernel")


def time_kernel(accelerator: Accelerator, *, timeout_s: float | None = None) -> list[LayerTiming]:
    """Return the longest path that ends in each layer and in the shell, the slowest first.

    Raises:
        HardwareError: another family than the 7 series, or a tool that failed.
    """
    with in_cache("gates") as build_dir, kernel_of(accelerator) as kernel:
        banner("  timing: synthesis of the whole kernel; kept in the cache")
        return kernel_timing(kernel, build_dir, timeout_s=timeout_s)


def register_for_clock(
    folded: ModelWrapper, build: Callable[[ModelWrapper], Stitched]
) -> tuple[Stitched, list[str]]:
    """Build an accelerator whose matrix units get flip-flops at their streams where it is slow.

    Those units are registered in which a path begins or ends that is slower than the clock, until
    none is left. Up to PLAIN_MHZ, and on parts whose timing is not known, nothing is.

    Args:
        folded: the graph; its units are marked.
        build: generates and stitches it.

    Returns:
        What was built last, and what is to be said of its clock: nothing where nothing was timed.

    Raises:
        HardwareError: as time_kernel and `build`.
    """
    built = build(folded)
    if not built[1].manifest.registered:
        return built, []
    marked, paths = set[str](), time_kernel(built[1])
    while slow := _slow_units(built, paths) - marked:
        marked |= slow
        for name in slow:
            getCustomOp(folded.get_node_from_name(name)).set_nodeattr("registered", 1)
        built = build(folded)
        paths = time_kernel(built[1])
    return built, verdict(paths, built[1].manifest.clock_mhz)


def _slow_units(built: Stitched, paths: Sequence[LayerTiming]) -> set[str]:
    """Return the matrix units that a slow path touches and that can still be registered."""
    model, accelerator = built
    asked = accelerator.manifest.clock_mhz
    slow = {name for path in paths if path.clock_mhz < asked for name in (path.name, path.source)}
    return {node.name for node in model.graph.node if node.name in slow and _is_plain(node)}


def _is_plain(node: NodeProto) -> bool:
    layer = getCustomOp(node)
    if not isinstance(layer, MatrixUnit) or layer.get_nodeattr("unit") != "lut":
        return False
    return not layer.get_nodeattr("registered")


def timing_table(paths: list[LayerTiming], asked_mhz: float) -> list[str]:
    """Return lines: the slowest layers, the clock that they allow, and what can be done."""
    width = max(len(path.name) for path in paths)
    head = (
        f"{'longest path in':{width}}   from {'':{width - 5}} levels  fan-out     ns (cells)  MHz"
    )
    lines = [head] + [
        f"{path.name:{width}}   {path.source:{width}} {path.levels:>6} {path.fan_out:>8} "
        f"{path.delay_ns:>6.2f} ({path.logic_ns:5.2f}) {path.clock_mhz:>4.0f}"
        for path in paths[:_TOLD]
    ]
    return [*lines, *verdict(paths, asked_mhz)]


def verdict(paths: Sequence[LayerTiming], asked_mhz: float) -> list[str]:
    """Return which layer limits the clock and to how much, and what helps if that is too little."""
    worst = paths[0]
    limit = (
        f"{worst.name} limits the clock: about {worst.clock_mhz:.0f} MHz before placement, "
        f"{asked_mhz:g} MHz asked for"
    )
    return [limit] if worst.clock_mhz >= asked_mhz else [limit, _remedy(worst, asked_mhz)]


def _remedy(worst: LayerTiming, asked_mhz: float) -> str:
    """Return what shortens the longest path."""
    place = (
        f"lies inside of {worst.name}"
        if worst.source == worst.name
        else f"crosses the seam of {worst.source} and {worst.name}"
    )
    if asked_mhz <= PLAIN_MHZ:
        return (
            f"the path {place}: compile with --clock-mhz above {PLAIN_MHZ:g}, which puts "
            "flip-flops between the parts of the shell and at the streams of slow matrix units"
        )
    if worst.name == SHELL:
        return f"the path {place}, which is the same for all: lower the clock"
    return f"the path {place}: fold it more, so that it computes less at once, or lower the clock"

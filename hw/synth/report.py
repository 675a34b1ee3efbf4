# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Resources of an accelerator, layer by layer, beside FINN's estimates and the part's capacity."""

import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from functools import reduce
from operator import add
from pathlib import Path

import hw
from hw.accelerator import Accelerator, Estimate, Fifo, Layer
from hw.build import BuildStore
from hw.errors import HardwareError
from hw.parts import Family, Part
from hw.synth.resources import Resources
from hw.synth.yosys import SynthesisJob, run_job

__all__ = [
    "WEIGHTED",
    "Finished",
    "LayerResources",
    "SynthesisReport",
    "layer_job",
    "synthesize",
]

# Modules that stand in for FINN's where Yosys cannot read them, or finds no shift registers.
_OURS = {path.name: path for path in (Path(hw.__file__).parent / "rtl" / "synth").glob("*.sv")}
WEIGHTED = "_with_weights"  # the end of a module's name: a matrix unit and its memory


@dataclass(frozen=True)
class Finished:
    """A layer, or several equal ones, that synthesis is done with.

    Attributes:
        names: of the layers and FIFOs.
        resources: of each of them.
        done: layers and FIFOs that are finished.
        total: all of them.
    """

    names: tuple[str, ...]
    resources: Resources
    done: int
    total: int


Progress = Callable[[Finished], None]


@dataclass(frozen=True, kw_only=True)
class LayerResources:
    """One row of the report: a layer with its weight memory, a width converter or a FIFO."""

    name: str
    op_type: str
    resources: Resources
    estimate: Estimate  # FINN's


@dataclass(frozen=True, kw_only=True)
class SynthesisReport:
    """Resources of all layers in stream order, then all FIFOs."""

    part: Part
    layers: tuple[LayerResources, ...]

    @property
    def total(self) -> Resources:
        """Return the sum over all rows; the top itself holds wires only."""
        return reduce(add, (layer.resources for layer in self.layers), Resources.none())


def synthesize(
    accelerator: Accelerator,
    *,
    build_dir: Path,
    progress: Progress | None = None,
    jobs: int | None = None,
    timeout_s: float = 600,
) -> SynthesisReport:
    """Synthesise each layer and FIFO out of context; equal ones once, known ones from cache.

    Args:
        accelerator: what to synthesise.
        build_dir: results and logs, by content; can be shared by accelerators.
        progress: called after each finished layer.
        jobs: layers at a time; None for one a core of this process.
        timeout_s: limit for one layer.

    Raises:
        HardwareError: a family that Yosys does not know, or a layer that it cannot synthesise
            (names its log).
    """
    part = accelerator.manifest.device
    _refuse_family(part)
    items: list[Layer | Fifo] = [*accelerator.manifest.layers, *accelerator.manifest.fifos]
    wanted = {item.name: layer_job(accelerator, item, part) for item in items}
    parallel = jobs or len(os.sched_getaffinity(0))
    found = _run_all(wanted, BuildStore(build_dir), progress, parallel, timeout_s)
    rows = (
        LayerResources(
            name=item.name,
            op_type=item.op_type if isinstance(item, Layer) else "StreamingFIFO_rtl",
            resources=found[item.name],
            estimate=item.estimate,
        )
        for item in items
    )
    return SynthesisReport(part=part, layers=tuple(rows))


def _refuse_family(part: Part) -> None:
    if part.family is Family.VERSAL:
        raise HardwareError(
            f"synthesis for {part.name}: Yosys has no {part.family.value} devices; the estimates "
            "of the manifest remain, or give a part of another family"
        )


def layer_job(accelerator: Accelerator, item: Layer | Fifo, part: Part) -> SynthesisJob:
    """Return what Yosys is to do for a layer or a FIFO."""
    if isinstance(item, Fifo):
        return SynthesisJob(
            top="fifo",
            sources=(_OURS["fifo.sv"],),
            family=part.family.value,
            parameters={
                "DEPTH": item.depth,
                "DATA_WIDTH": item.width_bits,
                "RAM_STYLE": item.ram_style,
            },
        )
    # The matrix unit waits in an initial block, which synthesis has to skip; its weight memory is
    # filled by one. The unit itself holds no memory with contents.
    weighted = item.module.endswith(WEIGHTED)
    return SynthesisJob(
        top=item.module,
        sources=tuple(_OURS.get(path.name, path) for path in accelerator.paths(item.sources)),
        family=part.family.value,
        cores=(item.module.removesuffix(WEIGHTED),) if weighted else (),
        base_dir=accelerator.folder,
        memory=item.memory,
        instance=item.name,
    )


def _run_all(
    jobs: Mapping[str, SynthesisJob],
    store: BuildStore,
    progress: Progress | None,
    parallel: int,
    timeout_s: float,
) -> dict[str, Resources]:
    """Return the resources by name; names with equal jobs share one run."""
    names: dict[str, list[str]] = {}
    for name, job in jobs.items():
        names.setdefault(job.plan().digest, []).append(name)
    results: dict[str, Resources] = {}
    with ThreadPoolExecutor(parallel) as pool:
        runs = {
            pool.submit(run_job, jobs[same[0]], store, timeout_s=timeout_s): same
            for same in names.values()
        }
        try:
            for run in as_completed(runs):
                found, same = run.result(), runs[run]
                results |= dict.fromkeys(same, found)
                if progress is not None:
                    progress(Finished(tuple(same), found, len(results), len(jobs)))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            store.runner.stop()
            raise
    return results

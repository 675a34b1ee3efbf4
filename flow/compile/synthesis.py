# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Synthesis of an accelerator as every command does it: cached for the machine, layer by layer."""

from functools import reduce
from operator import add

from flow.compile.result_folder import in_cache
from flow.progress import banner, meter
from hw.accelerator import Accelerator, Fifo, Layer
from hw.build import BuildStore
from hw.synth import Finished, Resources, SynthesisReport, synthesize
from hw.synth.report import layer_job
from hw.synth.yosys import run_job

__all__ = ["known_synthesis", "synthesize_shown"]


def synthesize_shown(accelerator: Accelerator, *, timeout_s: float = 600) -> SynthesisReport:
    """Synthesise each layer and FIFO; say on stderr what each one takes.

    Results are kept in the user's cache folder by content, so that a layer which any earlier
    command has seen takes no time, whatever network it was in.

    Args:
        accelerator: what to synthesise.
        timeout_s: limit for one layer.

    Raises:
        FlowError: the cache folder's disk is full or refuses.
        HardwareError: an unknown part, or a layer that Yosys cannot synthesise (names its log).
    """
    with in_cache("synth") as build_dir, meter("synthesis", unit="modules") as report:

        def progress(finished: Finished) -> None:
            banner(_line(finished))
            report(finished.done, finished.total)

        return synthesize(accelerator, build_dir=build_dir, progress=progress, timeout_s=timeout_s)


def known_synthesis(accelerator: Accelerator) -> Resources | None:
    """Return what Yosys has counted of an accelerator; None where a layer was not synthesised yet.

    Raises:
        FlowError: the cache folder's disk is full or refuses.
    """
    about = accelerator.manifest
    items: list[Layer | Fifo] = [*about.layers, *about.fifos]
    with in_cache("synth") as build_dir:
        store = BuildStore(build_dir)
        jobs = [layer_job(accelerator, item, about.device) for item in items]
        if not jobs or any(store.find(job.plan()) is None for job in jobs):
            return None
        return reduce(add, (run_job(job, store) for job in jobs))


def _line(finished: Finished) -> str:
    name, *equal = finished.names
    names = f"{name} and {len(equal)} equal" if equal else name
    found = finished.resources
    return (
        f"  [{finished.done}/{finished.total}] {names}: {found.lut} LUT, {found.ff} FF, "
        f"{found.dsp} DSP, {found.bram36:g} BRAM"
    )

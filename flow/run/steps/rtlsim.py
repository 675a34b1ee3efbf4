# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Simulate the stitched RTL on the images that the attack step kept, clean and after attack."""

from dataclasses import asdict
from pathlib import Path

import numpy as np

from flow.compile import RtlRun, check_in_rtl
from flow.integer import IntegerNetwork
from flow.report.schema import Comparison, Speed
from flow.run.compiled import network_files
from flow.run.examples import EXAMPLES_FILE, load_examples
from flow.run.pipeline import Context, Settings, Step
from flow.run.results import Simulated
from hw.accelerator import Accelerator

__all__ = ["RtlsimStep"]


class RtlsimStep(Step):
    """accelerator/, network.npz, attack's examples.npz -> rtlsim.json."""

    name = "rtlsim"
    version = 3
    needs = ("compile", "attack")
    tools = ("verilator",)

    def settings(self, context: Context) -> Settings:
        """Return how many images; which they are the attack step says."""
        return {"images": context.config.rtlsim.images}

    def inputs(self, context: Context) -> list[Path]:
        """Return the accelerator, the network and the images; other attacks change nothing here."""
        compiled, attacked = super().inputs(context), context.folder("attack")
        return [
            path
            for path in compiled
            if not path.is_relative_to(attacked) or path.name == EXAMPLES_FILE
        ]

    def run(self, context: Context, folder: Path, scratch: Path) -> None:  # noqa: ARG002
        """Compare every logit with the integer network's; a difference stops the run."""
        name = context.config.deployed
        examples = load_examples(context.folder("attack"))
        images = np.concatenate([examples.clean, examples.attacked[name]])
        run = check_in_rtl(
            Accelerator.load(context.folder("compile") / "accelerator"),
            IntegerNetwork.load(network_files(context)[name]),
            images,
            build_dir=context.cache("verilator"),
            processes=1,
        )
        assert run.agreement is not None, "it was compared"
        Simulated(
            integer_vs_rtlsim=Comparison(**asdict(run.agreement)),
            hardware=_speed(run),
            simulated_cycles=run.simulated.cycles_total,
            cycles_per_second=run.simulated.cycles_per_second,
        ).save(folder)


def _speed(run: RtlRun) -> Speed:
    manifest, interval = run.accelerator.manifest, run.cycles_per_frame
    return Speed(
        part=manifest.part,
        clock_mhz=manifest.clock_mhz,
        cycles_per_frame_predicted=manifest.cycles_per_frame_predicted,
        cycles_per_frame_measured=interval,
        initiation_interval_cycles=interval,
        latency_cycles=run.simulated.latency_cycles,
        frames_per_second=run.frames_per_second,
    )

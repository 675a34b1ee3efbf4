# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Simulate the stitched RTL on test images, clean and after attack."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from flow.attacks import build_attack
from flow.classifier import Images
from flow.compile import RtlRun, check_in_rtl
from flow.data.datasets import data_files, first_test_images, load_dataset
from flow.evaluation.evaluator import evaluate
from flow.integer import IntegerNetwork
from flow.progress import meter
from flow.run.pipeline import Context, Settings, Step
from flow.storage.records import write_json
from flow.threads import one_thread
from hw.accelerator import Accelerator

__all__ = ["RtlsimStep"]


class RtlsimStep(Step):
    """accelerator/, robust.npz -> rtlsim.json, adversarial.npy."""

    name = "rtlsim"
    version = 2
    needs = ("compile",)
    tools = ("verilator",)

    def settings(self, context: Context) -> Settings:
        """Return the images and the attack on them."""
        config = context.config
        return {
            "data": config.data,
            "rtlsim": config.rtlsim,
            "attack": {"steps": config.attack.steps, "restarts": config.attack.restarts},
            "seed": config.seed,
        }

    def needed_files(self, context: Context) -> Sequence[Path]:
        """Return the data set's files."""
        return data_files(context.config.data, context.data)

    def run(self, context: Context, folder: Path, scratch: Path) -> None:  # noqa: ARG002
        """Compare every logit with the integer network's; a difference stops the run."""
        accelerator = Accelerator.load(context.folder("compile") / "accelerator")
        network = IntegerNetwork.load(context.folder("compile") / "robust.npz")
        images = _images(context, network)
        np.save(folder / "adversarial.npy", images[len(images) // 2 :])
        run = check_in_rtl(
            accelerator, network, images, build_dir=context.cache("verilator"), processes=1
        )
        assert run.agreement is not None, "it was compared"
        findings = {
            "integer_vs_rtlsim": asdict(run.agreement),
            "hardware": _speed(run),
            "simulated_cycles": run.simulated.cycles_total,
            "cycles_per_second": run.simulated.cycles_per_second,
        }
        write_json(folder / "rtlsim.json", findings)


def _images(context: Context, network: IntegerNetwork) -> Images:
    """Return the first test images, then the same images after PGD on the integer network."""
    config = context.config
    dataset = load_dataset(config.data, context.data)
    clean, labels = first_test_images(dataset, config.rtlsim.images, "rtlsim.images")
    attack = build_attack("pgd", steps=config.attack.steps, restarts=config.attack.restarts)
    with one_thread(), meter("pgd on the images to simulate", unit="images") as report:
        attacked = evaluate(
            network,
            clean,
            labels,
            attack,
            config.rtlsim.epsilon_255,
            seed=config.seed,
            network="robust",
            progress=report,
        )
    return np.concatenate([clean, attacked.adversarial])


def _speed(run: RtlRun) -> dict[str, Any]:
    manifest, interval = run.accelerator.manifest, run.cycles_per_frame
    return {
        "part": manifest.part,
        "clock_mhz": manifest.clock_mhz,
        "cycles_per_frame_predicted": manifest.cycles_per_frame_predicted,
        "cycles_per_frame_measured": interval,
        "initiation_interval_cycles": interval,
        "latency_cycles": run.simulated.latency_cycles,
        "frames_per_second": run.frames_per_second,
    }

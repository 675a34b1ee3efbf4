# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The accelerator of a zoo network, for its card; `steelflow zoo build NAME` measures it."""

import tempfile
from pathlib import Path

from brevitas_models.model_card import HardwareFigures
from brevitas_models.pretrained import FOLDER, card, load
from flow.data.datasets import first_test_images
from flow.errors import SettingError
from flow.zoo import hardware_figures
from flow.zoo import networks as zoo
from flow.zoo.entry import Target

__all__ = ["build"]


def build(
    name: str, target: Target, data: Path | None, *, folder: Path = FOLDER
) -> HardwareFigures:
    """Compile a trained network, send test images through its RTL and synthesise it.

    Args:
        name: of the network.
        target: what it is folded for, and how many images its RTL sees.
        data: folder of the data sets.
        folder: of the network's files.

    Raises:
        ModelError: there is no network of that name, or its files are missing or damaged.
        FlowError: the data are missing or too few; a layer cannot become hardware.
        HardwareError: an unknown part; a tool is missing or fails.
    """
    if target.images < 2:
        raise SettingError(f"images {target.images}: give at least 2, for a frame rate", "images")
    found, network = card(name, folder), load(name, folder)
    images, _ = first_test_images(zoo.dataset_of(found.data, data), target.images, "images")
    with tempfile.TemporaryDirectory(prefix="steelflow-zoo-") as scratch:
        measured = hardware_figures.measure(name, network, target, images, Path(scratch))
    manifest, total = measured.manifest, measured.synthesis.total
    return HardwareFigures(
        part=manifest.part,
        clock_mhz=manifest.clock_mhz,
        lut=total.lut,
        ff=total.ff,
        dsp=total.dsp,
        bram36=total.bram36,
        frames_per_second=round(measured.frames_per_second, 1),
        latency_us=round(measured.run.simulated.latency_cycles / manifest.clock_mhz, 2),
        measured=f"resources by Yosys, not placed; frames/s and latency by RTL simulation of "
        f"{len(images)} test images, whose logits are those of the integer network",
    )

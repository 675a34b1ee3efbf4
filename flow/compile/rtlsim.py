# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Images from a file through the RTL of an accelerator folder."""

from pathlib import Path

from flow.compile.check import RtlRun, check_in_rtl, run_rtl
from flow.compile.opening import open_accelerator
from flow.compile.result_folder import in_cache
from flow.engines.simulation import as_pixels, read_images, write_logits
from flow.errors import FlowError, SettingError

__all__ = ["simulate_folder"]


def simulate_folder(
    folder: Path | str, images: Path | str, output: Path | str | None = None
) -> RtlRun:
    """Simulate an accelerator, and compare with its network where that lies beside it.

    Args:
        folder: as for open_accelerator.
        images: .npy of images, as for simulate.
        output: .npy file that gets the integer logits int32[N, K], or the labels int32[N, 1].

    Raises:
        FlowError: a file that cannot be used, or logits that differ from the network's.
        HardwareError: a damaged accelerator, or a simulation that stalls.
    """
    target = None if output is None else Path(output)
    if target is not None and (target.is_dir() or not target.parent.is_dir()):
        raise SettingError(f"output {target}: is no file in a folder that is there", "output")
    opened = open_accelerator(folder)
    given = opened.accelerator.manifest.input
    pixels = as_pixels(read_images(images), given.shape, given.preprocessing)
    if not len(pixels):
        raise FlowError(f"{images}: holds no images; give at least one")
    with in_cache("verilator") as build_dir:
        if opened.network is None:
            run = run_rtl(opened.accelerator, pixels, build_dir=build_dir)
        else:
            run = check_in_rtl(opened.accelerator, opened.network, pixels, build_dir=build_dir)
    if target is not None:
        write_logits(target, run.simulated.logits)
    return run

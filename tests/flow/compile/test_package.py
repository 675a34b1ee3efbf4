# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Folders for boards."""

import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from hashing_kernel import write_hashing_kernel
from virtual_board import GEOMETRY

from flow.classifier import Images, Logits
from flow.compile.opening import OpenedAccelerator
from flow.compile.package import BOARDS, write_package
from flow.errors import FlowError
from hw.runner.package import Package


class _Network:
    """What the stand-in for an accelerator computes."""

    def logits(self, images: Images) -> Logits:
        return GEOMETRY.results(images.reshape(len(images), -1))


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> OpenedAccelerator:
    """An accelerator that is quick to compile."""
    kernel = write_hashing_kernel(GEOMETRY, tmp_path_factory.mktemp("package"))
    return OpenedAccelerator(kernel.accelerator, cast(Any, _Network()))


def _noise(opened: OpenedAccelerator, count: int) -> Images:
    shape = (count, *opened.accelerator.manifest.input.shape)
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.slow
def test_the_virtual_board_checks_itself(opened: OpenedAccelerator, tmp_path: Path) -> None:
    folder = write_package(
        opened, _noise(opened, 9), tmp_path / "p", board="virtual", build_dir=tmp_path / "build"
    )
    done = subprocess.run(
        [sys.executable, "-m", "runner", "check", "."],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "9 of 9 images exact" in done.stdout


@pytest.mark.parametrize("board", [name for name in BOARDS if name != "virtual"])
def test_a_board_gets_the_width_of_its_port(
    board: str, opened: OpenedAccelerator, tmp_path: Path
) -> None:
    folder = write_package(
        opened, _noise(opened, 2), tmp_path / "p", board=board, build_dir=tmp_path
    )
    package = Package.load(folder)
    names = {"zynq": "hashing_kernel", "alveo": "kernel_ip", "uart": "/dev/ttyUSB0"}
    assert (package.backend, package.kernel) == (BOARDS[board].backend, names[package.backend])
    assert package.product.name == BOARDS[board].product
    assert f'"data_bits": {BOARDS[board].data_bits}' in (folder / "kernel.json").read_text()


def test_what_cannot_be_packaged_is_told(opened: OpenedAccelerator, tmp_path: Path) -> None:
    alone = OpenedAccelerator(opened.accelerator, None)
    for what, count, board, message in (
        (opened, 1, "pynq_z2", r"board 'pynq_z2' is not known; did you mean 'pynq-z2'"),
        (alone, 1, "virtual", "has no network beside it"),
        (opened, 0, "virtual", "no images for the check on the board"),
    ):
        with pytest.raises(FlowError, match=message):
            write_package(
                what, _noise(opened, count), tmp_path / "p", board=board, build_dir=tmp_path
            )

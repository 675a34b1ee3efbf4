# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""`steelflow bench kernel`: a compiled network on the virtual board."""

from pathlib import Path

import numpy as np
import pytest
from hashing_kernel import Geometry, write_hashing_kernel

from flow.bench.kernel_figures import Port, Subject, from_folder, kernel_row
from flow.classifier import Images, Logits
from flow.cli import main
from flow.errors import FlowError
from hw.errors import HardwareError

GEOMETRY = Geometry(in_bytes=8, frame_beats=8, out_beats=5, value_bits=11)
PORT = Port(data_bits=128, latency_cycles=(40, 200))


class _Hashing:
    """What the stand-in for an accelerator computes."""

    input_shape, classes = (8, 1, 8), 5

    def __init__(self, error: int) -> None:
        self.error = error

    def logits(self, images: Images) -> Logits:
        """Return the logits; too large by an error in the first of each image."""
        found = GEOMETRY.results(images.reshape(len(images), -1))
        found[:, 0] += self.error
        return found


@pytest.mark.slow
@pytest.mark.parametrize("error", [0, 1])
def test_logits_that_differ_are_counted(error: int, tmp_path: Path) -> None:
    kernel = write_hashing_kernel(GEOMETRY, tmp_path)
    tests = np.random.default_rng(1).integers(0, 256, (20, 8, 1, 8), dtype=np.uint8)
    subject = Subject("hashing", _Hashing(error), kernel.accelerator, tests)  # type: ignore[arg-type]
    row = kernel_row(subject, 50, PORT, tmp_path / "bench", tmp_path / "programs")
    assert (row["images"], row["of_noise"]) == (50, 30)
    assert row["logits_differ"] == 50 * error
    assert row["interval_cycles"] < row["cycles_per_image"]


def test_an_accelerator_without_its_network_is_refused(tmp_path: Path) -> None:
    write_hashing_kernel(GEOMETRY, tmp_path)
    with pytest.raises(FlowError, match="has no network beside its accelerator; name the folder"):
        from_folder(tmp_path / "accelerator", "digits", None)


def test_a_port_of_no_board_is_refused(tmp_path: Path) -> None:
    kernel = write_hashing_kernel(GEOMETRY, tmp_path)
    subject = Subject("hashing", _Hashing(0), kernel.accelerator, np.zeros((9, 8, 1, 8), np.uint8))  # type: ignore[arg-type]
    with pytest.raises(HardwareError, match="data_bits 24 is none of 64, 128, 256, 512"):
        kernel_row(subject, 9, Port(data_bits=24, latency_cycles=(1, 2)), tmp_path, tmp_path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--models", "lenet"], "--models lenet: unknown; known here: "),
        (["--images", "2"], "--images 2: give at least 3, for the cycles of one more"),
        (["--latency", "9", "3"], "--latency 9 3: is no range; give two numbers from 0"),
        (["--models", "--folders", "nowhere"], "nowhere: holds no accelerator"),
    ],
)
def test_bad_options_are_refused(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "kernel", *arguments]) == 2
    assert message in capsys.readouterr().err

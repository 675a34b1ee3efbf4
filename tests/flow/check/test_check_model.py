# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""`steelflow check MODEL.onnx`, by the command line and with the real tools."""

import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
from qonnx_models import tiny_qonnx

from flow.cli import main
from flow.lowering import lower

FILES = ["--images", "images.npy", "--labels", "labels.npy"]


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model, and 40 images of which it gets 36 right."""
    monkeypatch.chdir(tmp_path)
    model = tiny_qonnx()
    model.save("model.onnx")
    network = lower(model).network
    images = np.random.default_rng(0).integers(0, 256, (40, *network.input_shape), dtype=np.uint8)
    labels = network.logits(images).argmax(axis=1)
    labels[:4] = (labels[:4] + 1) % network.classes
    np.save("images.npy", images)
    np.save("labels.npy", labels)


def test_figures_that_hold_give_0(capsys: pytest.CaptureFixture[str]) -> None:
    limits = ["--min-accuracy", "0.9", "--min-robust", "0.1", "--epsilon", "1"]
    assert main(["check", "model.onnx", *limits, *FILES]) == 0
    accuracy, robust = capsys.readouterr().out.splitlines()
    assert accuracy.startswith(
        "ok     accuracy 0.9000 of the images, at least 0.9000 asked for (36"
    )
    assert robust.startswith("ok     robust 0.")
    assert "apgd_ce, apgd_dlr, pgd, square within 1/255; " in robust


def test_a_figure_that_falls_short_gives_1_and_is_in_the_file(
    capsys: pytest.CaptureFixture[str],
) -> None:
    limits = ["--min-accuracy", "0.95", "--junit", "check.xml"]
    assert main(["check", "model.onnx", *limits, *FILES]) == 1
    assert "FAILED accuracy 0.9000 of the images, at least 0.9500 asked for: 0.0500 too lit" in (
        capsys.readouterr().out
    )
    assert ET.parse("check.xml").getroot().attrib["failures"] == "1"


def test_only_so_many_images_are_attacked(capsys: pytest.CaptureFixture[str]) -> None:
    limits = ["--min-robust", "0.1", "--epsilon", "0", "--attacked", "8"]
    assert main(["check", "model.onnx", *limits, *FILES]) == 0
    assert "4 of 8 images, 95% interval" in capsys.readouterr().out


@pytest.mark.slow
def test_the_accelerator_is_measured(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "model.onnx", "--min-fps", "1000", "--max-lut", "10"]) == 1
    fps, lut = capsys.readouterr().out.splitlines()
    assert fps.startswith("ok     fps ")
    assert "RTL simulation, xc7z020clg400-1 at 100 MHz" in fps
    assert lut.startswith("FAILED lut ")
    assert Path("build/model/accelerator/manifest.json").is_file()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "check: no limit is given; give one at least (--max-lut, --min-fps, --min-accuracy,"),
        (["--min-accuracy", "95"], "--min-accuracy 95.0: is no share; give 0 to 1 (95% is 0.95)"),
        (["--min-accuracy", ".5"], "no images; give images with their labels, or a data set (--im"),
        (["--min-accuracy", ".5", FILES[0], FILES[1]], "images and labels are one set; give both"),
        (
            ["--min-accuracy", ".5", *FILES, "--dataset", "digits"],
            "check: images and a data set are given; give one (--images, --dataset)",
        ),
        (["--min-accuracy", ".5", "--dataset", "digits"], "images: shape (360, 8, 8, 1) is not (N"),
        (
            ["--min-accuracy", ".5", "--dataset", "mnis"],
            "data.source: 'mnis' is unknown; did you mean 'mnist'? ",
        ),
        (
            ["--min-accuracy", ".5", "--images", "images.npy", "--labels", "images.npy"],
            "--labels images.npy: holds uint8 of shape (40, 6, 6, 1), not one integer for each of",
        ),
        (["--min-robust", ".5"], "min_robust and epsilon_255 say nothing without one another; gi"),
        (["--min-robust", ".5", "--epsilon", "300"], "--epsilon 300: give 0 to 255"),
        (
            ["--min-robust", ".5", "--epsilon", "3", "--attacked", "0", *FILES],
            "--attacked 0: give at least 1 image",
        ),
        (
            ["--max-lut", "1", "--junit", "none/x.xml"],
            "--junit none/x.xml: there is no folder",
        ),
        (["--max-lut", "1", "--junit", "."], "--junit .: is a folder; name a file"),
    ],
)
def test_bad_input_gives_2_and_one_line(
    options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "model.onnx", *options]) == 2
    said = capsys.readouterr()
    assert message in said.err
    assert said.err.count("\n") == 1
    assert not said.out


@pytest.mark.parametrize(("label", "shown"), [(5, 5), (-1, -1)])
def test_a_label_that_is_no_class_is_refused(
    label: int, shown: int, capsys: pytest.CaptureFixture[str]
) -> None:
    np.save("labels.npy", np.full(40, label))
    assert main(["check", "model.onnx", "--min-accuracy", ".5", *FILES]) == 2
    assert f"--labels: {shown} is not a class 0..4 of the model" in capsys.readouterr().err


def test_no_images_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    np.save("images.npy", np.load("images.npy")[:0])
    np.save("labels.npy", np.load("labels.npy")[:0])
    assert main(["check", "model.onnx", "--min-accuracy", ".5", *FILES]) == 2
    assert "check: there are 0 images; give at least one (--images)" in capsys.readouterr().err

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""`steelflow certify` on a small integer network and images in MNIST's files."""

import json
from pathlib import Path

import numpy as np
import pytest
from bar_images import write_mnist
from quantized_digits import digits_network

from brevitas_models.pretrained import card, load, save
from flow.cli import main
from flow.data.datasets import Dataset

NAME = "mnist-tfc-w2a2-robust"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Noise as MNIST's files, and a copy of a network of the zoo with its card."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (12, 28, 28, 1)).astype(np.uint8)
    labels = rng.integers(0, 10, 12)
    write_mnist(Dataset("mnist", images, labels, images, labels, classes=10), tmp_path)
    save(load(NAME), card(NAME), tmp_path)
    return tmp_path


def certify(folder: Path, *options: str) -> int:
    places = ["--folder", str(folder), "--data", str(folder)]
    return main(["certify", NAME, *places, *options])


def test_a_file_is_written_printed_checked_and_put_into_the_card(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = folder / "found.jsonl"
    options = ["--epsilon", "1", "--images", "12", "--output", str(file), "--write"]
    assert certify(folder, *options) == 0
    assert "on 12 images" in capsys.readouterr().out
    answers = [json.loads(line)["answer"] for line in file.read_text().splitlines()[1:]]
    figures = card(NAME, folder).certified
    assert figures is not None
    assert figures.certified == round(answers.count("robust") / 12, 4)
    assert (figures.images, figures.epsilon_255, figures.norm) == (12, 1, "linf")
    assert certify(folder, "--check", str(file)) == 0
    assert "counterexample replayed" in capsys.readouterr().out


def test_a_wrong_certificate_is_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = folder / "found.jsonl"
    assert certify(folder, "--epsilon", "1", "--images", "2", "--output", str(file)) == 0
    lines = file.read_text().splitlines()
    entry = json.loads(lines[1]) | {"label": 11}
    file.write_text("\n".join([lines[0], json.dumps(entry)]) + "\n")
    assert certify(folder, "--check", str(file)) == 2
    assert "line 2: label 11 is not within 0..9; certify again" in capsys.readouterr().err


def test_without_a_radius_nothing_is_certified(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert certify(folder) == 2
    assert "there is no --epsilon" in capsys.readouterr().err


def test_a_file_needs_a_data_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    digits_network().save(tmp_path / "network.npz")
    assert main(["certify", str(tmp_path / "network.npz"), "--epsilon", "1"]) == 2
    assert "a file names no images; give --dataset" in capsys.readouterr().err


def test_a_file_is_certified_on_a_data_set(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    digits_network().save(tmp_path / "network.npz")
    options = ["--epsilon", "1", "--images", "5", "--dataset", "digits", "--nodes", "2000"]
    assert main(["certify", str(tmp_path / "network.npz"), *options]) == 0
    assert "on 5 images" in capsys.readouterr().out

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Counterexamples of certificates, shown to the RTL."""

import json
from pathlib import Path

import numpy as np
import pytest
from conftest import Built

from flow.certify.counterexamples import read_counterexamples
from flow.certify.run import certify
from flow.certify.settings import CertifySettings
from flow.certify.verdict import Answer
from flow.cli import main
from flow.errors import FlowError
from flow.integer import IntegerNetwork


@pytest.fixture(scope="module")
def certificates(built: Built, tmp_path_factory: pytest.TempPathFactory) -> Path:
    network = IntegerNetwork.load(built.folder / "network.npz")
    file = tmp_path_factory.mktemp("replay") / "found.jsonl"
    shape = (24, *network.input_shape)
    images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    labels = network.logits(images).argmax(axis=1).astype(np.int64)
    labels[0] = (labels[0] + 1) % network.classes  # wrong as it is
    settings = CertifySettings(epsilon_255=60, flips=200, nodes=0)
    verdicts = certify(network, images, labels, settings, file=file)
    assert sum(one.answer is Answer.ADVERSARIAL for one in verdicts) > 4
    return file


def test_the_rtl_gets_them_wrong_too(
    built: Built,
    certificates: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    held = read_counterexamples(certificates, 1000).held
    assert main(["rtlsim", str(built.folder), str(certificates), "--sample", "3"]) == 0
    said = capsys.readouterr().out
    assert f"the RTL gets 3 of {held} counterexamples wrong, as certified" in said


def test_an_image_that_the_rtl_gets_right_is_no_counterexample(
    built: Built,
    certificates: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    header, *lines = certificates.read_text().splitlines()
    entry = next(json.loads(line) for line in lines if "adversarial" in line)
    network = IntegerNetwork.load(built.folder / "network.npz")
    image = read_counterexamples(certificates, 1000).images[:1]
    entry["label"] = int(network.logits(image).argmax())
    planted = tmp_path / "planted.jsonl"
    planted.write_text(f"{header}\n{json.dumps(entry)}\n")
    assert main(["rtlsim", str(built.folder), str(planted)]) == 2
    assert f"the RTL gives test image {entry['index']} its label" in capsys.readouterr().err
    other = tmp_path / "other.jsonl"
    other.write_text(f"{json.dumps(json.loads(header) | {'network_sha256': '0'})}\n{lines[0]}\n")
    assert main(["rtlsim", str(built.folder), str(other)]) == 2
    assert "is of another network than" in capsys.readouterr().err


def test_what_is_read_is_spread_over_the_file(certificates: Path, tmp_path: Path) -> None:
    every = read_counterexamples(certificates, 1000)
    some = read_counterexamples(certificates, 2)
    assert some.indices.tolist() == [every.indices[0], every.indices[-1]]
    np.testing.assert_array_equal(some.images, every.images[[0, -1]])
    assert len(every.images) == every.held > some.held - 1
    empty = tmp_path / "none.jsonl"
    empty.write_text(certificates.read_text().splitlines()[0] + "\n")
    for file, said in ((empty, "there is no counterexample"), (tmp_path / "x", "cannot be read")):
        with pytest.raises(FlowError, match=said):
            read_counterexamples(file, 3)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--sample", "0"], "is not at least 1"),
        (["--output", "x.npy"], "is for images"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    built: Built,
    certificates: Path,
    options: list[str],
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["rtlsim", str(built.folder), str(certificates), *options]) == 2
    assert said in capsys.readouterr().err

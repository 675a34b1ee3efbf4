# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What `steelflow compile MODEL.onnx` leaves, and what synth and rtlsim make of it."""

import json
import shutil
from contextlib import redirect_stderr
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import Built
from qonnx.core.modelwrapper import ModelWrapper

from flow.cli import main
from flow.compile import compile_config
from flow.dataflow import fold, folding_of
from flow.integer import IntegerNetwork
from hw.accelerator import Accelerator
from hw.parts import find_part

pytestmark = pytest.mark.slow

IMAGES = np.random.default_rng(3).integers(0, 256, (4, 6, 6, 1), dtype=np.uint8)


def _json(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def test_a_model_becomes_a_checked_accelerator(built: Built) -> None:
    record = _json(built.folder / "compile.json")
    assert record["integer_vs_rtlsim"] == {"images": 3, "labels_differ": 0, "logits_differ": 0}
    assert record["memory_words_proven"] > 500
    assert record["cycles_measured"] == record["cycles_predicted"]
    assert Accelerator.load(str(built.folder / "accelerator")).manifest.part == "xc7z020clg400-1"
    assert IntegerNetwork.load(str(built.folder / "network.npz")).classes == 5
    assert "$var wire" in built.waves.read_text()
    assert not (built.folder / ".work").exists()


def test_it_says_what_it_assumed_and_found(built: Built) -> None:
    assert built.lines[0].startswith("note: input 'images': taken as 0..255")
    flags = "note: --pixel-scale, --mean, --std would change the answer"
    assert any(line.startswith(flags) for line in built.lines)
    (checked,) = (line for line in built.lines if "through the RTL" in line)
    assert any("weights, thresholds and constants read back" in line for line in built.lines)
    assert checked.startswith("3 images through the RTL, 0 logits differ; ")


def test_it_ends_with_a_table_of_the_part(built: Built) -> None:
    head, yosys, packed, guess, holds, last = built.lines[-6:]
    assert head.split() == ["LUT", "FF", "DSP", "BRAM36"]
    resources, part = _json(built.folder / "synth.json")["resources"], find_part("xc7z020")
    share = f"{100 * resources['lut'] / part.lut:.1f}%"
    assert yosys.split()[:4] == ["by", "Yosys", f"{resources['lut']:,}", share]
    assert packed.split()[4] == f"{resources['lut_packed']:,}"
    assert resources["lut"] / 2 <= resources["lut_packed"] <= resources["lut"]
    assert guess.split()[:2] == ["by", "estimate"]
    assert holds.split()[2:] == ["53,200", "106,400", "220", "140"]
    assert last == f"compile: {built.folder}"


def test_synth_of_the_folder_counts_the_same(
    built: Built, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for place in (built.folder, built.folder / "accelerator"):
        assert main(["synth", str(place), "--json", str(tmp_path / "found.json")]) == 0
        assert _json(tmp_path / "found.json") == _json(built.folder / "synth.json")
        assert "MVAU_rtl_0 " in capsys.readouterr().out


def test_rtlsim_of_the_folder_gives_the_integers(
    built: Built, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    images, output = tmp_path / "images.npy", tmp_path / "logits.npy"
    np.save(images, IMAGES)
    assert main(["rtlsim", str(built.folder), str(images), "--output", str(output)]) == 0
    network = IntegerNetwork.load(built.folder / "network.npz")
    np.testing.assert_array_equal(np.load(output), network.logits(IMAGES))
    out = capsys.readouterr().out
    assert "0 logits differ from the integers" in out
    assert f"scale: {network.scale!r} offset: {network.offset!r}" in out


def test_an_accelerator_alone_can_be_simulated(
    built: Built, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alone, images = tmp_path / "alone", tmp_path / "images.npy"
    shutil.copytree(built.folder / "accelerator", alone)
    np.save(images, IMAGES / 1.0)  # the model's own input, which is the pixel
    assert main(["rtlsim", str(alone), str(images)]) == 0
    assert "differ" not in capsys.readouterr().out


def test_a_written_folding_can_be_given_back(built: Built, tiny_dataflow: ModelWrapper) -> None:
    path = built.folder / "folding.json"
    again, cycles = fold(tiny_dataflow, compile_config(folding=path))
    assert folding_of(again) == _json(path)["folding"]
    assert max(cycles.values()) <= max(_json(path)["cycles"].values())


def test_an_edited_folding_is_kept(
    built: Built, tiny_dataflow: ModelWrapper, tmp_path: Path
) -> None:
    found = _json(built.folder / "folding.json")
    for layer in found["folding"].values():
        layer |= {"pe": 1, "simd": 3 if layer["simd"] % 3 == 0 else 1}
    (path := tmp_path / "folding.json").write_text(json.dumps(found))
    again, _ = fold(tiny_dataflow, compile_config(folding=path))
    assert folding_of(again) == found["folding"]


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


REFUSED = [
    (["rtlsim", "{}"], r"no images; name an .npy file after the folder"),
    (["rtlsim", "{}", "none.npy"], "none.npy: cannot be read as a .npy array"),
    (
        ["rtlsim", "{}", "none.npy", "--output", "no/l.npy"],
        "no/l.npy: there is no folder no",
    ),
    (["rtlsim", ".", "none.npy"], r".: holds no accelerator (manifest.json is missing); name"),
    (["synth", "."], r".: holds no accelerator (manifest.json is missing); name"),
    (["rtlsim", "digits.yaml", "images.npy"], "images.npy is for the FOLDER of an accelerator"),
    (["synth", "digits.yaml", "--json", "a.json"], "a.json is for the FOLDER of an accelerator"),
]


@pytest.mark.parametrize(("arguments", "message"), REFUSED)
def test_what_is_no_folder_or_no_image_is_refused_in_one_line(
    built: Built,
    elsewhere: None,  # noqa: ARG001
    arguments: list[str],
    message: str,
) -> None:
    with redirect_stderr(StringIO()) as err:
        assert main([argument.format(built.folder) for argument in arguments]) == 2
    (line,) = err.getvalue().splitlines()
    assert message in line

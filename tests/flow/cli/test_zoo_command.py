# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
import json
from dataclasses import replace
from pathlib import Path

import pytest
from bar_images import bars_dataset, write_mnist

from brevitas_models.model_card import AttackFigure, RobustFigures
from brevitas_models.pretrained import card, load, save, trained
from flow.cli import main
from flow.zoo.entries import ENTRIES, entry
from flow.zoo.tables import model_row

KEYS = [
    "name", "data", "network", "weight_bits", "activation_bits", "clean", "robust", "epsilon_255",
    "norm", "attack", "images", "certified", "possible", "certified_epsilon_255",
    "certified_images", "lut", "bram36", "frames_per_second", "part", "command",
]  # fmt: skip
TFC = "mnist-tfc-w1a1"
ROBUST = RobustFigures(
    norm="linf",
    epsilon_255=26,
    seed=0,
    images=1000,
    attacks=(
        AttackFigure(attack="apgd_ce", steps=100, restarts=3, accuracy=0.9),
        AttackFigure(attack="square", steps=5000, restarts=1, accuracy=0.85),
    ),
    accuracy=0.85,
    ci95=(0.8, 0.9),
)


def test_the_list_has_a_row_a_model(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["zoo", "list", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert sorted(row["name"] for row in rows) == list(trained())
    for row in rows:
        found = card(row["name"])
        assert list(row) == KEYS
        assert row["clean"] == found.accuracy
        assert (row["robust"] is None) == (found.robust is None)
        assert (row["lut"] is None) == (found.hardware is None)


def test_a_row_says_which_attacks_the_robust_figure_is_of() -> None:
    row = model_row(replace(card(TFC), robust=ROBUST, hardware=None))
    assert (row["network"], row["robust"], row["images"]) == ("tfc", 0.85, 1000)
    assert (row["norm"], row["epsilon_255"]) == ("linf", 26)
    assert row["attack"] == "apgd_ce 100x3 + square 5000"
    assert row["part"] is row["lut"] is row["frames_per_second"] is None


def test_the_table_can_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(load(TFC), replace(card(TFC), robust=ROBUST, hardware=None), tmp_path)
    assert main(["zoo", "list", "--folder", str(tmp_path)]) == 0
    header, row, note = capsys.readouterr().out.splitlines()
    assert header.split()[:3] == ["name", "network", "bits"]
    assert row.split() == [
        TFC, "tfc", "1w1a", "94.84%", "85.0%", "of", "1,000", "-", "linf", "26/255",
        *["-"] * 4,
    ]  # fmt: skip
    assert note.endswith("images by apgd_ce 100x3 + square 5000")


def test_a_folder_without_networks_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["zoo", "list", "--folder", str(tmp_path)]) == 2
    assert f"{tmp_path} holds no trained network; run steelflow zoo" in capsys.readouterr().err


def test_every_network_has_a_target_and_options_replace_its_fields() -> None:
    assert all(one.target.images >= 2 for one in ENTRIES.values())
    found = entry(TFC).target.changed(part="xck26", clock_mhz=None, images=7)
    assert (found.part, found.clock_mhz, found.images) == ("xck26", 100.0, 7)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--images", "1"], "--images 1: give at least 2, for a frame rate"),
        (["--images", "101"], "--images: 101 is more than the 100 test images"),
        (["--images", "2", "--clock-mhz", "-1"], "compile: clock_mhz: -1.0 is refused"),
        (["--images", "2", "--fps", "0"], "compile: target_fps: 0.0 is refused"),
        (["--images", "2", "--part", "xc7z099"], "part 'xc7z099': is unknown"),
        (["--data", "/nowhere"], "/nowhere: holds neither train-images"),
        (["--json", "/nowhere/a.json"], "/nowhere/a.json: there is no folder /nowhere; make it"),
    ],
)
def test_bad_input_to_build_is_one_line_and_status_2(
    tmp_path: Path, options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write_mnist(bars_dataset(noise=100, light=150), tmp_path)
    assert main(["zoo", "build", TFC, "--data", str(tmp_path), *options]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


@pytest.mark.slow
def test_a_build_writes_what_it_measured_into_the_card(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_mnist(bars_dataset(noise=100, light=150), tmp_path)
    save(load(TFC), replace(card(TFC), hardware=None), tmp_path)
    place = ["--data", str(tmp_path), "--folder", str(tmp_path), "--json", str(tmp_path / "a.json")]
    assert main(["zoo", "build", TFC, *place, "--images", "3", "--write"]) == 0
    found = card(TFC, tmp_path).hardware
    assert found is not None
    assert (found.part, found.clock_mhz) == ("xc7z020clg400-1", 100.0)
    assert 100_000 < found.frames_per_second < 120_000
    assert found.latency_us is not None
    assert 1e6 / found.frames_per_second < found.latency_us < 100
    assert 500 < found.lut < 2000
    assert 500 < found.ff < 2000
    assert (found.dsp, found.bram36) == (0, 2.0)
    assert "3 test images" in found.measured
    stored = json.loads((tmp_path / "a.json").read_text())
    assert stored["frames_per_second"] == found.frames_per_second
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["lut", str(found.lut), "-"] in lines

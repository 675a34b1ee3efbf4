# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The tutorials as a reader follows them, command by command, with a network that is small."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from qonnx_models import tiny_qonnx

from flow.cli import main
from flow.run.loading import parse_config

ROOT = Path(__file__).parents[1]
TUTORIALS = ROOT / "docs" / "tutorials"
SMALL: dict[str, dict[str, Any]] = {
    "data": {"train_images": 300, "test_images": 64},
    "network": {"channels": [4], "strides": [2]},
    "training": {"epochs": 1, "warmup_epochs": 0, "pgd_steps": 1},
    "verify": {"finn_images": 2},
    "rtlsim": {"images": 64},
    "attack": {"epsilons_255": [0, 32], "steps": 2, "restarts": 1},
    "certify": {"epsilons_255": [2], "images": 2},
}
SMALL_SEARCH: dict[str, Any] = {
    "data": {"train_images": 500, "test_images": 64},
    "trials": 3,
    "batch": 3,
    "validation_images": 100,
    "rungs": [{"epochs": 1, "steps": 3, "images": 50, "keep": 1}],
    "final": {"images": 40, "steps": 5, "restarts": 1, "queries": 50, "rtl_images": 2},
}


def blocks(page: str) -> list[tuple[str, str]]:
    """Return (language, text) of the page's blocks of code, in order."""
    text = (TUTORIALS / page).read_text()
    return re.findall(r"^```(sh|python|yaml)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def follow(page: str) -> int:
    """Run a page's commands and Python in this folder; return how many there were."""
    found, names = 0, dict[str, Any]()
    for language, text in blocks(page):
        if language == "python":
            exec(compile(text, page, "exec"), names)
            found += 1
        for line in text.splitlines() if language == "sh" else ():
            # the demo is an installation and this command
            words = line.replace("bash build_scripts/demo.sh", "steelflow run examples/digits.yaml")
            assert words.startswith("steelflow "), line
            assert main(words.split()[1:]) == 0, line
            found += 1
    return found


@pytest.mark.slow
def test_a_run_from_training_to_its_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = yaml.safe_load((ROOT / "examples" / "digits.yaml").read_text())
    for section, values in SMALL.items():
        config[section] = config.get(section, {}) | values
    (tmp_path / "examples").mkdir()
    (tmp_path / "examples" / "digits.yaml").write_text(yaml.safe_dump(config))
    monkeypatch.chdir(tmp_path)
    assert [follow(page) for page in ("train.md", "report.md", "attack.md")] == [4, 2, 2]
    shown = capsys.readouterr().out
    assert "build/digits/report/index.html" in shown
    assert re.search(r"mi_fgsm within 16/255: \d+\.\d% of 50 images hold", shown)


@pytest.mark.slow
def test_a_search_and_the_run_of_its_best_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = yaml.safe_load((ROOT / "examples" / "digits-search.yaml").read_text())
    families = [{"channels": [4], "strides": [2]}, {"channels": [64, 64], "strides": [1, 1]}]
    config["space"] |= {"families": families, "weight_bits": [2, 3], "activation_bits": [2, 3]}
    config["training"] |= SMALL["training"]
    config |= SMALL_SEARCH | {"data": config["data"] | SMALL_SEARCH["data"]}
    (tmp_path / "examples").mkdir()
    (tmp_path / "examples" / "digits-search.yaml").write_text(yaml.safe_dump(config))
    monkeypatch.chdir(tmp_path)
    assert follow("search.md") == 2
    page, shown = Path("build/digits_search/index.html").read_text(), capsys.readouterr().out
    assert "best: build/digits_search/best.yaml" in shown
    assert "Trained briefly: 3 candidates" in page
    assert "trained in full and measured: 1" in page
    (report,) = Path("build").glob("digits_search_*/report/index.html")
    assert report.stat().st_size > 10_000


@pytest.mark.slow
def test_a_model_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    tiny_qonnx(size=4, channels=(2,), strides=(2,)).save("model.onnx")
    images = np.random.default_rng(0).integers(0, 256, (3, 4, 4, 1), dtype=np.uint8)
    np.save("images.npy", images)
    assert follow("own-model.md") == 4
    assert np.load("logits.npy").shape == (3, 5)


def test_the_configuration_that_is_shown_is_one() -> None:
    ((_, text),) = (block for block in blocks("train.md") if block[0] == "yaml")
    assert parse_config(yaml.safe_load(text), "train.md").network.channels == (16, 32, 32)


def test_every_other_tutorial_is_followed() -> None:
    followed = {"train.md", "report.md", "attack.md", "own-model.md", "search.md"}
    assert {path.name for path in TUTORIALS.glob("*.md")} == followed

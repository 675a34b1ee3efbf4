# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What would stop a command after hours is said before it starts, and in a user's words."""

import re
from pathlib import Path

import pytest
import yaml

import flow
from flow.cli import main

SEARCH = Path(flow.__file__).parents[1] / "examples" / "digits-search.yaml"
TFC = "mnist-tfc-w1a1"

NO_DATA = "mnist: needs a data folder; name it in STEELFLOW_DATA (--data)"
CASES = {
    "run without data": (["run", "mnist.yaml"], NO_DATA),
    "attack without data": (["attack", "mnist.yaml"], NO_DATA),
    "network of the zoo without data": (["run", "--zoo", TFC], NO_DATA),
    "search without data": (["search", "search.yaml"], NO_DATA),
    "experiment without data": (["experiment", "single-step"], NO_DATA),
    "training of the zoo without data": (["zoo", "train", TFC], NO_DATA),
    "empty data folder": (["run", "mnist.yaml", "--data", "."], ": holds neither train-images"),
    "data": (["run", "data.yaml"], "data.source: 'mnits' is unknown; did you mean 'mnist'"),
    "zoo": (["run", "--zoo", "mnist-tfc"], "there is no network 'mnist-tfc'; did you mean"),
    "part": (["run", "part.yaml"], "part 'xc7z021': is unknown; did you mean 'xc7z020'"),
    "steps": (["run", "steps.yaml"], "unknown key 'steps'; known here: name, zoo, seed, data"),
    "attack": (["run", "attack.yaml"], "attack.attacks: 'pdg' is unknown; did you mean 'pgd'"),
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a configuration for each mistake, and no data."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("STEELFLOW_DATA", raising=False)
    sections = {
        "mnist": {"data": {"source": "mnist"}},
        "data": {"data": {"source": "mnits"}},
        "part": {"compile": {"part": "xc7z021"}},
        "steps": {"steps": {"train": {}}},
        "attack": {"attack": {"attacks": ["pdg"]}},
    }
    for name, section in sections.items():
        Path(f"{name}.yaml").write_text(yaml.safe_dump({"name": name} | section))
    search = yaml.safe_load(SEARCH.read_text()) | {"data": {"source": "mnist"}}
    Path("search.yaml").write_text(yaml.safe_dump(search))
    return tmp_path


@pytest.mark.parametrize("name", CASES)
def test_a_mistake_is_said_before_anything_is_made(
    name: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments, message = CASES[name]
    before = sorted(here.rglob("*"))
    assert main(arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert not re.search(r"\.py\b|\b(flow|hw|brevitas_models)\.\w|site-packages", line)
    assert sorted(here.rglob("*")) == before

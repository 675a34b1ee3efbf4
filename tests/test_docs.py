# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The manual: it builds without a warning, is complete, and names commands that there are."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from flow.cli.registry import COMMANDS
from flow.dataflow import to_dataflow
from flow.fuzz import random_qonnx
from flow.lowering import lower
from flow.lowering.rules import QOPERATORS, RULES

ROOT = Path(__file__).parents[1]
_PART = "xc7z020clg400-1"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    return folder


@pytest.mark.slow
def test_the_reference_names_every_command_and_operator(site: Path) -> None:
    commands = (site / "reference" / "commands.html").read_text()
    operators = (site / "reference" / "operators.html").read_text()
    assert all(f"steelflow {command.name}" in commands for command in COMMANDS)
    assert all(f"<code>{name}</code>" in operators for name in (*RULES, *QOPERATORS))


def test_what_is_lowered_to_what_names_every_operator() -> None:
    page = (ROOT / "docs" / "concepts" / "lowering.md").read_text()
    missing = [name for name in (*RULES, *QOPERATORS) if not re.search(rf"\b{name}\b", page)]
    assert not missing


def test_what_is_lowered_to_what_names_every_hardware_layer_and_no_other() -> None:
    """The tables' columns of layers name those that random networks become."""
    page = (ROOT / "docs" / "concepts" / "lowering.md").read_text()
    rows = [line.split("|") for line in page.splitlines() if line.startswith("| ")]
    cells = " ".join(row[3] for row in rows if len(row) in (5, 6))
    named = set(re.findall(r"`(\w+)`", cells))
    networks = [lower(random_qonnx(seed, hardware=True)).network for seed in range(45)]
    graphs = [to_dataflow(network, _PART, label=True).graph for network in networks]
    assert named == {node.op_type.removesuffix("_rtl") for one in graphs for node in one.node}


@pytest.mark.slow
def test_the_settings_have_their_defaults(site: Path) -> None:
    settings = (site / "reference" / "settings.html").read_text()
    assert "training.epsilon_255" in settings
    assert "of the training attack, in uint8 units" in settings


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_pages_name_commands_that_there_are(page: Path) -> None:
    named = set(
        re.findall(r"^(?:steelflow|\.venv/bin/steelflow) ([a-z]\w*)", page.read_text(), re.M)
    )
    assert named <= {command.name for command in COMMANDS}


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150

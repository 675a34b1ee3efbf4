# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What build_scripts/mutation.py mutates, and by which tests, is there."""

from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PLAN: dict[str, list[dict[str, Any]]] = yaml.safe_load(
    (ROOT / "build_scripts" / "mutation.yaml").read_text()
)
EQUIVALENT: list[dict[str, str]] = yaml.safe_load(
    (ROOT / "build_scripts" / "mutation_equivalent.yaml").read_text()
)


@pytest.mark.parametrize("room", PLAN)
def test_every_pattern_has_files_and_every_test_is_there(room: str) -> None:
    for entry in PLAN[room]:
        assert all(list(ROOT.glob(pattern)) for pattern in entry["files"])
        assert all((ROOT / test).exists() for test in entry["tests"])


def test_an_equivalent_mutant_is_one_of_a_line_that_is_there_and_has_a_reason() -> None:
    for one in EQUIVALENT:
        lines = [line.strip() for line in (ROOT / one["path"]).read_text().splitlines()]
        assert one["before"] in lines
        assert one["reason"]

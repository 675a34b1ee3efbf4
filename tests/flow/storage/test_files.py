# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flow.errors import SettingError
from flow.storage.files import check_place, json_text, write_output
from flow.storage.records import write_json


def _refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -np.inf, np.float64("nan")])
@pytest.mark.parametrize("wrap", [lambda v: v, lambda v: {"a": [v, (1, v)]}], ids=["bare", "deep"])
def test_what_is_no_number_is_null(value: float, wrap: Any) -> None:  # noqa: ANN401
    found = json.loads(json_text(wrap(value)), parse_constant=_refuse)
    assert found == json.loads(json.dumps(wrap(None)))


def test_a_written_file_is_what_json_itself_writes(tmp_path: Path) -> None:
    value = {"b": [1, 2.5, "x", None, True], "a": {"c": ()}}
    write_json(tmp_path / "a.json", value)
    expected = json.dumps(value, indent=2, sort_keys=True) + "\n"
    assert (tmp_path / "a.json").read_text() == expected


def test_a_place_is_refused_before_and_after(tmp_path: Path) -> None:
    path = tmp_path / "none" / "a.json"
    with pytest.raises(SettingError, match=r"^json .*a.json: there is no folder .*; make it") as it:
        check_place(path, "json")
    assert it.value.settings == ("json",)
    with pytest.raises(SettingError, match=r"^json .*a.json: cannot be written \(No such file"):
        write_output(path, b"", "json")
    check_place(None, "json")
    check_place(tmp_path / "a.json", "json")
    assert not any(tmp_path.iterdir())

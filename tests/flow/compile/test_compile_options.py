# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
import json
from pathlib import Path

import pytest

from flow.compile import compile_config
from flow.errors import FlowError, SettingError

LAYERS = {"MVAU_rtl_0": {"pe": 2, "simd": 3}}


def test_what_is_not_given_has_its_default() -> None:
    config = compile_config(clock_mhz=50.0, part=None)
    assert (config.target_fps, config.clock_mhz, config.part) == (1000, 50, "xc7z020clg400-1")


def test_a_folding_goes_over_the_frame_rate(tmp_path: Path) -> None:
    path = tmp_path / "some.yaml"
    path.write_text("MVAU_rtl_0: {pe: 2, simd: 3}\n")
    for given in (path, str(path)):
        config = compile_config(folding=given)
        assert (config.folding["MVAU_rtl_0"].pe, config.target_fps) == (2, 1000)


@pytest.mark.parametrize(
    ("layers", "fps", "target"), [(LAYERS, None, None), (LAYERS, 5.0, 5.0), ({}, None, 1000)]
)
def test_a_written_folding_needs_no_frame_rate(
    tmp_path: Path, layers: object, fps: float | None, target: float | None
) -> None:
    path = tmp_path / "folding.json"
    path.write_text(json.dumps({"cycles": {"MVAU_rtl_0": 7}, "folding": layers}))
    config = compile_config(folding=path, fps=fps)
    assert (config.model_dump()["folding"], config.target_fps) == (layers, target)


@pytest.mark.parametrize("text", ["{", "\0", None])
def test_a_folding_that_is_no_yaml_is_refused(tmp_path: Path, text: str | None) -> None:
    path = tmp_path / "folding.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(SettingError, match=r"folding.yaml: cannot be read as YAML \(") as error:
        compile_config(folding=path)
    assert error.value.settings == ("folding",)


@pytest.mark.parametrize("text", ["3", "[1]", "MVAU_rtl_0: 3", "MVAU_rtl_0: {pe: 0, simd: 1}"])
def test_a_folding_of_another_form_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "folding.yaml"
    path.write_text(text)
    with pytest.raises(FlowError, match=r"compile: folding.* is refused"):
        compile_config(folding=path)

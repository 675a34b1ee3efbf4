# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Limits, figures beside them, and the JUnit XML of both: no tool runs."""

import xml.etree.ElementTree as ET
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from flow.check import Figure, Limits, write_junit
from flow.check.junit import junit
from flow.check.limits import Found
from flow.errors import FlowError


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "check: no limit is given; give one at least"),
        ({"min_accuracy": 95.0}, r"min_accuracy 95.0: is no share; give 0 to 1 \(95% is 0.95\)"),
        ({"min_robust": -0.1, "epsilon_255": 3}, "min_robust -0.1: is no share"),
        ({"max_lut": -1}, "max_lut -1: give a number of at least 0"),
        ({"min_fps": float("nan")}, "min_fps nan: give a number of at least 0"),
        ({"min_robust": 0.5}, "min_robust and epsilon_255 say nothing without one another"),
        ({"max_lut": 1, "epsilon_255": 8}, "min_robust and epsilon_255 say nothing without"),
        ({"min_robust": 0.5, "epsilon_255": 256}, "epsilon_255 256: give 0 to 255, in uint8 unit"),
    ],
)
def test_limits_that_cannot_be_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(FlowError, match=message):
        Limits(**given)


@pytest.mark.parametrize(
    ("name", "value", "limit", "shortfall"),
    [
        ("accuracy", 0.75, 0.75, 0),
        ("accuracy", 0.75, 0.875, 0.125),
        ("robust", 0.5, 0.25, 0),
        ("fps", 900.0, 1000.0, 100),
        ("lut", 1000, 1000, 0),
        ("lut", 1001, 1000, 1),
        ("lut", 10, 1000, 0),
    ],
)
def test_a_limit_that_is_met_exactly_holds(
    name: Any,  # noqa: ANN401
    value: float,
    limit: float,
    shortfall: float,
) -> None:
    figure = Figure(name, Found(value, "somehow"), limit)
    assert (figure.shortfall, figure.holds) == (shortfall, shortfall == 0)


def test_a_figure_says_by_how_much_it_falls_short() -> None:
    low = Figure("accuracy", Found(0.9, "9 of 10 images"), 0.95)
    big = Figure("lut", Found(12345, "Yosys"), 10000)
    assert str(low) == (
        "accuracy 0.9000 of the images, at least 0.9500 asked for: 0.0500 too little "
        "(9 of 10 images)"
    )
    assert str(big) == "lut 12,345 LUT, at most 10,000 asked for: 2,345 too much (Yosys)"


def test_only_what_is_asked_for_is_judged() -> None:
    found = {"accuracy": Found(0.9, ""), "fps": Found(10.0, "")}
    figures = Limits(min_fps=20).judge(found)  # type: ignore[arg-type]
    assert [figure.name for figure in figures] == ["fps"]
    with pytest.raises(FlowError, match="check: lut was not measured"):
        Limits(max_lut=1).judge(found)  # type: ignore[arg-type]


FIGURES = [
    Figure("accuracy", Found(0.9, 'n < 10 & "few"'), 0.95),
    Figure("lut", Found(10, "Yosys"), 100),
]


def test_junit_has_a_case_for_each_figure_and_a_failure_for_each_shortfall() -> None:
    at = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
    root = ET.fromstring(junit("a\x01b\ud800.onnx", FIGURES, seconds=1.5, at=at))
    (suite,) = root
    counts = {"tests": "2", "failures": "1", "errors": "0", "skipped": "0", "time": "1.500"}
    assert root.attrib == {"name": "steelflow check"} | counts
    assert suite.attrib == {"name": "ab.onnx", "timestamp": "2026-01-02T03:04:05"} | counts
    assert [case.attrib["name"] for case in suite] == ["accuracy", "lut"]
    assert [len(case.findall("failure")) for case in suite] == [1, 0]
    assert suite[0].find("failure").attrib["message"] == str(FIGURES[0])  # type: ignore[union-attr]


def test_junit_is_declared_utf_8_and_in_the_order_of_the_schema() -> None:
    content = junit("é.onnx", FIGURES)
    assert content.startswith(b"<?xml version='1.0' encoding='utf-8'?>\n<testsuites ")
    tags = [element.tag for element in ET.fromstring(content).iter()]
    assert tags == [
        *("testsuites", "testsuite", "testcase", "failure", "system-out"),
        *("testcase", "system-out"),
    ]


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(FlowError, match=r"junit \S+: cannot be written \(Is a directory\); choose"):
        write_junit(tmp_path, "x", FIGURES)

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The page of a search, and the searches it is compared with."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from sample_outcome import sample
from short_search import EXAMPLE

from flow.search.compare import rivals, volumes
from flow.search.page import command_of, write_outcome
from flow.search.settings import load_search
from flow.search.space import uniform_parameters

CONFIG = load_search(EXAMPLE)


def test_each_finalist_has_a_point_that_leads_to_its_command(tmp_path: Path) -> None:
    outcome = sample(CONFIG)
    write_outcome(tmp_path, CONFIG, outcome)
    page = (tmp_path / "index.html").read_text()
    for one in outcome.finalists:
        (point,) = re.findall(rf'<g id="search-point{one.number}">(.*?)</g>', page, re.DOTALL)
        assert f'href="#search-trial{one.number}"' in point
        (row,) = re.findall(rf'<tbody id="search-trial{one.number}".*?</tbody>', page, re.DOTALL)
        assert one.candidate.text() in row
        assert f"<code>{command_of(tmp_path, CONFIG, one)}</code>" in row
    assert "9,000 LUT, 3,000 more than 6,000" in page


def test_all_that_were_trained_are_told(tmp_path: Path) -> None:
    outcome = sample(CONFIG)
    write_outcome(tmp_path, CONFIG, outcome)
    page = (tmp_path / "index.html").read_text()
    for candidate, _, _ in outcome.tried:
        row = f"{candidate.text()}</th><td>40.0%</td><td>50.0%</td><td>2,100</td>"
        assert row in page


def test_certificates_have_a_column_where_there_are_some(tmp_path: Path) -> None:
    ours = sample(CONFIG)
    write_outcome(tmp_path, CONFIG, ours)
    assert ">certified<" not in (tmp_path / "index.html").read_text()
    final = CONFIG.final.model_copy(update={"certify_images": 4})
    proven = [replace(one, measured=replace(one.measured, certified=0.25)) for one in ours.front]
    config = CONFIG.model_copy(update={"final": final})
    write_outcome(tmp_path, config, replace(ours, finalists=tuple(proven), front=tuple(proven)))
    page = (tmp_path / "index.html").read_text()
    assert page.count("<td>25.0%</td>") == len(proven)
    assert ">certified<" in page


def test_the_page_needs_nothing_else(tmp_path: Path) -> None:
    write_outcome(tmp_path, CONFIG, sample(CONFIG))
    page = (tmp_path / "index.html").read_text()
    assert not re.findall(r'(?:href|src)="(?!#|data:)', page)
    assert "http" not in page
    assert "Hypervolume" not in page


def test_the_rivals_stand_beside_it(tmp_path: Path) -> None:
    ours = sample(CONFIG)
    worse = replace(ours, front=ours.front[1:])
    write_outcome(tmp_path, CONFIG, ours, {"random search": worse})
    page = (tmp_path / "index.html").read_text()
    assert '<tr><th scope="row">random search</th><td>0.255</td>' in page


def test_a_volume_is_the_share_of_the_box_below_the_limits() -> None:
    ours = sample(CONFIG)
    none = replace(ours, front=())
    # 900 and 2000 of 6000 LUTs are 0.85 and 0.667 left: 0.85 * 0.3 + 0.667 * (0.6 - 0.3)
    expected = 0.85 * 0.3 + (4000 / 6000) * 0.3
    assert volumes(CONFIG, {"ours": ours, "none": none}) == pytest.approx(
        {"ours": expected, "none": 0.0}
    )


def test_rivals_differ_in_the_way_to_search_alone() -> None:
    found = rivals(CONFIG)
    assert found["random search"] == CONFIG.model_copy(
        update={"name": "digits_search_random", "sampler": "random"}
    )
    uniform = found["uniform bits"]
    assert uniform.trials == CONFIG.trials
    assert uniform_parameters(uniform)[0] == {
        "family": 0,
        "0.all.weight_bits": 2,
        "0.all.activation_bits": 2,
    }

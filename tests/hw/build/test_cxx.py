# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""C++ by plan: units, generated sources, and which tool is named when one fails."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from hw.build import BuildPlan, BuildProducts, BuildStore, CxxJob, compiler_version
from hw.build.cxx import require_compiler
from hw.errors import HardwareError

JOB = CxxJob(
    compile=("g++", "-I$HEADERS"), sources=("main.cpp", "more/*.cpp"), link=("g++", "-o", "program")
)
MAIN = b"int more();\nint main() { return more(); }\n"


def build(job: CxxJob, folder: Path, **sources: bytes) -> BuildProducts:
    """Build main.cpp and the sources, by the names of their files in more/."""
    files = {f"more/{name}.cpp": text for name, text in sources.items()}
    plan = BuildPlan(
        subject="program of a test",
        files={"main.cpp": MAIN, **files, **job.files},
        command=job.command,
        products=("program",),
        locations={"HEADERS": str(folder)},
    )
    return BuildStore(folder / "store").build(plan)


def test_sources_become_a_program(tmp_path: Path) -> None:
    (tmp_path / "seven.h").write_text("#define SEVEN 7\n")
    found = build(JOB, tmp_path, a=b"#include <seven.h>\nint more() { return SEVEN; }\n")
    assert subprocess.run([found.path("program")], check=False).returncode == 7


@pytest.mark.parametrize(("least", "most", "units"), [(0, 0, 3), (10**6, 10**6, 1)])
def test_small_sources_share_a_unit_and_large_ones_do_not(
    least: int, most: int, units: int, tmp_path: Path
) -> None:
    listed = (("sh", "-c", "g++ $(ls unit_*.o) -o program; ls unit_*.o"),)
    job = replace(JOB, least_bytes=least, most_bytes=most, link=(*listed[0], "--"))
    found = build(job, tmp_path, a=b"int more();\n", b=b"int more() { return 0; }\n")
    assert found.log.read_text().count("unit_") == units


def test_sources_may_be_generated(tmp_path: Path) -> None:
    generate = ("sh", "-c", "echo 'int more() { return 3; }' > more.cpp")
    job = replace(JOB, before=(generate,), sources=("main.cpp", "more.cpp"))
    program = build(job, tmp_path).path("program")
    assert subprocess.run([program], check=False).returncode == 3


@pytest.mark.parametrize(
    ("job", "text", "message"),
    [
        (JOB, b"int more() { return nothing; }\n", r"g\+\+: exit status 1: .*error: .nothing. was"),
        (JOB, b"int less() { return 0; }\n", r"g\+\+: exit status 1: .*error: ld returned 1"),
        (replace(JOB, before=(("no-such-tool", "a"),)), b"", r"no-such-tool: exit status 127: err"),
        (
            replace(JOB, before=(("python3", "gone.py"),)),
            b"",
            r"gone\.py: exit status 2: no message",
        ),
    ],
)
def test_the_tool_that_failed_is_named(
    job: CxxJob, text: bytes, message: str, tmp_path: Path
) -> None:
    with pytest.raises(HardwareError, match=rf"^program of a test: {message}.*; see .*log$"):
        build(job, tmp_path, a=text)


def test_a_missing_compiler_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert compiler_version().startswith("g++")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert compiler_version() == ""
    with pytest.raises(HardwareError, match=r"g\+\+: not found; install it with: apt-get install"):
        require_compiler()

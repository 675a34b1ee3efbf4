# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Plans of small commands: what is kept, what is said when they fail, and who runs them."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from hw.build import BuildPlan, BuildStore, LocalRunner, Runner
from hw.errors import HardwareError

COPY = BuildPlan(
    subject="copy",
    files={"in/a.txt": b"text"},
    command=("cp", "in/a.txt", "b.txt"),
    products=("b.txt",),
    name="copy",
)


def shell(script: str, **changes: object) -> BuildPlan:
    """A plan that runs a shell script."""
    return replace(COPY, command=("sh", "-c", script), **changes)  # type: ignore[arg-type]


class Counting(Runner):
    """Runs here, and counts."""

    def __init__(self) -> None:
        self.runs = 0
        self.local = LocalRunner()

    def run(self, plan: BuildPlan, folder: Path, log: Path, timeout_s: float | None) -> int:
        self.runs += 1
        return self.local.run(plan, folder, log, timeout_s)

    def stop(self) -> None:
        self.local.stop()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_products_and_log_are_all_that_is_kept(tmp_path: Path) -> None:
    found = BuildStore(tmp_path).build(shell("echo said; cp in/a.txt b.txt"))
    assert found.path("b.txt").read_text() == "text"
    assert found.log.read_text() == "said\n"
    assert names(found.folder) == ["b.txt", "build.log"]
    assert names(tmp_path) == [found.folder.name]
    assert found.folder.name.startswith("copy-")


def test_an_equal_plan_runs_once(tmp_path: Path) -> None:
    runner = Counting()
    first = BuildStore(tmp_path, runner).build(COPY)
    assert BuildStore(tmp_path, runner).build(replace(COPY, subject="another")) == first
    assert runner.runs == 1


def test_threads_wait_for_the_one_that_runs(tmp_path: Path) -> None:
    runner = Counting()
    store = BuildStore(tmp_path, runner)
    plan = shell("sleep 0.3; cp in/a.txt b.txt")
    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(lambda _: store.build(plan), range(4)))) == 1
    assert runner.runs == 1


@pytest.mark.parametrize(
    "change",
    [
        {"files": {"in/a.txt": b"other"}},
        {"files": {"in/c.txt": b"text"}},
        {"command": ("cp", "-p", "in/a.txt", "b.txt")},
        {"tools": {"cp": "9"}},
        {"products": ("b.txt", "in/a.txt")},
        {"needs": {"before": COPY}},
    ],
)
def test_the_digest_depends_on_all_that_runs(change: dict[str, object]) -> None:
    assert replace(COPY, **change).digest != COPY.digest  # type: ignore[arg-type]


def test_the_digest_does_not_depend_on_where_tools_are() -> None:
    assert replace(COPY, locations={"TOOL": "/opt/tool"}, subject="x").digest == COPY.digest


def test_a_tool_is_found_by_its_location(tmp_path: Path) -> None:
    plan = shell('printf "$TOOL" > b.txt', locations={"TOOL": "/opt/tool"})
    assert BuildStore(tmp_path).build(plan).path("b.txt").read_text() == "/opt/tool"


def test_what_a_plan_needs_lies_in_its_folder(tmp_path: Path) -> None:
    plan = shell("cat before/b.txt before/b.txt > b.txt", needs={"before": COPY})
    assert BuildStore(tmp_path).build(plan).path("b.txt").read_text() == "texttext"


def test_a_failure_quotes_its_first_error_and_keeps_the_log(tmp_path: Path) -> None:
    plan = shell("echo fine; echo Error: broken; echo error: more; exit 3")
    with pytest.raises(
        HardwareError, match=r"^copy: sh: exit status 3: Error: broken; see /.*\.failed\.log$"
    ):
        BuildStore(tmp_path).build(plan)
    assert names(tmp_path) == [f"{plan.key}.failed.log"]


def test_a_driver_names_the_tool_that_failed(tmp_path: Path) -> None:
    with pytest.raises(HardwareError, match=r"^copy: ld: exit status 7: no message; see "):
        BuildStore(tmp_path).build(shell("echo 'ld: exit status 7'; exit 1"))


def test_success_without_the_product_is_a_failure(tmp_path: Path) -> None:
    with pytest.raises(HardwareError, match=r"^copy: made no b\.txt; see .*failed\.log$"):
        BuildStore(tmp_path).build(replace(shell("true"), name=""))
    assert names(tmp_path) == ["failed.log"]


def test_a_missing_tool_is_named(tmp_path: Path) -> None:
    with pytest.raises(HardwareError, match=r"^copy: no-such-tool: not found; install it$"):
        BuildStore(tmp_path).build(replace(COPY, command=("no-such-tool",)))


def test_the_time_limit_ends_all_that_was_started(tmp_path: Path) -> None:
    plan = shell(f"(sleep 5; touch {tmp_path}/late) & sleep 60")
    with pytest.raises(HardwareError, match=r"^copy: stopped after 0\.2 s, the time limit; see "):
        BuildStore(tmp_path).build(plan, timeout_s=0.2)
    late = tmp_path / "late"
    while [path for path in Path("/proc").glob("[0-9]*") if _runs(path, str(late))]:
        time.sleep(0.01)  # what was killed goes when it is scheduled next
    assert not late.exists()


def _runs(process: Path, text: str) -> bool:
    try:
        return text in (process / "cmdline").read_text()
    except OSError:
        return False


def test_stop_ends_what_other_threads_wait_for(tmp_path: Path) -> None:
    runner = LocalRunner()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(BuildStore(tmp_path, runner).build, shell("touch started; sleep 60"))
        while not list(tmp_path.glob(".building.*/work/started")):
            assert not waiting.done()
            time.sleep(0.01)
        runner.stop()
        with pytest.raises(HardwareError, match=r"^copy: sh: exit status -9: no message"):
            waiting.result()


@pytest.mark.parametrize("path", ["/etc/passwd", "../a", ""])
def test_paths_outside_of_the_folder_are_refused(path: str) -> None:
    with pytest.raises(HardwareError, match=r"copy: .* is outside of the build's folder; name it"):
        replace(COPY, files={path: b""})


def test_a_deleted_product_is_made_again(tmp_path: Path) -> None:
    store = BuildStore(tmp_path)
    store.build(COPY).path("b.txt").unlink()
    assert store.build(COPY).path("b.txt").read_text() == "text"


def test_a_folder_that_cannot_be_made_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(HardwareError, match=r"^copy: /.*file/store: .*irectory; free space, or"):
        BuildStore(tmp_path / "file" / "store").build(COPY)


KILLED = """
from pathlib import Path
from hw.build import BuildPlan, BuildStore
plan = BuildPlan(subject="s", files={}, command=("sh", "-c", "touch started; sleep 60"),
                 products=("b",), name="killed")
BuildStore(Path(".")).build(plan)
"""


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    killed = subprocess.Popen([sys.executable, "-c", KILLED], cwd=tmp_path, env=environment)
    while not list(tmp_path.glob(".building.*/work/started")):
        assert killed.poll() is None
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    found = BuildStore(tmp_path).build(COPY)
    assert names(tmp_path) == [found.folder.name]

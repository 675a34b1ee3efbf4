# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Plans that run elsewhere: over ssh to a real sshd on loopback, in a real Slurm queue."""

import getpass
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from container_engines import ENGINES, IMAGE, running_engine
from hashing_kernel import Geometry, write_hashing_kernel
from slurm_queue import running_slurm

from hw.boards import BoardSettings, find_board
from hw.build import BuildPlan, BuildStore, LocalRunner
from hw.build.container import ContainerRunner
from hw.build.places import runner_at
from hw.build.slurm import SlurmRunner
from hw.build.ssh import SshRunner
from hw.errors import HardwareError

_ROOT = Path(__file__).parents[3]
_SSHD = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
_needs_sshd = pytest.mark.skipif(
    _SSHD is None or shutil.which("rsync") is None, reason="sshd or rsync is not installed"
)


def _plan(script: str, name: str = "job") -> BuildPlan:
    return BuildPlan(
        subject="a job",
        files={"run.sh": script.encode(), "in/data": b"17"},
        command=("sh", "run.sh", "it's; a word"),
        products=("out/answer",),
        name=name,
    )


_ANSWER = 'mkdir out; echo "$1 $(cat in/data)" > out/answer; echo said'


class _Sshd:
    """A server on loopback, whose users have their home in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.home = folder, folder / "home"
        self.home.mkdir()
        for name in ("host", "user"):
            command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
            subprocess.run(command, check=True)
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self.port = found.getsockname()[1]
        path = f"{folder}/bin:{os.environ['PATH']}"
        (folder / "sshd_config").write_text(
            f"Port {self.port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nStrictModes no\n"
            f"AuthorizedKeysFile {folder}/user.pub\nPidFile none\nUsePAM no\n"
            f"SetEnv HOME={self.home} PATH={path} PYTHONPATH={_ROOT}\n"
        )
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Listen."""
        assert _SSHD is not None
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        command = [_SSHD, "-D", "-f", str(self.folder / "sshd_config"), "-E", "/dev/null"]
        self.process = subprocess.Popen(command)
        end = time.monotonic() + 120
        while time.monotonic() < end:
            with socket.socket() as link:
                if link.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        raise AssertionError("sshd did not start")

    def stop(self) -> None:
        """Be gone; what runs goes on."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()

    def runner(self, **settings: float) -> SshRunner:
        """A runner to this server."""
        options = (
            *("-p", str(self.port), "-i", str(self.folder / "user"), "-F", "none"),
            *("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"),
            *("-o", "LogLevel=ERROR", "-l", getpass.getuser()),
        )
        return SshRunner("127.0.0.1", options=options, poll_s=0.2, **settings)  # type: ignore[arg-type]

    @property
    def builds(self) -> list[Path]:
        """What is there."""
        return list((self.home / ".cache" / "steelflow-builds").glob("*"))


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[_Sshd]:
    """A server."""
    server = _Sshd(tmp_path)
    yield server
    server.stop()


@_needs_sshd
def test_products_and_log_come_back_over_ssh(sshd: _Sshd, tmp_path: Path) -> None:
    store = BuildStore(tmp_path / "store", sshd.runner())
    products = store.build(_plan(_ANSWER))
    assert products.path("out/answer").read_text() == "it's; a word 17\n"
    assert products.log.read_text() == "said\n"
    assert sshd.builds == []


@_needs_sshd
def test_a_failure_over_ssh_is_that_of_the_command(sshd: _Sshd, tmp_path: Path) -> None:
    store = BuildStore(tmp_path / "store", sshd.runner())
    with pytest.raises(HardwareError, match=r"a job: sh: exit status 7: error: no luck; see"):
        store.build(_plan("echo error: no luck; exit 7"))
    assert sshd.builds == []


_WAITS = 'while [ ! -e "$HOME/go" ]; do sleep 0.1; done; ' + _ANSWER + '; echo x >> "$HOME/times"'


def _until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@_needs_sshd
def test_a_dead_link_loses_nothing(sshd: _Sshd, tmp_path: Path) -> None:
    plan, store = _plan(_WAITS), BuildStore(tmp_path / "store", sshd.runner(patience_s=0.5))
    failures: list[str] = []

    def build() -> None:
        try:
            store.build(plan)
        except HardwareError as error:
            failures.append(str(error))

    thread = threading.Thread(target=build)
    thread.start()
    _until(lambda: any((build / "pid").exists() for build in sshd.builds))
    sshd.stop()
    thread.join()
    assert "127.0.0.1 cannot be reached" in failures[0]
    assert failures[0].endswith("run the same command to collect it")
    (sshd.home / "go").touch()
    sshd.start()
    products = BuildStore(tmp_path / "store", sshd.runner()).build(plan)
    assert products.path("out/answer").read_text() == "it's; a word 17\n"
    assert (sshd.home / "times").read_text() == "x\n"  # it ran once


@_needs_sshd
def test_a_build_over_ssh_ends_at_its_limit(sshd: _Sshd, tmp_path: Path) -> None:
    store = BuildStore(tmp_path / "store", sshd.runner())
    with pytest.raises(HardwareError, match="a job: stopped after 1 s, the time limit"):
        store.build(_plan(_WAITS), timeout_s=1)
    assert sshd.builds == []


@_needs_sshd
def test_a_build_that_was_killed_there_is_told(sshd: _Sshd, tmp_path: Path) -> None:
    store = BuildStore(tmp_path / "store", sshd.runner())
    script = 'kill -9 "-$(cat ../pid)"'
    with pytest.raises(HardwareError, match=r"127.0.0.1 lost the build; run it again"):
        store.build(_plan(script))
    assert sshd.builds == []


@_needs_sshd
def test_stopping_ends_the_build_there(sshd: _Sshd, tmp_path: Path) -> None:
    runner = sshd.runner()
    store = BuildStore(tmp_path / "store", runner)
    threading.Timer(1.0, runner.stop).start()
    with pytest.raises(HardwareError, match="sh: exit status 130"):
        store.build(_plan(_WAITS))
    assert sshd.builds == []


_STAND_IN = """\
#!{python}
# Stands in for Vivado: runs the script strictly, against the model of a block design.
import sys
from pathlib import Path
from hw.boards.tcl_check import check_vivado
assert sys.argv[1:] == ["-mode", "batch", "-notrace", "-source", "build.tcl"], sys.argv
check_vivado(Path.cwd(), kernel_bits=64)
"""


@_needs_sshd
def test_a_zynq_s_plan_is_built_over_ssh_by_a_stand_in(sshd: _Sshd, tmp_path: Path) -> None:
    tool = sshd.folder / "bin" / "vivado"
    tool.parent.mkdir()
    tool.write_text(_STAND_IN.format(python=sys.executable))
    tool.chmod(0o755)
    board = find_board("pynq-z2")
    plan = board.plan(write_hashing_kernel(Geometry(), tmp_path / "k"), BoardSettings())
    products = BuildStore(tmp_path / "store", sshd.runner()).build(plan)
    assert board.report(products).clock_mhz == 100
    assert products.path("kernel.bit").read_text() == "placeholder of a model"


def test_a_host_that_is_not_there_is_told(tmp_path: Path) -> None:
    if shutil.which("ssh") is None:
        pytest.skip("ssh is not installed")
    runner = SshRunner("127.0.0.1", options=("-p", "1", "-F", "none"))
    with pytest.raises(HardwareError, match=r"127.0.0.1 cannot be reached \(ssh: connect.*refused"):
        BuildStore(tmp_path, runner).build(_plan(_ANSWER))


def test_ssh_itself_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(HardwareError, match="ssh: not found; apt-get install openssh-client"):
        SshRunner("nowhere").look(_plan(""))


@_needs_sshd
def test_a_transfer_that_was_cut_off_is_completed(sshd: _Sshd, tmp_path: Path) -> None:
    plan = _plan(_ANSWER)
    there = sshd.home / ".cache" / "steelflow-builds" / plan.key / "work" / "in"
    there.mkdir(parents=True)
    (there / "data").write_bytes(b"1")
    products = BuildStore(tmp_path / "store", sshd.runner()).build(plan)
    assert products.path("out/answer").read_text() == "it's; a word 17\n"


@_needs_sshd
def test_rsync_may_be_missing(sshd: _Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ssh").symlink_to(shutil.which("ssh") or "")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HardwareError, match="rsync: not found; apt-get install rsync"):
        sshd.runner().start(_plan(""), tmp_path)


@_needs_sshd
def test_a_command_that_fails_there_is_told(sshd: _Sshd) -> None:
    (sshd.home / ".cache").write_text("no folder")
    with pytest.raises(HardwareError, match=r"127.0.0.1: .*Not a directory; look there by ssh"):
        sshd.runner().start(_plan(""), sshd.home)


def test_a_container_engine_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(HardwareError, match="container tools:1: no podman or docker is here"):
        ContainerRunner("tools:1")


@pytest.fixture(scope="module", params=ENGINES)
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    with running_engine(request.param, tmp_path_factory.mktemp(request.param)):
        yield request.param


def test_a_container_sees_the_folder_alone(engine: str, tmp_path: Path) -> None:
    script = f"{_ANSWER}; pwd >> out/answer; [ ! -e {tmp_path} ] && cat in/data >> out/answer"
    store = BuildStore(tmp_path / "store", ContainerRunner(IMAGE, engine))
    products = store.build(_plan(script))
    assert products.path("out/answer").read_text() == "it's; a word 17\n/build\n17"
    assert products.path("out/answer").stat().st_uid == os.getuid()


def test_a_container_ends_with_its_build(engine: str, tmp_path: Path) -> None:
    """What runs in it is no child of the engine's client, which alone a signal reaches."""
    mark = f"{time.time_ns() % 10**9 + 10**9}"  # seconds of a sleep that nobody else sleeps
    runner = ContainerRunner(IMAGE, engine)
    with pytest.raises(HardwareError, match="a job: stopped after 10 s, the time limit"):
        BuildStore(tmp_path / "store", runner).build(_plan(f"sleep {mark}"), timeout_s=10)
    _until(lambda: f"sleep {mark}" not in _processes())


def test_stopping_ends_a_container(engine: str, tmp_path: Path) -> None:
    mark = f"{time.time_ns() % 10**9 + 10**9}"
    runner = ContainerRunner(IMAGE, engine)
    store = BuildStore(tmp_path / "store", runner)

    def stop() -> None:
        _until(lambda: f"sleep {mark}" in _processes())
        runner.stop()

    thread = threading.Thread(target=stop)
    thread.start()
    with pytest.raises(HardwareError, match="sh: exit status -9"):
        store.build(_plan(f"sleep {mark}"))
    thread.join()
    _until(lambda: f"sleep {mark}" not in _processes())


def test_an_image_that_is_not_there_is_told(engine: str, tmp_path: Path) -> None:
    store = BuildStore(tmp_path / "store", ContainerRunner("localhost/none:1", engine))
    with pytest.raises(HardwareError, match=r"exit status 125: .*localhost"):
        store.build(_plan(_ANSWER))


def _processes() -> str:
    return subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout


def test_places_are_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(runner_at("local", tmp_path), LocalRunner)
    assert isinstance(runner_at("ssh:somewhere", tmp_path), SshRunner)
    for place in ("ssh:", "cloud:x"):
        with pytest.raises(HardwareError, match=f"--on {place}: is none of local, container:IMAGE"):
            runner_at(place, tmp_path)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(HardwareError, match="container a:b: no podman"):
        runner_at("container:a:b", tmp_path)
    with pytest.raises(HardwareError, match="slurm none: cannot be read"):
        runner_at("slurm:none", tmp_path)


def test_slurm_may_be_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(HardwareError, match=r"none: cannot be read \(No such file.*#SBATCH lines"):
        SlurmRunner(tmp_path / "none", tmp_path)
    (tmp_path / "header").write_text("")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(HardwareError, match="sbatch: not found; run this where jobs are submitted"):
        SlurmRunner(tmp_path / "header", tmp_path)


def test_a_controller_that_does_not_answer_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slurm's commands are stand-ins that fail as without a controller."""
    for tool in ("sbatch", "squeue"):
        said = "slurm_load_jobs error: Unable to contact slurm controller (connect failure)"
        (tmp_path / tool).write_text(f"#!/bin/sh\necho '{said}' >&2; exit 1\n")
        (tmp_path / tool).chmod(0o755)
    (tmp_path / "header").write_text("")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    runner = SlurmRunner(tmp_path / "header", tmp_path / "jobs")
    with pytest.raises(HardwareError, match=r"Slurm cannot be reached \(slurm_load_jobs error"):
        BuildStore(tmp_path / "store", runner).build(_plan(_ANSWER))


@_needs_sshd
def test_a_tool_that_is_not_there_is_told(sshd: _Sshd, tmp_path: Path) -> None:
    plan = BuildPlan(subject="a job", files={}, command=("no-such-tool",), products=("x",))
    with pytest.raises(HardwareError, match="a job: no-such-tool: not found; install it"):
        BuildStore(tmp_path / "store", sshd.runner()).build(plan)


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SlurmRunner]:
    """A queue of one node."""
    (tmp_path / "header").write_text("#SBATCH --job-name=bitstream\n")
    with running_slurm(tmp_path / "slurm", monkeypatch):
        yield SlurmRunner(tmp_path / "header", tmp_path / "jobs", poll_s=0.2)


@pytest.mark.slow
def test_jobs_of_a_real_queue(slurm: SlurmRunner, tmp_path: Path) -> None:
    store = BuildStore(tmp_path / "store", slurm)
    products = store.build(_plan(_ANSWER))
    assert products.path("out/answer").read_text() == "it's; a word 17\n"
    assert products.log.read_text() == "said\n"
    with pytest.raises(HardwareError, match=r"a job: sh: exit status 7: error: no luck; see"):
        store.build(_plan("echo error: no luck; exit 7"))
    with pytest.raises(HardwareError, match="a job: stopped after 1 s, the time limit"):
        store.build(_plan("sleep 100"), timeout_s=1)
    plan = _plan("while [ ! -e ../../../go ]; do sleep 0.1; done; " + _ANSWER)
    (tmp_path / "folder" / "in").mkdir(parents=True)
    plan.write(tmp_path / "folder")
    slurm.start(plan, tmp_path / "folder")  # and this process ends
    (tmp_path / "go").touch()
    assert store.build(plan).path("out/answer").read_text() == "it's; a word 17\n"
    assert list((tmp_path / "jobs").iterdir()) == []


@pytest.mark.slow
@pytest.mark.usefixtures("slurm")
def test_what_slurm_refuses_is_told(tmp_path: Path) -> None:
    (tmp_path / "header").write_text("#SBATCH --partition=none\n")
    wrong = SlurmRunner(tmp_path / "header", tmp_path / "jobs")
    with pytest.raises(HardwareError, match=r"sbatch: .*invalid partition.*; correct the file"):
        BuildStore(tmp_path / "store", wrong).build(_plan(_ANSWER))

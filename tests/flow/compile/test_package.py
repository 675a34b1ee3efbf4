# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Files and folders for boards."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from hashing_kernel import write_hashing_kernel
from virtual_board import GEOMETRY

from flow.classifier import Images, Logits
from flow.cli import main
from flow.compile.opening import OpenedAccelerator
from flow.compile.package import BOARDS, write_package
from flow.errors import FlowError
from hw.runner.package import Package
from hw.shell.kernel import write_kernel
from hw.shell.settings import KernelSettings


class _Network:
    """What the stand-in for an accelerator computes."""

    def logits(self, images: Images) -> Logits:
        return GEOMETRY.results(images.reshape(len(images), -1))


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> OpenedAccelerator:
    """An accelerator that is quick to compile."""
    kernel = write_hashing_kernel(GEOMETRY, tmp_path_factory.mktemp("package"))
    return OpenedAccelerator(kernel.accelerator, cast(Any, _Network()))


def _noise(opened: OpenedAccelerator, count: int) -> Images:
    shape = (count, *opened.accelerator.manifest.input.shape)
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def _unpack(archive: Path) -> None:
    """Unpack it where it lies, as a board's host can."""
    command = [sys.executable, "-m", "tarfile", "-e", archive.name]
    subprocess.run(command, cwd=archive.parent, check=True, capture_output=True)


@pytest.mark.slow
def test_the_virtual_board_checks_itself(opened: OpenedAccelerator, tmp_path: Path) -> None:
    archive = tmp_path / "there" / "p.tar.gz"
    write_package(opened, _noise(opened, 9), archive, board="virtual", build_dir=tmp_path / "build")
    _unpack(archive)
    done = subprocess.run(
        [sys.executable, "-m", "runner", "check", "."],
        cwd=archive.parent / "package-virtual",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "9 of 9 images exact" in done.stdout


def test_equal_inputs_give_equal_archives(opened: OpenedAccelerator, tmp_path: Path) -> None:
    names, counts = ("a.tar.gz", "other/b.tar.gz", "c.tar.gz"), (2, 2, 3)
    found = [
        write_package(
            opened, _noise(opened, count), tmp_path / name, board="pynq-z2", build_dir=tmp_path
        ).read_bytes()
        for name, count in zip(names, counts, strict=True)
    ]
    assert found[0] == found[1] != found[2]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tar.gz", "c.tar.gz", "other"]


def test_an_archive_replaces_the_one_before(opened: OpenedAccelerator, tmp_path: Path) -> None:
    archive = tmp_path / "p.tar.gz"
    archive.write_text("of another time")
    write_package(opened, _noise(opened, 2), archive, board="u250", build_dir=tmp_path)
    _unpack(archive)
    images, expected = Package.load(tmp_path / "package-u250").examples()
    np.testing.assert_array_equal(images, _noise(opened, 2))
    np.testing.assert_array_equal(expected, _Network().logits(images))


def test_the_command_says_how_to_unpack(
    opened: OpenedAccelerator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("flow.compile.opening.open_accelerator", lambda _: opened)
    assert main(["package", str(tmp_path), "--board", "zcu104"]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["package-zcu104.tar.gz"]
    told, about = capsys.readouterr().out.splitlines()
    assert about.endswith("or put kernel.bit beside board.json")
    unpack, change, check = told.split("; there: ")[1].split(" && ")
    assert unpack == "python3 -m tarfile -e package-zcu104.tar.gz"
    assert (change, check) == ("cd package-zcu104", "python3 -m runner check .")
    _unpack(tmp_path / "package-zcu104.tar.gz")
    assert Package.load(tmp_path / "package-zcu104").examples()[0].shape[0] == 64


def test_the_command_writes_a_folder_where_the_name_is_of_none(
    opened: OpenedAccelerator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("flow.compile.opening.open_accelerator", lambda _: opened)
    folder = tmp_path / "p"
    assert main(["package", str(tmp_path), "--board", "u250", "--output", str(folder)]) == 0
    assert capsys.readouterr().out.splitlines()[0].endswith("; there: python3 -m runner check .")
    assert Package.load(folder).backend == "alveo"


@pytest.mark.parametrize("board", [name for name in BOARDS if name != "virtual"])
def test_a_board_gets_the_width_of_its_port(
    board: str, opened: OpenedAccelerator, tmp_path: Path
) -> None:
    folder = write_package(
        opened, _noise(opened, 2), tmp_path / "p", board=board, build_dir=tmp_path
    )
    package = Package.load(folder)
    names = {"zynq": "hashing_kernel", "alveo": "kernel_ip", "uart": "/dev/ttyUSB0"}
    assert (package.backend, package.kernel) == (BOARDS[board].backend, names[package.backend])
    assert package.product.name == BOARDS[board].product
    assert f'"data_bits": {BOARDS[board].data_bits}' in (folder / "kernel.json").read_text()


def test_a_folder_under_the_archives_name_stays(opened: OpenedAccelerator, tmp_path: Path) -> None:
    taken = tmp_path / "p.tar.gz"
    taken.mkdir()
    with pytest.raises(FlowError, match=r"p\.tar\.gz is a folder, and the name of an archive"):
        write_package(opened, _noise(opened, 1), taken, board="u250", build_dir=tmp_path)
    assert taken.is_dir()


def test_what_cannot_be_packaged_is_told(opened: OpenedAccelerator, tmp_path: Path) -> None:
    alone = OpenedAccelerator(opened.accelerator, None)
    for what, count, board, message in (
        (opened, 1, "pynq_z2", r"board 'pynq_z2' is not known; did you mean 'pynq-z2'"),
        (alone, 1, "virtual", "has no network beside it"),
        (opened, 0, "virtual", "no images for the check on the board"),
    ):
        with pytest.raises(FlowError, match=message):
            write_package(
                what, _noise(opened, count), tmp_path / "p", board=board, build_dir=tmp_path
            )


def test_a_board_of_one_s_own_gets_its_package(
    opened: OpenedAccelerator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flow.compile.opening.open_accelerator", lambda _: opened)
    about = "kind: zynq-7000\nname: mine\ntitle: M\npart_name: xc7z020clg400-1\nmemory: 1G\n"
    (tmp_path / "b.yaml").write_text(about)
    assert main(["package", str(tmp_path), "--board", str(tmp_path / "b.yaml")]) == 0
    _unpack(tmp_path / "package-mine.tar.gz")
    assert Package.load(tmp_path / "package-mine").backend == "zynq"


def test_a_package_says_how_many_compute_units_there_are(
    opened: OpenedAccelerator, tmp_path: Path
) -> None:
    built = tmp_path / "built"
    write_kernel(opened.accelerator, built / "kernel", KernelSettings(data_bits=512))
    (built / "products").mkdir()
    (built / "products" / "kernel.xclbin").write_text("of Vitis")
    record = {"board": "u250", "digest": "ab", "clock_mhz": 291, "compute_units": 3}
    (built / "bitstream.json").write_text(json.dumps(record))
    target = tmp_path / "package"
    write_package(
        opened, _noise(opened, 2), target, board="u250", build_dir=tmp_path, bitstream=built
    )
    assert (Package.load(target).units, Package.load(target).kernel) == (3, "kernel_ip")


def _built(opened: OpenedAccelerator, folder: Path) -> Path:
    """Write what `bitstream` leaves of a build, with stand-ins for Vivado's files."""
    port = KernelSettings(data_bits=BOARDS["pynq-z2"].data_bits)
    write_kernel(opened.accelerator, folder / "kernel", port)
    (folder / "products").mkdir()
    for suffix in ("bit", "hwh", "rpt"):
        (folder / "products" / f"kernel.{suffix}").write_text(f"of Vivado: {suffix}")
    record = {"board": "pynq-z2", "digest": "ab", "clock_mhz": 87.5}
    (folder / "bitstream.json").write_text(json.dumps(record))
    return folder


def test_a_bitstream_that_was_built_goes_along(opened: OpenedAccelerator, tmp_path: Path) -> None:
    built = _built(opened, tmp_path / "bitstream-pynq-z2")
    target = tmp_path / "package"
    write_package(
        opened, _noise(opened, 2), target, board="pynq-z2", build_dir=tmp_path, bitstream=built
    )
    package = Package.load(target)
    assert package.product.read_text() == "of Vivado: bit"
    assert package.product.with_suffix(".hwh").read_text() == "of Vivado: hwh"
    assert package.description.clock_mhz == 87.5  # not what was compiled for
    assert not (target / "kernel.rpt").exists()


@pytest.mark.parametrize(
    ("board", "damage", "message"),
    [
        ("pynq-z1", "", "was built for pynq-z2 from the accelerator"),
        ("pynq-z2", "bitstream.json", "bitstream.json: cannot be read"),
        ("pynq-z2", "products/kernel.bit", "kernel.bit: is missing; run `steelflow bitstream`"),
        ("virtual", "", "the virtual board takes no bitstream"),
    ],
)
def test_another_bitstream_is_refused(
    board: str, damage: str, message: str, opened: OpenedAccelerator, tmp_path: Path
) -> None:
    built = _built(opened, tmp_path / "built")
    if damage:
        (built / damage).unlink()
    with pytest.raises(FlowError, match=message):
        write_package(
            opened,
            _noise(opened, 2),
            tmp_path / "package",
            board=board,
            build_dir=tmp_path,
            bitstream=built,
        )
    assert not (tmp_path / "package").exists()

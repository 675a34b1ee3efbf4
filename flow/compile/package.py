# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What a board gets, in one file: kernel, runner, and images with the logits they must give."""

import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import hw.runner
from flow.classifier import Images
from flow.compile.bitstream import find_products
from flow.compile.opening import OpenedAccelerator
from flow.errors import FlowError
from flow.storage.archive import ARCHIVE_SUFFIX, write_archive
from flow.storage.workspace import output_folder
from hw import boards
from hw.boards import Board
from hw.runner.package import BOARD_FILE, SCHEMA
from hw.shell.kernel import KERNEL_FILE, Kernel, write_kernel
from hw.shell.settings import KernelSettings
from hw.verilator.kernel import build_kernel
from steelflow_names import hint

__all__ = ["BOARDS", "BoardKind", "board_kind", "write_package"]

_RUNNER = Path(hw.runner.__file__).parent
_PROGRAM, _KERNEL = "simulate", "kernel"


@dataclass(frozen=True)
class BoardKind:
    """A board's backend of the runner, its product, and the width of its memory port."""

    name: str
    backend: str
    product: str
    data_bits: int
    board: Board | None = None  # none for the virtual board

    @classmethod
    def of(cls, board: Board) -> "BoardKind":
        """Return that of a board."""
        return cls(board.name, board.backend, board.product, board.data_bits, board)


BOARDS = {"virtual": BoardKind("virtual", "virtual", _PROGRAM, 64)} | {
    board.name: BoardKind.of(board) for board in boards.BOARDS
}


def board_kind(name: str) -> BoardKind:
    """Return what is known of a board: a key of BOARDS, or a file that describes one.

    Raises:
        FlowError: an unknown name.
        HardwareError: a file that describes none.
    """
    if Path(name).suffix:
        return BoardKind.of(boards.find_board(name))
    if name not in BOARDS:
        raise FlowError(f"package: board {name!r} is not known{hint(name, BOARDS)}")
    return BOARDS[name]


def write_package(
    opened: OpenedAccelerator,
    images: Images,
    target: Path,
    *,
    board: str,
    build_dir: Path,
    bitstream: Path | None = None,
) -> Path:
    """Write the file or the folder; one that is there already is replaced at the end.

    The bitstream or xclbin is not made here: without one it is to be put beside board.json, under
    the name that this says. For the virtual board the program is compiled. Equal inputs give equal
    files.

    Args:
        opened: the accelerator and its network.
        images: uint8[N, H, W, C] for the check on the board, at least one.
        target: what is written: an archive that unpacks into package-BOARD/ where the name ends in
            .tar.gz, else a folder.
        board: its name or file, see board_kind.
        build_dir: where compiled programs are kept.
        bitstream: folder that `steelflow bitstream` has written for this board; its product goes
            along.

    Returns:
        The target as an absolute path.

    Raises:
        FlowError: an unknown board, no images, an accelerator without its network, a folder
            under the archive's name, or a bitstream of another accelerator.
        HardwareError: a tool is missing or failed.
    """
    kind, target = board_kind(board), target.resolve()
    packed = target.name.endswith(ARCHIVE_SUFFIX)
    _check(images, target, packed=packed)
    with (
        output_folder("package", target.parent),
        tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as scratch,
    ):
        new, archive, old = (Path(scratch) / name for name in ("new", "archive", "old"))
        kernel = _fill(opened, images, new, kind)
        _write_board(kernel, kind, new, build_dir)
        if bitstream is not None:
            _add_bitstream(bitstream, kernel, kind, new)
        if packed:
            write_archive(new, archive, f"package-{kind.name}")
        elif target.exists():
            target.rename(old)
        (archive if packed else new).replace(target)
    return target


def _check(images: Images, target: Path, *, packed: bool) -> None:
    if not len(images):
        raise FlowError("package: no images for the check on the board; give at least one")
    if packed and target.is_dir():
        raise FlowError(
            f"package: {target} is a folder, and the name of an archive; move it, or give another"
        )


def _fill(opened: OpenedAccelerator, images: Images, folder: Path, kind: BoardKind) -> Kernel:
    """Write into a new folder what all boards get; return the kernel in it."""
    if opened.network is None:
        raise FlowError(
            f"package: {opened.accelerator.folder} has no network beside it to tell the logits of "
            "the check; name the folder that compile has written"
        )
    port = KernelSettings(data_bits=kind.data_bits)
    kernel = write_kernel(opened.accelerator, folder / _KERNEL, port)
    shutil.copytree(_RUNNER, folder / "runner", ignore=shutil.ignore_patterns("__pycache__"))
    np.save(folder / "images.npy", images)
    np.save(folder / "expected.npy", opened.network.logits(images).astype(np.int32))
    return kernel


def _write_board(kernel: Kernel, kind: BoardKind, folder: Path, build_dir: Path) -> None:
    about = {
        "schema": SCHEMA,
        "backend": kind.backend,
        "product": kind.product,
        "kernel": kind.board.kernel_name(kernel) if kind.board else _KERNEL,
    }
    (folder / BOARD_FILE).write_text(json.dumps(about, indent=1) + "\n")
    shutil.copyfile(kernel.folder / KERNEL_FILE, folder / KERNEL_FILE)
    if kind.board is None:
        shutil.copy(build_kernel(kernel, build_dir), folder / kind.product)


def _add_bitstream(bitstream: Path, kernel: Kernel, kind: BoardKind, folder: Path) -> None:
    """Copy a board's product, and tell the clock and the compute units that it was built for."""
    if kind.board is None:
        raise FlowError("package: the virtual board takes no bitstream; name another board")
    found = find_products(bitstream, kernel, kind.board)
    for path in found.paths:
        shutil.copyfile(path, folder / path.name)
    _amend(folder / KERNEL_FILE, clock_mhz=found.clock_mhz)
    _amend(folder / BOARD_FILE, units=found.compute_units)


def _amend(path: Path, **values: float) -> None:
    about = json.loads(path.read_text()) | values
    path.write_text(json.dumps(about, indent=1) + "\n")

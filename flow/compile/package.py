# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""One folder for a board: kernel, runner, and images with the logits that they must give."""

import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import hw.runner
from flow.classifier import Images
from flow.compile.opening import OpenedAccelerator
from flow.errors import FlowError
from hw import boards
from hw.runner.package import BOARD_FILE, SCHEMA
from hw.shell.kernel import KERNEL_FILE, Kernel, write_kernel
from hw.shell.settings import KernelSettings
from hw.verilator.kernel import build_kernel
from steelflow_names import hint

__all__ = ["BOARDS", "BoardKind", "write_package"]

_RUNNER = Path(hw.runner.__file__).parent
_PROGRAM, _KERNEL = "simulate", "kernel"


@dataclass(frozen=True)
class BoardKind:
    """A board's backend of the runner, its product, and the width of its memory port."""

    backend: str
    product: str
    data_bits: int


BOARDS = {"virtual": BoardKind("virtual", _PROGRAM, 64)} | {
    board.name: BoardKind(board.backend, board.product, board.data_bits) for board in boards.BOARDS
}


def write_package(
    opened: OpenedAccelerator, images: Images, folder: Path, *, board: str, build_dir: Path
) -> Path:
    """Write the folder; one that is there already is replaced at the end.

    Vivado's or Vitis' product is not made here: it is to be put beside board.json, under the name
    that this says. For the virtual board the program is compiled.

    Args:
        opened: the accelerator and its network.
        images: uint8[N, H, W, C] for the check on the board, at least one.
        folder: what is written.
        board: a key of BOARDS.
        build_dir: where compiled programs are kept.

    Raises:
        FlowError: an unknown board, no images, or an accelerator without its network.
        HardwareError: a tool is missing or failed.
    """
    kind = BOARDS.get(board)
    if kind is None:
        raise FlowError(f"package: board {board!r} is not known{hint(board, BOARDS)}")
    if opened.network is None:
        raise FlowError(
            f"package: {opened.accelerator.folder} has no network beside it to tell the logits of "
            "the check; name the folder that compile has written"
        )
    if not len(images):
        raise FlowError("package: no images for the check on the board; give at least one")
    expected = opened.network.logits(images)
    folder = folder.resolve()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as scratch:
        new = Path(scratch) / "new"
        kernel = write_kernel(
            opened.accelerator, new / _KERNEL, KernelSettings(data_bits=kind.data_bits)
        )
        shutil.copytree(_RUNNER, new / "runner", ignore=shutil.ignore_patterns("__pycache__"))
        _write_board(kernel, board, new, build_dir)
        np.save(new / "images.npy", images)
        np.save(new / "expected.npy", expected.astype(np.int32))
        if folder.exists():
            folder.rename(Path(scratch) / "old")
        new.rename(folder)
    return folder


def _write_board(kernel: Kernel, board: str, folder: Path, build_dir: Path) -> None:
    kind, virtual = BOARDS[board], board == "virtual"
    about = {
        "schema": SCHEMA,
        "backend": kind.backend,
        "product": kind.product,
        "kernel": _KERNEL if virtual else boards.find_board(board).kernel_name(kernel),
    }
    (folder / BOARD_FILE).write_text(json.dumps(about, indent=1) + "\n")
    shutil.copyfile(kernel.folder / KERNEL_FILE, folder / KERNEL_FILE)
    if virtual:
        shutil.copy(build_kernel(kernel, build_dir), folder / kind.product)

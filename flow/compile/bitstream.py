# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""From an accelerator to a board's bitstream: the plan, the build, the check of its gates."""

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from flow.classifier import Images, check_images
from flow.compile.gates import GateCheck, compare, network_of
from flow.compile.opening import OpenedAccelerator
from flow.compile.result_folder import in_cache
from flow.compile.synthesis import known_synthesis
from flow.errors import FlowError
from flow.storage.records import write_json
from flow.storage.workspace import disk_errors_in_one_line, output_folder
from hw.boards import BitstreamReport, Board, BoardSettings
from hw.boards.board import unit_needs
from hw.build import BuildPlan, BuildProducts, BuildStore
from hw.build.places import runner_at
from hw.ecp5.gates import build_gates
from hw.ecp5.result import read_result
from hw.errors import HardwareError
from hw.runner.backends.uart import UartDevice
from hw.runner.description import Description
from hw.runner.driver import Driver
from hw.shell.kernel import KERNEL_FILE, Kernel, write_kernel
from hw.shell.settings import KernelSettings
from hw.verilator.uart import uart_terminal

__all__ = [
    "Bitstream",
    "BuiltProducts",
    "build_bitstream",
    "check_gates",
    "find_products",
    "plan_bitstream",
]

_KERNEL, _PLAN, _PRODUCTS, _RECORD = "kernel", "plan", "products", "bitstream.json"
_ANSWER_S = 300.0  # of gates in simulation


@dataclass(frozen=True)
class Bitstream:
    """A built bitstream.

    Attributes:
        folder: with kernel/, products/ and bitstream.json.
        products: in the cache, by the plan's digest.
        report: clock, timing and utilisation.
        beside: other counts of the resources: "estimated", and "Yosys" where `synth` was run.
    """

    folder: Path
    kernel: Kernel
    board: Board
    products: BuildProducts
    report: BitstreamReport
    beside: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class BuiltProducts:
    """Files that a board loads, as `build_bitstream` left them, their clock and compute units."""

    paths: tuple[Path, ...]
    clock_mhz: float
    compute_units: int


def plan_bitstream(
    opened: OpenedAccelerator, board: Board, settings: BoardSettings, folder: Path
) -> tuple[Kernel, BuildPlan]:
    """Write the kernel and the plan of its bitstream into a folder: kernel/ and plan/.

    plan/plan.json holds the digest and the command; the folder needs nothing else than the tool.

    Raises:
        HardwareError: an accelerator for another part, or an impossible setting.
        FlowError: the folder cannot be written.
    """
    port = KernelSettings(data_bits=board.data_bits)
    with output_folder("bitstream", folder):
        kernel = write_kernel(opened.accelerator, folder / _KERNEL, port)
        board.check_units(kernel, settings.compute_units)
        plan = board.plan(kernel, settings)
        about = {name: getattr(plan, name) for name in ("digest", "command", "products")}
        with _replaced(folder / _PLAN) as target:
            target.mkdir()
            plan.write(target)
            write_json(target / "plan.json", about | {"tools": dict(plan.tools)})
    return kernel, plan


@contextmanager
def _replaced(target: Path) -> Iterator[Path]:
    """Give the block a path for a new folder, which takes the target's place at the end."""
    with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as scratch:
        new, old = Path(scratch) / "new", Path(scratch) / "old"
        yield new
        if target.exists():
            target.rename(old)
        new.rename(target)


def build_bitstream(
    opened: OpenedAccelerator,
    board: Board,
    settings: BoardSettings,
    folder: Path,
    *,
    place: str = "local",
    timeout_s: float | None = None,
) -> Bitstream:
    """Build a bitstream, or find the one that an equal plan has left, and copy it to products/.

    Args:
        opened: the accelerator.
        board: what it is built for.
        settings: clock and attempts.
        folder: of the results.
        place: where the tools run, see hw.build.places; products are in this machine's cache.
        timeout_s: limit for the tools.

    Raises:
        HardwareError: as plan_bitstream; a tool is missing or failed; timing is not met.
    """
    kernel, plan = plan_bitstream(opened, board, settings, folder)
    with in_cache("bitstreams") as store_dir:
        store = BuildStore(store_dir, runner_at(place, store_dir / "queue"))
        if place == "local" and store.find(plan) is None:
            _require_tools(board)
        products = store.build(plan, timeout_s)
    report = board.report(products)
    record = {
        "board": board.name,
        "digest": plan.digest,
        "tools": dict(plan.tools),
        "compute_units": settings.compute_units,
        "beside": (beside := _other_counts(kernel, board, settings.compute_units)),
    }
    with disk_errors_in_one_line("bitstream", folder):
        with _replaced(folder / _PRODUCTS) as target:
            shutil.copytree(products.folder, target)
        write_json(folder / _RECORD, record | asdict(report))
    return Bitstream(folder, kernel, board, products, report, beside)


def _other_counts(kernel: Kernel, board: Board, units: int) -> dict[str, dict[str, float]]:
    """Return the resources of all units by the layers' estimates, and by Yosys where it is known.

    Both are of layers and FIFOs, without the shell and what the tool puts round it.
    """
    needs = unit_needs(kernel, board.part).items()
    found = {"estimated": {name: units * needed for name, (needed, _) in needs}}
    counted = known_synthesis(kernel.accelerator)
    if counted:
        each = {"LUT": counted.lut, "FF": counted.ff, "BRAM36": counted.bram36, "DSP": counted.dsp}
        found["Yosys"] = {name: units * count for name, count in each.items()}
    return found


def find_products(folder: Path, kernel: Kernel, board: Board) -> BuiltProducts:
    """Return what `build_bitstream` has left in a folder, for this kernel on this board.

    Raises:
        FlowError: nothing is there that was built, or it is another kernel's or board's.
    """
    again = f"run `steelflow bitstream` for {board.name} again, or move the folder away"
    path = folder / _RECORD
    try:
        record = json.loads(path.read_text())
        clock_mhz, built_for = float(record["clock_mhz"]), record["board"]
        units = int(record.get("compute_units", 1))
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise FlowError(f"{path}: cannot be read ({error}); {again}") from error
    digest = Kernel.load(folder / _KERNEL).manifest.digest
    if (built_for, digest) != (board.name, kernel.manifest.digest):
        raise FlowError(
            f"{folder}: was built for {built_for} from the accelerator {digest}, not for "
            f"{board.name} from {kernel.manifest.digest}; {again}"
        )
    product = folder / _PRODUCTS / board.product
    if not product.is_file():
        raise FlowError(f"{product}: is missing; {again}")
    beside = product.with_suffix(".hwh")  # PYNQ reads the addresses there
    return BuiltProducts((product, *([beside] if beside.is_file() else [])), clock_mhz, units)


def check_gates(opened: OpenedAccelerator, found: Bitstream, images: Images) -> GateCheck:
    """Send images to the placed gates, over their UART, and compare every value.

    Args:
        opened: with its network.
        found: of a board whose tools give the placed netlist.
        images: uint8[N, H, W, C].

    Raises:
        FlowError: there is no network to compare with, or no netlist of gates.
        HardwareError: a tool failed.
    """
    if found.board.backend != "uart":
        raise FlowError(
            f"gates: {found.board.name}'s tools give no netlist that can be simulated here; check "
            "the gates of ulx3s-85f"
        )
    network = network_of(opened)
    check_images(images, network.input_shape)
    with in_cache("verilator") as build_dir:
        program = build_gates(found.products, build_dir)
    about = Description.load(found.kernel.folder / KERNEL_FILE)
    result = read_result(found.products)
    terminal = uart_terminal(
        program,
        clock_hz=result.clock_hz,
        baud=_baud(found),
        quiet_cycles=round(100_000 + 8 * about.cycles_per_frame + about.watchdog_cycles),
    )
    with terminal as port:
        device = UartDevice(str(port), baud=_baud(found), answer_s=_ANSWER_S)
        with Driver(device, about) as driver:
            return compare(driver, network, images)


def _baud(found: Bitstream) -> int:
    baud = getattr(found.board, "baud", None)
    assert isinstance(baud, int), "boards with a UART have a baud rate"
    return baud


def _require_tools(board: Board) -> None:
    for tool in board.missing:
        name = tool.name.removeprefix("package:")
        raise HardwareError(f"{board.name}: {name} is not here; install it: {tool.remedy}")

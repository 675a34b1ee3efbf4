# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The ways in which a matrix layer can be built, and what each takes of a part."""

from dataclasses import dataclass
from typing import Any, Protocol

from hw.layers.matrix_cost import dsp_resources, lut_resources
from hw.layers.matrix_rules import dsp_unit, unit_problem
from hw.layers.matrix_shape import MatrixShape
from hw.layers.weight_memory import block_rams, lut_rom, stretch_luts

__all__ = ["MatrixOption", "chosen_option", "matrix_options"]


class MatrixLayer(Protocol):
    """What is asked of a matrix layer; hw.layers.matrix_unit.MatrixUnit is one."""

    def get_nodeattr(self, name: str) -> Any: ...  # noqa: ANN401 - as qonnx has it
    def set_nodeattr(self, name: str, value: Any) -> None: ...  # noqa: ANN401
    def shape(self) -> MatrixShape: ...
    def memory_size(self) -> tuple[int, int]: ...
    def chosen_unit(self, fpgapart: str) -> str: ...
    def memory_style(self, fpgapart: str) -> str: ...


@dataclass(frozen=True, kw_only=True)
class MatrixOption:
    """A unit and a place for the weights, with the predicted resources of both."""

    unit: str  # "lut", "dsp" or "mul"
    ram_style: str  # "block" or "distributed"
    lut: float
    dsp: int
    bram36: float

    def apply(self, layer: MatrixLayer) -> None:
        """Set the attributes by which the layer's code is generated so."""
        layer.set_nodeattr("unit", self.unit)
        layer.set_nodeattr("ram_style", self.ram_style)


def matrix_options(layer: MatrixLayer, fpgapart: str) -> list[MatrixOption]:
    """Return every way to build a layer with its present folding, two or four.

    The layer's own wishes (unit, ram_style) are heeded.
    """
    wished = {"unit": layer.get_nodeattr("unit"), "style": layer.get_nodeattr("ram_style")}
    possible = {
        dsp_unit(fpgapart): bool(layer.get_nodeattr("dsp_possible")),
        "lut": not unit_problem(layer),
    }
    units = [unit for unit in possible if possible[unit] and wished["unit"] in ("", unit)]
    styles = [s for s in ("block", "distributed") if wished["style"] in ("auto", s)]
    return [_option(layer, unit, style, fpgapart) for unit in units for style in styles]


def chosen_option(layer: MatrixLayer, fpgapart: str) -> MatrixOption:
    """Return the way in which the layer would be built by itself."""
    return _option(layer, layer.chosen_unit(fpgapart), layer.memory_style(fpgapart), fpgapart)


def _option(layer: MatrixLayer, unit: str, style: str, fpgapart: str) -> MatrixOption:
    shape, memory = layer.shape(), layer.memory_size()
    memory_luts = lut_rom if style == "distributed" else stretch_luts
    if unit == "lut":
        resources = lut_resources(shape, fpgapart)
    else:
        resources = dsp_resources(shape, fpgapart, narrow=True)
    return MatrixOption(
        unit=unit,
        ram_style=style,
        lut=resources.lut + memory_luts(*memory, fpgapart),
        dsp=resources.dsp,
        bram36=resources.bram36 + (block_rams(*memory, fpgapart) if style == "block" else 0.0),
    )

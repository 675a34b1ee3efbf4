# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What FINN's two matrix operators share when our unit can take the place of FINN's."""

from abc import abstractmethod
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from finn.custom_op.fpgadataflow.hwcustomop import HWCustomOp
from finn.custom_op.fpgadataflow.rtlbackend import RTLBackend
from finn.util.basic import is_versal
from numpy.typing import NDArray
from onnx import GraphProto
from qonnx.core.datatype import BaseDataType
from qonnx.core.modelwrapper import ModelWrapper

from hw.errors import HardwareError
from hw.layers.cores import RTL_FOLDER, core_sources
from hw.layers.matrix_cost import (
    UnitCost,
    choose_unit,
)
from hw.layers.matrix_memory import (
    fold_weights,
    stream_elements,
    weight_bits,
    write_memory,
    write_runtime,
)
from hw.layers.matrix_options import chosen_option
from hw.layers.matrix_rules import UNIT_ATTRIBUTES, dsp_possible, dsp_unit, unit_problem
from hw.layers.matrix_shape import MatrixShape
from hw.layers.matrix_wrapper import render_matrix_wrapper
from hw.layers.weight_memory import (
    WEIGHT_MEMORY,
    memory_style,
    render_weight_memory,
)

__all__ = ["MatrixUnit"]


class MatrixUnit(RTLBackend):
    """An RTL matrix operator with a choice of units; stands before FINN's class among the bases.

    Attributes, shapes and datatypes are those of FINN's operator and `UNIT_ATTRIBUTES`. The unit
    is chosen when the code is generated, from the folding that the node then has.
    """

    finn_op: ClassVar[type[HWCustomOp]]

    @abstractmethod
    def shape(self) -> MatrixShape:
        """Return size, folding and number formats."""

    @abstractmethod
    def matrix(self, weights: NDArray[Any]) -> NDArray[Any]:
        """Return the weights as a matrix [inputs, outputs]."""

    @abstractmethod
    def execute_in_python(self, context: dict[str, NDArray[Any]], graph: GraphProto) -> None:
        """Compute the output in `context`."""

    def get_nodeattr_types(self) -> dict[str, Any]:
        """Return FINN's attributes and ours."""
        return dict(self.finn_op.get_nodeattr_types(self)) | UNIT_ATTRIBUTES

    def chosen_unit(self, fpgapart: str) -> str:
        """Return "dsp", "lut" or "mul": as the node says, else what costs less on the part.

        Raises:
            HardwareError: the node asks for a unit that cannot compute it.
        """
        possible, slices = bool(self.get_nodeattr("dsp_possible")), dsp_unit(fpgapart)
        wish = str(self.get_nodeattr("resType"))
        asked = self.get_nodeattr("unit") or {"auto": "", "dsp": slices}.get(wish, wish)
        if asked not in ("", "lut") and not (possible and asked == slices):
            raise HardwareError(
                f"{self.onnx_node.name}: no {asked} unit computes {self.get_input_datatype(1)} "
                f"weights times {self.get_input_datatype(0)} on {fpgapart}; set unit to lut"
            )
        if asked or not possible:
            return asked or "lut"
        if unit_problem(self) or is_versal(fpgapart):
            return slices
        cost = UnitCost.of_part(fpgapart, float(self.get_nodeattr("lut_per_dsp")))
        return choose_unit(self.shape(), fpgapart, cost, narrow=True)

    def generate_hdl(self, model: ModelWrapper, fpgapart: str, clk: float) -> None:
        """Write the unit's wrapper, the weight memory and its contents to code_gen_dir_ipgen.

        Raises:
            HardwareError: no unit can compute the node, with the reason.
        """
        self.set_nodeattr("dsp_possible", int(dsp_possible(self, fpgapart, model)))
        unit = self.chosen_unit(fpgapart)
        self.set_nodeattr("unit", unit)
        if unit == "dsp":
            self.finn_op.generate_hdl(self, model, fpgapart, clk)
            return
        problem = unit_problem(self)
        if problem:
            raise HardwareError(f"{self.onnx_node.name}: {problem}")
        folder = Path(self.get_nodeattr("code_gen_dir_ipgen"))
        module = str(self.get_verilog_top_module_name())
        self.generate_params(model, str(folder))
        text = render_matrix_wrapper(module, self.shape(), multiply=unit == "mul")
        (folder / f"{module}_wrapper.v").write_text(text)
        self.set_nodeattr("gen_top_module", module)
        self.generate_hdl_memstream(fpgapart)
        self.set_nodeattr("ipgen_path", str(folder))  # FINN's passes look for these two
        self.set_nodeattr("ip_path", str(folder))

    def generate_hdl_memstream(
        self,
        fpgapart: str,
        pumped_memory: int = 0,
        **named: Any,  # noqa: ANN401 - FINN's, of layers with several streamers
    ) -> None:
        """Write our weight memory in place of FINN's streamer where the weights never change.

        FINN's reads eight words ahead into a queue of a LUT or more for each bit of a word.
        """
        if named or pumped_memory or not self._never_written():
            self.finn_op.generate_hdl_memstream(self, fpgapart, pumped_memory, **named)
            return
        folder = Path(self.get_nodeattr("code_gen_dir_ipgen"))
        module = f"{self.onnx_node.name}_memstream_wrapper"
        words, width = self.memory_size()
        text = render_weight_memory(
            module,
            words=words,
            width=width,
            style=self.memory_style(fpgapart),
            init_file=folder / "memblock.dat",
        )
        (folder / f"{module}.v").write_text(text)

    def memory_style(self, fpgapart: str) -> str:
        """Return "block", "distributed" or "ultra": as ram_style says, else what costs less."""
        asked = str(self.get_nodeattr("ram_style"))
        return memory_style(*self.memory_size(), fpgapart) if asked == "auto" else asked

    def _never_written(self) -> bool:
        changing = ("runtime_writeable_weights", "bodies", *self._special_memories())
        known = self.get_nodeattr_types()
        written = any(self.get_nodeattr(name) for name in changing if name in known)
        return not written and self.get_nodeattr("ram_style") != "ultra"

    def make_weight_file(
        self, weights: NDArray[Any], weight_file_mode: str, weight_file_name: str
    ) -> None:
        """Write weights as FINN does, but for order: our unit takes bit planes.

        Modes are FINN's: decoupled_npy, decoupled_verilog_dat and decoupled_runtime; others are
        left to FINN.
        """
        path, ours = Path(weight_file_name), self._is_ours()
        plain = not any(self.get_nodeattr(name) for name in self._special_memories())
        if (weight_file_mode == "decoupled_npy" and not ours) or not plain:
            self.finn_op.make_weight_file(self, weights, weight_file_mode, weight_file_name)
            return
        shape, datatype = self.shape(), self.get_input_datatype(1)
        folded = fold_weights(self.matrix(weights), shape.pe, shape.simd)
        bits = weight_bits(folded, datatype, planes=ours)
        if weight_file_mode == "decoupled_npy":
            np.save(path, stream_elements(bits, self.simulated_weights())[np.newaxis])
        elif weight_file_mode == "decoupled_verilog_dat":
            write_memory(bits, path)
        elif weight_file_mode == "decoupled_runtime":
            write_runtime(bits, path)
        else:
            self.finn_op.make_weight_file(self, weights, weight_file_mode, weight_file_name)

    def simulated_weights(self) -> BaseDataType:
        """Return the datatype as which FINN's rtlsim reads the weights of decoupled_npy."""
        return self.get_input_datatype(1)

    def _is_ours(self) -> bool:
        return self.get_nodeattr("unit") in ("lut", "mul")

    def _special_memories(self) -> list[str]:
        """Return the attributes that change the order of words in FINN's memory."""
        return [n for n in ("pumpedMemory", "mlo_max_iter") if n in self.get_nodeattr_types()]

    def minimize_weight_bit_width(
        self, model: ModelWrapper, datatype_only: bool = False
    ) -> BaseDataType:
        """Narrow the weights' datatype; BIPOLAR stays, which FINN would widen to INT2."""
        datatype = self.get_input_datatype(1)
        if datatype.name == "BIPOLAR":
            return datatype
        return self.finn_op.minimize_weight_bit_width(self, model, datatype_only)

    def get_rtl_file_list(self, abspath: bool = False) -> list[str]:
        """Return the sources of the unit, its wrapper among them; names alone unless `abspath`."""
        if not self._is_ours():
            return list(self.finn_op.get_rtl_file_list(self, abspath))
        folder = Path(self.get_nodeattr("code_gen_dir_ipgen"))
        files = [*core_sources(self.shape().core)]
        files.append(folder / f"{self.get_nodeattr('gen_top_module')}_wrapper.v")
        return [str(file) if abspath else file.name for file in files]

    def get_verilog_paths(self) -> list[str]:
        """Return the folders of the sources."""
        if not self._is_ours():
            return list(self.finn_op.get_verilog_paths(self))
        return [str(self.get_nodeattr("code_gen_dir_ipgen")), str(RTL_FOLDER)]

    def instantiate_ip(self, cmd: list[str]) -> None:
        """Append the Tcl that adds the unit to the node's hierarchy of a Vivado block design."""
        if self._never_written():
            cmd += [f"add_files -norecurse {file}" for file in WEIGHT_MEMORY]
        if not self._is_ours():
            self.finn_op.instantiate_ip(self, cmd)
            return
        name, top = self.onnx_node.name, self.get_nodeattr("gen_top_module")
        cell, clock = f"{name}/{name}", self.get_verilog_top_module_intf_names()["clk"][0]
        cmd += [f"add_files -norecurse {file}" for file in self.get_rtl_file_list(abspath=True)]
        cmd.append(f"create_bd_cell -type hier -reference {top} /{cell}")
        pins = f"[get_bd_pins {name}/{clock}] [get_bd_pins {cell}/ap_clk2x]"
        cmd.append(f"connect_bd_net {pins}")

    def execute_node(self, context: dict[str, NDArray[Any]], graph: GraphProto) -> None:
        """Compute the output in `context`, by RTL simulation or in Python."""
        if self.get_nodeattr("exec_mode") == "rtlsim":
            self.finn_op.execute_node(self, context, graph)
        else:
            self.execute_in_python(context, graph)

    def lut_estimation(self, fpgapart: str) -> int:
        """Return the LUTs of the unit that would be chosen and of its weight memory."""
        return round(chosen_option(self, fpgapart).lut)

    def bram_estimation(self, fpgapart: str) -> int:
        """Return the 18 kbit block RAMs of the weight memory and of the repeated vector."""
        return round(2 * chosen_option(self, fpgapart).bram36)

    def memory_size(self) -> tuple[int, int]:
        """Return words and width of the weight memory."""
        return int(self.calc_wmem()), int(self.get_instream_width(1))

    def dsp_estimation(self, fpgapart: str) -> int:
        """Return the DSP slices of the unit that would be chosen."""
        return chosen_option(self, fpgapart).dsp

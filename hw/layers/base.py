# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What our RTL layers share: a FINN operator whose beats all pass at one a cycle."""

import copy
import math
from abc import abstractmethod
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from finn.custom_op.fpgadataflow.hwcustomop import HWCustomOp
from finn.custom_op.fpgadataflow.rtlbackend import RTLBackend
from numpy.typing import NDArray
from onnx import GraphProto
from qonnx.core.datatype import BaseDataType
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.custom_op.registry import getCustomOp

from hw.errors import HardwareError
from hw.layers._wrapper import Port, Wrapper, render_wrapper
from hw.layers.cores import core_sources

__all__ = ["StreamLayer", "is_integer", "is_signed"]


def is_integer(datatype: BaseDataType) -> bool:
    """Say whether values are the two's complement or plain number in their bits."""
    return bool(datatype.is_integer()) and datatype.name != "BIPOLAR"


def is_signed(datatype: BaseDataType) -> int:
    """Return 1 for two's complement; the bit of BIPOLAR is ordered like an unsigned one."""
    return int(datatype.signed() and datatype.name != "BIPOLAR")


class StreamLayer(RTLBackend):
    """An RTL layer of ours; stands before FINN's operator in a class's list of bases.

    The node's attributes, shapes and datatypes are those of FINN's operator. Executed with
    exec_mode "rtlsim" it runs its RTL, otherwise FINN's Python.
    """

    finn_op: ClassVar[type[HWCustomOp]]
    cores: ClassVar[tuple[str, ...]]  # modules of hw/rtl/layers

    @abstractmethod
    def problem(self) -> str:
        """Return why this node has no RTL, or nothing; needs the node alone."""

    @abstractmethod
    def wrapper(self, module: str, folder: Path) -> Wrapper:
        """Return the module with FINN's ports; `folder` is where memory files are written."""

    def memory(self, model: ModelWrapper) -> dict[str, str]:  # noqa: ARG002
        """Return memory files that the wrapper reads, by name."""
        return {}

    def simulate_without_constant(
        self, context: dict[str, NDArray[Any]], graph: GraphProto
    ) -> None:
        """Run the RTL; FINN would feed the second input as a stream, and it is in the RTL."""
        node = copy.deepcopy(self.onnx_node)
        del node.input[1]
        streams = getCustomOp(node)
        RTLBackend.execute_node(streams, context, graph)
        self.set_nodeattr("cycles_rtlsim", streams.get_nodeattr("cycles_rtlsim"))

    def get_nodeattr_types(self) -> dict[str, Any]:
        """Return FINN's attributes of the operator; by default a FIFO depth a stream."""
        node = self.onnx_node
        types: dict[str, Any] = dict(self.finn_op.get_nodeattr_types(self))
        types |= RTLBackend.get_nodeattr_types(self)
        types["inFIFODepths"] = ("ints", False, [2] * len(node.input))
        types["outFIFODepths"] = ("ints", False, [2] * len(node.output))
        return types

    def generate_hdl(self, model: ModelWrapper, fpgapart: str, clk: float) -> None:  # noqa: ARG002
        """Write the wrapper and its memory files to the node's code_gen_dir_ipgen.

        Raises:
            HardwareError: the node has no RTL, with the reason.
        """
        name = self.onnx_node.name
        problem = self.problem()
        if problem:
            raise HardwareError(f"{name}: {problem}")
        folder = Path(self.get_nodeattr("code_gen_dir_ipgen"))
        module = self.get_verilog_top_module_name()
        for file, text in self.memory(model).items():
            (folder / file).write_text(text)
        (folder / f"{module}.v").write_text(render_wrapper(self.wrapper(module, folder)))
        self.set_nodeattr("gen_top_module", module)
        self.set_nodeattr("ipgen_path", str(folder))  # FINN's passes look for these two
        self.set_nodeattr("ip_path", str(folder))

    def get_rtl_file_list(self, abspath: bool = False) -> list[str]:
        """Return our sources, then the wrapper; names alone unless `abspath`."""
        folder = Path(self.get_nodeattr("code_gen_dir_ipgen"))
        files = [*core_sources(*self.cores)]
        files.append(folder / f"{self.get_nodeattr('gen_top_module')}.v")
        return [str(file) if abspath else file.name for file in files]

    def code_generation_ipi(self) -> list[str]:
        """Return the Tcl that adds the node to a Vivado block design."""
        added = [f"add_files -norecurse {file}" for file in self.get_rtl_file_list(abspath=True)]
        module, cell = self.get_nodeattr("gen_top_module"), self.onnx_node.name
        return [*added, f"create_bd_cell -type module -reference {module} {cell}"]

    def execute_node(self, context: dict[str, NDArray[Any]], graph: GraphProto) -> None:
        """Compute the outputs in `context`, by RTL simulation or in Python."""
        if self.get_nodeattr("exec_mode") == "rtlsim":
            RTLBackend.execute_node(self, context, graph)
        else:
            self.execute_in_python(context, graph)

    def execute_in_python(self, context: dict[str, NDArray[Any]], graph: GraphProto) -> None:
        """Compute the outputs as FINN's operator does."""
        self.finn_op.execute_node(self, context, graph)

    def get_exp_cycles(self) -> int:
        """Return the cycles between two frames: the beats of the longest stream."""
        node = self.onnx_node
        streams = [i for i in range(len(node.input)) if self.get_instream_width(i)]
        shapes = [self.get_folded_input_shape(i) for i in streams]
        shapes += [self.get_folded_output_shape(i) for i in range(len(node.output))]
        return max(math.prod(map(int, shape[:-1])) for shape in shapes)

    def get_number_output_values(self) -> int | dict[str, int]:
        """Return the beats of the output of a frame; by name if there are several outputs."""
        outputs = range(len(self.onnx_node.output))
        beats = {f"out{i}": int(np.prod(self.get_folded_output_shape(i)[:-1])) for i in outputs}
        return beats["out0"] if len(beats) == 1 else beats

    def input_ports(self) -> list[Port]:
        """Return the streams that enter."""
        widths = [int(self.get_instream_width(i)) for i in range(len(self.onnx_node.input))]
        return [Port(f"in{i}_V", width) for i, width in enumerate(widths) if width]

    def output_ports(self) -> list[Port]:
        """Return the streams that leave."""
        outputs = range(len(self.onnx_node.output))
        return [Port(f"out{i}_V", int(self.get_outstream_width(i))) for i in outputs]

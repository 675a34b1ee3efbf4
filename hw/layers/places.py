# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Pixels kept or dropped, rows repeated, and a factor for each pixel: operators of ours.

FINN has no operators of these meanings, so both are here: what stands in a graph before it is
specialised, and its RTL. Images are [1, H, W, C] of ImgDim [H, W] and NumChannels, in beats of PE
channels.
"""

import math
from pathlib import Path
from typing import Any

import numpy as np
from finn.custom_op.fpgadataflow.hwcustomop import HWCustomOp
from numpy.typing import NDArray
from onnx import GraphProto
from qonnx.core.datatype import BaseDataType, DataType
from qonnx.core.modelwrapper import ModelWrapper

from hw.errors import HardwareError
from hw.layers._wrapper import Core, Port, Wrapper, stream_pins
from hw.layers.base import StreamLayer, is_integer, is_signed
from hw.layers.weight_memory import block_rams
from hw.layers.written_memory import WrittenMemory, written_memory

__all__ = [
    "PixelRepeat",
    "PixelRepeat_rtl",
    "PixelScale",
    "PixelScale_rtl",
    "PixelSelect",
    "PixelSelect_rtl",
]

_FACTORS = "factors.dat"
_DISTRIBUTED_WORDS = 512  # more factors are in block RAM
# From synthesis with Yosys:
_CONTROL_LUTS = 10  # counters and handshake


class _PixelOperator(HWCustomOp):
    """What all have: an image that enters, an image that leaves."""

    def get_nodeattr_types(self) -> dict[str, Any]:
        """Return the attributes."""
        return dict(super().get_nodeattr_types()) | {
            "ImgDim": ("ints", True, []),
            "NumChannels": ("i", True, 0),
            "PE": ("i", True, 0),
            "inputDataType": ("s", True, ""),
        }

    def out_size(self) -> tuple[int, int]:
        """Return height and width of the output."""
        return self.size()

    def size(self) -> tuple[int, int]:
        """Return height and width of the input."""
        height, width = self.get_nodeattr("ImgDim")
        return int(height), int(width)

    def folds(self) -> int:
        """Return the beats of a pixel."""
        return int(self.get_nodeattr("NumChannels")) // int(self.get_nodeattr("PE"))

    def get_normal_input_shape(self, ind: int = 0) -> tuple[int, ...]:  # noqa: ARG002
        """Return [1, H, W, C]."""
        return (1, *self.size(), int(self.get_nodeattr("NumChannels")))

    def get_normal_output_shape(self, ind: int = 0) -> tuple[int, ...]:  # noqa: ARG002
        """Return [1, H', W', C]."""
        return (1, *self.out_size(), int(self.get_nodeattr("NumChannels")))

    def get_folded_input_shape(self, ind: int = 0) -> tuple[int, ...]:  # noqa: ARG002
        """Return [1, H, W, C / PE, PE]."""
        return (1, *self.size(), self.folds(), int(self.get_nodeattr("PE")))

    def get_folded_output_shape(self, ind: int = 0) -> tuple[int, ...]:  # noqa: ARG002
        """Return [1, H', W', C / PE, PE]."""
        return (1, *self.out_size(), self.folds(), int(self.get_nodeattr("PE")))

    def get_input_datatype(self, ind: int = 0) -> BaseDataType:  # noqa: ARG002
        """Return the type of a value."""
        return DataType[self.get_nodeattr("inputDataType")]

    def get_output_datatype(self, ind: int = 0) -> BaseDataType:  # noqa: ARG002
        """Return the type of a value."""
        return DataType[self.get_nodeattr("inputDataType")]

    def get_instream_width(self, ind: int = 0) -> int:
        """Return the bits of a beat; what is constant is no stream."""
        return 0 if ind else int(self.get_nodeattr("PE")) * self.get_input_datatype().bitwidth()

    def get_outstream_width(self, ind: int = 0) -> int:  # noqa: ARG002
        """Return the bits of a beat."""
        return int(self.get_nodeattr("PE")) * int(self.get_output_datatype().bitwidth())

    def infer_node_datatype(self, model: ModelWrapper) -> None:
        """Take the type of the input, and give that of the output."""
        node = self.onnx_node
        self.set_nodeattr("inputDataType", model.get_tensor_datatype(node.input[0]).name)
        model.set_tensor_datatype(node.output[0], self.get_output_datatype())

    def execute_node(self, context: dict[str, NDArray[Any]], graph: GraphProto) -> None:  # noqa: ARG002
        """Compute the output in `context`."""
        read = [context[name] for name in self.onnx_node.input]
        image = read[0].reshape(self.get_normal_input_shape())
        context[self.onnx_node.output[0]] = self.computed(image, *read[1:])

    def computed(self, image: NDArray[Any], *constants: NDArray[Any]) -> NDArray[Any]:
        """Return the output for an image [1, H, W, C]."""
        raise NotImplementedError


class _PixelLayer(StreamLayer):
    """The RTL of one of them; stands before it in a class's list of bases."""

    def problem(self) -> str:
        """Return nothing: any bits pass."""
        return ""

    def wrapper(self, module: str, folder: Path) -> Wrapper:  # noqa: ARG002
        """Return the core with FINN's ports."""
        into, out = self.input_ports(), self.output_ports()
        core = Core(
            module=self.cores[-1],
            parameters={**self.parameters(), "Bits": into[0].width_bits},
            pins=stream_pins("in", into, into=True)
            | stream_pins("out", out, into=False)
            | {"in_data_i": into[0].data, "out_data_o": out[0].data},
        )
        return Wrapper(module=module, inputs=into, outputs=out, cores=[core])

    def parameters(self) -> dict[str, str | int]:
        """Return the core's parameters but the width of a beat."""
        raise NotImplementedError

    def bram_estimation(self, fpgapart: str) -> int:  # noqa: ARG002
        """Return 0: nothing is in block RAM."""
        return 0

    def uram_estimation(self, fpgapart: str) -> int:  # noqa: ARG002
        """Return 0."""
        return 0


class PixelSelect(_PixelOperator):
    """Some rows and some columns: KeptRows and KeptColumns, ascending."""

    def get_nodeattr_types(self) -> dict[str, Any]:
        """Return the attributes."""
        kept: dict[str, Any] = {name: ("ints", True, []) for name in ("KeptRows", "KeptColumns")}
        return super().get_nodeattr_types() | kept

    def kept(self) -> tuple[list[int], list[int]]:
        """Return the rows and the columns."""
        rows, columns = (self.get_nodeattr(name) for name in ("KeptRows", "KeptColumns"))
        return [int(row) for row in rows], [int(column) for column in columns]

    def out_size(self) -> tuple[int, int]:
        """Return how many rows and columns are kept."""
        rows, columns = self.kept()
        return len(rows), len(columns)

    def computed(self, image: NDArray[Any], *constants: NDArray[Any]) -> NDArray[Any]:  # noqa: ARG002
        """Take them."""
        rows, columns = self.kept()
        return image[:, rows][:, :, columns]


class PixelSelect_rtl(_PixelLayer, PixelSelect):  # noqa: N801
    """Drops beats as they come."""

    finn_op = PixelSelect
    cores = ("stream_select",)

    def problem(self) -> str:
        """Return which rows or columns are not ascending and inside, or nothing."""
        for name, kept, size in zip(("row", "column"), self.kept(), self.size(), strict=True):
            if not kept or sorted({*kept}) != kept or kept[0] < 0 or kept[-1] >= size:
                return f"{name}s {kept} are not some of {size}, ascending"
        return ""

    def parameters(self) -> dict[str, str | int]:
        """Return the sizes, and what is kept as bits."""
        height, width = self.size()
        rows, columns = (sum(1 << place for place in kept) for kept in self.kept())
        return {
            "Height": height,
            "Width": width,
            "Folds": self.folds(),
            "Rows": f"{height}'h{rows:x}",
            "Columns": f"{width}'h{columns:x}",
        }

    def lut_estimation(self, fpgapart: str) -> int:  # noqa: ARG002
        """Return LUTs, from synthesis: counters, and a table of 64 places a LUT."""
        return _CONTROL_LUTS + sum(
            size.bit_length() + math.ceil(size / 64) for size in (*self.size(), self.folds())
        )


class PixelRepeat(_PixelOperator):
    """Every row `Times` times, one after the other; a column is a row of one pixel.

    OutDim is the size that the output has as an image, if not that of its rows.
    """

    def get_nodeattr_types(self) -> dict[str, Any]:
        """Return the attributes."""
        own: dict[str, Any] = {"Times": ("i", True, 2), "OutDim": ("ints", False, [])}
        return super().get_nodeattr_types() | own

    def times(self) -> int:
        """Return how often a row leaves."""
        return int(self.get_nodeattr("Times"))

    def out_size(self) -> tuple[int, int]:
        """Return rows and columns of the output."""
        given = [int(size) for size in self.get_nodeattr("OutDim")]
        height, width = given or (self.size()[0] * self.times(), self.size()[1])
        return height, width

    def computed(self, image: NDArray[Any], *constants: NDArray[Any]) -> NDArray[Any]:  # noqa: ARG002
        """Repeat."""
        return image.repeat(self.times(), axis=1).reshape(self.get_normal_output_shape())


class PixelRepeat_rtl(_PixelLayer, PixelRepeat):  # noqa: N801
    """Keeps a row."""

    finn_op = PixelRepeat
    cores = ("stream_repeat",)

    def problem(self) -> str:
        """Return why this is no repetition, or nothing."""
        if math.prod(self.out_size()) != math.prod(self.size()) * self.times():
            return f"OutDim {list(self.out_size())} is not {self.times()} times {list(self.size())}"
        return "" if self.times() > 1 else f"Times {self.times()} repeats nothing; use at least 2"

    def block(self) -> int:
        """Return the beats of a row."""
        return self.size()[1] * self.folds()

    def parameters(self) -> dict[str, str | int]:
        """Return the row and how often it leaves."""
        return {"Block": self.block(), "Times": self.times()}

    def bram_estimation(self, fpgapart: str) -> int:
        """Return BRAM18 of a row."""
        return round(2 * self._memory(fpgapart).bram36)

    def lut_estimation(self, fpgapart: str) -> int:
        """Return LUTs, from synthesis: a choice a bit, counters, the row."""
        control = _CONTROL_LUTS + self.block().bit_length()
        return int(self.get_outstream_width()) + control + self._memory(fpgapart).lut

    def _memory(self, fpgapart: str) -> WrittenMemory:
        """Return what the memory of a row takes; a single beat is a register."""
        return written_memory(self.block(), int(self.get_outstream_width()), fpgapart)


class PixelScale(_PixelOperator):
    """Each pixel times its own of the constant factors [H, W], of factorDataType."""

    def get_nodeattr_types(self) -> dict[str, Any]:
        """Return the attributes."""
        own = {"factorDataType": ("s", True, ""), "outputDataType": ("s", True, "")}
        return super().get_nodeattr_types() | own

    def get_input_datatype(self, ind: int = 0) -> BaseDataType:
        """Return the type of a value, or of a factor."""
        return DataType[self.get_nodeattr("factorDataType" if ind else "inputDataType")]

    def get_output_datatype(self, ind: int = 0) -> BaseDataType:  # noqa: ARG002
        """Return the type of a product, which must hold all that occur."""
        return DataType[self.get_nodeattr("outputDataType")]

    def computed(self, image: NDArray[Any], *constants: NDArray[Any]) -> NDArray[Any]:
        """Multiply."""
        (factors,) = constants
        return np.asarray(image * factors.reshape(*self.size(), 1))


class PixelScale_rtl(_PixelLayer, PixelScale):  # noqa: N801
    """A memory of factors beside a multiplier a lane."""

    finn_op = PixelScale
    cores = ("stream_constant", "stream_scale")

    def problem(self) -> str:
        """Return what is wrong with the datatypes, or nothing."""
        kinds = (self.get_input_datatype(), self.get_output_datatype())
        for datatype in kinds:
            if not is_integer(datatype):
                return f"product of {datatype.name}; only integers have RTL"
        factor = self.get_input_datatype(1)
        if not is_integer(factor) or factor.signed():
            return f"factors of {factor.name}; use an unsigned type"
        return ""

    def memory(self, model: ModelWrapper) -> dict[str, str]:
        """Return the factors, one a line.

        Raises:
            HardwareError: they are outside of their datatype.
        """
        factors = model.get_initializer(self.onnx_node.input[1]).reshape(-1).astype(np.int64)
        kind = self.get_input_datatype(1)
        if not (kind.allowed(factors.min()) and kind.allowed(factors.max())):
            raise HardwareError(
                f"{self.onnx_node.name}: factors {factors.min()} to {factors.max()} are no "
                f"{kind.name}; set factorDataType"
            )
        return {_FACTORS: "".join(f"{factor:x}\n" for factor in factors.tolist())}

    def in_block_ram(self) -> bool:
        """Say where the factors are."""
        return math.prod(self.size()) > _DISTRIBUTED_WORDS

    def wrapper(self, module: str, folder: Path) -> Wrapper:
        """Return memory and multiplier with FINN's ports."""
        into, out = self.input_ports(), self.output_ports()
        factors = Port("factor", int(self.get_input_datatype(1).bitwidth()))
        pins = stream_pins("in", into, into=True) | stream_pins("out", out, into=False)
        pins |= {f"factor_{pin}": f"factor_{pin[:5]}" for pin in ("valid_i", "ready_o")}
        pins |= {"in_data_i": into[0].data, "factor_data_i": factors.data}
        pins |= {"out_data_o": out[0].data}
        scale = Core(module="stream_scale", parameters=self.parameters(), pins=pins)
        return Wrapper(
            module=module,
            inputs=into,
            outputs=out,
            cores=[self._memory_core(factors), scale],
            wires={"factor_valid": 1, "factor_ready": 1, factors.data: factors.width_bits},
            strings={"InitFile": str(folder / _FACTORS)},
        )

    def _memory_core(self, factors: Port) -> Core:
        style = '"block"' if self.in_block_ram() else '"distributed"'
        return Core(
            module="stream_constant",
            parameters={
                "Width": factors.width_bits,
                "Depth": math.prod(self.size()),
                "InitFile": "InitFile",
                "RamStyle": style,
            },
            pins={
                "out_valid_o": "factor_valid",
                "out_ready_i": "factor_ready",
                "out_data_o": factors.data,
            },
        )

    def parameters(self) -> dict[str, str | int]:
        """Return the multiplier's parameters."""
        return {
            "Folds": self.folds(),
            "Pe": int(self.get_nodeattr("PE")),
            "InBits": int(self.get_input_datatype().bitwidth()),
            "Signed": is_signed(self.get_input_datatype()),
            "FactorBits": int(self.get_input_datatype(1).bitwidth()),
            "OutBits": int(self.get_output_datatype().bitwidth()),
        }

    def execute_node(self, context: dict[str, NDArray[Any]], graph: GraphProto) -> None:
        """Compute the product; FINN's RTL simulation would feed the factors as a stream."""
        if self.get_nodeattr("exec_mode") != "rtlsim":
            super().execute_node(context, graph)
            return
        self.simulate_without_constant(context, graph)

    def bram_estimation(self, fpgapart: str) -> int:
        """Return BRAM18 of the factors."""
        if not self.in_block_ram():
            return 0
        bits = int(self.get_input_datatype(1).bitwidth())
        return round(2 * block_rams(math.prod(self.size()), bits, fpgapart))

    def lut_estimation(self, fpgapart: str) -> int:  # noqa: ARG002
        """Return LUTs, from synthesis: a row of adders a bit of the factor; 64 words a LUT."""
        bits = int(self.get_input_datatype(1).bitwidth())
        rows = (bits - 1) * (int(self.get_input_datatype().bitwidth()) + 1)
        lane = int(self.get_output_datatype().bitwidth()) + rows
        luts = _CONTROL_LUTS + int(self.get_nodeattr("PE")) * lane
        if not self.in_block_ram():
            luts += bits * math.ceil(math.prod(self.size()) / 64)
        return luts

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A compiled model with its ports: what FINN's compiled module `xsi` offers on Vivado's simulator.

The methods are those of finn_xsi/xsi.pyi, with their names, so that FINN's `SimEngine` runs on
them as it is. Verilator knows 0 and 1 only: there are no unknown values.
"""

import ctypes
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hw.errors import HardwareError

__all__ = ["Design", "Kernel", "Port"]

_SCALARS = {1: ctypes.c_uint8, 2: ctypes.c_uint16, 4: ctypes.c_uint32, 8: ctypes.c_uint64}
_INPUT, _OUTPUT = 1, 2  # Vivado's xsiInputPort and xsiOutputPort


class Kernel:
    """Vivado's simulator kernel, of which Verilator has none."""

    def __init__(self, name: str = "") -> None:
        self.name = name


class _PortRecord(ctypes.Structure):
    """ModelPort of model.cpp."""

    _fields_ = (
        ("name", ctypes.c_char_p),
        ("is_input", ctypes.c_uint32),
        ("width", ctypes.c_uint32),
        ("data", ctypes.c_void_p),
        ("bytes", ctypes.c_uint64),
    )


class Port:
    """A port, and a value that `read` takes from it and `write_back` gives to it."""

    def __init__(self, design: "Design", record: _PortRecord) -> None:
        self._design = design
        self._name: str = record.name.decode()
        self._is_input = bool(record.is_input)
        self._width = int(record.width)
        self._mask = (1 << self._width) - 1
        self._value = 0
        kind = _SCALARS.get(record.bytes) or ctypes.c_char * record.bytes
        self._memory: Any = kind.from_address(record.data)

    def name(self) -> str:
        """Return the port's name in Verilog."""
        return self._name

    def dir(self) -> int:
        """Return 1 for an input and 2 for an output, as Vivado does."""
        return _INPUT if self._is_input else _OUTPUT

    def width(self) -> int:
        """Return the width in bits."""
        return self._width

    def isInput(self) -> bool:  # noqa: N802
        """Return whether the model reads it."""
        return self._is_input

    def isOutput(self) -> bool:  # noqa: N802
        """Return whether the model drives it."""
        return not self._is_input

    def isInout(self) -> bool:  # noqa: N802
        """Return False: a model with such ports is not compiled."""
        return False

    def read(self) -> "Port":
        """Take the value that the port has now."""
        try:
            self._value = self._get()
        except AttributeError as error:
            raise self._closed() from error
        return self

    def write_back(self) -> None:
        """Drive an input with the value; takes effect with the next run."""
        if not self._is_input:
            raise HardwareError(f"port {self._name}: is an output and can't be driven; read it")
        try:
            self._put()
        except AttributeError as error:
            raise self._closed() from error
        self._design.changed = True

    def detach(self) -> None:
        """Let go of the model's memory, before the model is freed."""
        self._memory = None

    def _get(self) -> int:
        return int(self._memory.value)

    def _put(self) -> None:
        self._memory.value = self._value

    def _closed(self) -> HardwareError:
        return HardwareError(f"port {self._name}: its simulation is closed; load the model again")

    def hasUnknown(self) -> bool:  # noqa: N802
        """Return False."""
        return False

    def isZero(self) -> bool:  # noqa: N802
        """Return whether all bits are 0."""
        return self._value == 0

    def as_bool(self) -> bool:
        """Return the lowest bit."""
        return bool(self._value & 1)

    def as_unsigned(self) -> int:
        """Return the lowest 32 bits."""
        return self._value & 0xFFFFFFFF

    def as_binstr(self) -> str:
        """Return a binary digit for each bit, the highest first."""
        return f"{self._value:0{self._width}b}"

    def as_hexstr(self) -> str:
        """Return a hexadecimal digit for each four bits, the highest first."""
        return f"{self._value:0{-(-self._width // 4)}x}"

    def as_hexstr_2state(self) -> str:
        """Return the same as `as_hexstr`."""
        return self.as_hexstr()

    def clear(self) -> "Port":
        """Set all bits to 0."""
        self._value = 0
        return self

    def set(self, value: int) -> "Port":
        """Set the value; bits above the width are dropped."""
        self._value = value & self._mask
        return self

    def set_binstr(self, value: str) -> "Port":
        """Set the value from binary digits, the highest first."""
        return self.set(self._parse(value, 2))

    def set_hexstr(self, value: str) -> "Port":
        """Set the value from hexadecimal digits, the highest first."""
        return self.set(self._parse(value, 16))

    def _parse(self, digits: str, base: int) -> int:
        try:
            return int(digits, base)
        except ValueError as error:
            raise HardwareError(
                f"port {self._name}: {digits!r} is no number of base {base}; "
                "unknown (X, Z) bits can't be simulated"
            ) from error


class _WidePort(Port):
    """A port of more than 64 bits: its memory is an array of bytes."""

    def _get(self) -> int:
        return int.from_bytes(self._memory.raw, "little")

    def _put(self) -> None:
        self._memory.raw = self._value.to_bytes(len(self._memory), "little")


class Design:
    """One instance of a compiled model; several may be open at once."""

    def __init__(
        self,
        kernel: Kernel,  # noqa: ARG002
        design_lib: str,
        log_file: str | None = None,
        wdb_file: str | None = None,
    ) -> None:
        """Load a model and bring it to time 0.

        Args:
            kernel: is not used.
            design_lib: path of the shared library that `compile_sim_obj` made.
            log_file: what the model prints goes there.
            wdb_file: waveforms go there, in VCD format.

        Raises:
            HardwareError: no such model, or files that cannot be written.
        """
        self._library = _load(Path(design_lib))
        self._model = self._library.model_open(_path(log_file), _path(wdb_file))
        if not self._model:
            raise self._failure(f"{design_lib}: cannot be opened")
        self._finalizer = weakref.finalize(self, self._library.model_close, self._model)
        self._name = Path(design_lib).parent.name
        self._pending = 0  # picoseconds since the last evaluation
        self.changed = True  # inputs since the last evaluation
        self._ports = {port.name(): port for port in self._list_ports()}
        self.run(0)  # memories are read from files now

    def close(self) -> None:
        """Run the model's final blocks, finish its files and free it; idempotent."""
        for port in self._ports.values():
            port.detach()
        if self._finalizer() == 0:
            raise self._failure(f"simulation of {self._name}: stopped at the end")

    def is_open(self) -> bool:
        """Return whether `close` has not been called."""
        return self._finalizer.alive

    def trace_all(self) -> None:
        """Do nothing: a model that traces, traces everything from the start."""

    def run(self, cycles: int) -> None:
        """Let the inputs take effect, then `cycles` picoseconds pass.

        Raises:
            HardwareError: the RTL or Verilator stopped the simulation, with what it said.
        """
        if not self._finalizer.alive:
            raise HardwareError(f"simulation of {self._name}: is closed; load the model again")
        if self.changed:
            if not self._library.model_eval(self._model, self._pending):
                raise self._failure(f"simulation of {self._name}: stopped")
            self._pending = 0
            self.changed = False
        self._pending += cycles

    def num_ports(self) -> int:
        """Return the number of ports."""
        return len(self._ports)

    def getPort(self, name: str) -> Port:  # noqa: N802
        """Return a port by its name in Verilog.

        Raises:
            HardwareError: a RuntimeError, as FINN expects, that lists the ports there are.
        """
        try:
            return self._ports[name]
        except KeyError as error:
            raise HardwareError(
                f"port {name}: {self._name} has no such port; it has {', '.join(self._ports)}"
            ) from error

    def ports(self) -> Iterator[Port]:
        """Iterate over the ports."""
        return iter(self._ports.values())

    def _list_ports(self) -> Iterator[Port]:
        record = _PortRecord()
        index = 0
        while self._library.model_port(self._model, index, ctypes.byref(record)):
            yield (Port if record.bytes in _SCALARS else _WidePort)(self, record)
            index += 1

    def _failure(self, what: str) -> HardwareError:
        return HardwareError(f"{what}: {self._library.model_error().decode()}")


def _load(path: Path) -> ctypes.CDLL:
    """Return the library of a model; the file behind a link, as the loader goes by names."""
    try:
        library = ctypes.CDLL(str(path.resolve(strict=True)))
    except OSError as error:
        raise HardwareError(f"{path}: no compiled model ({error}); compile it again") from error
    library.model_open.argtypes = (ctypes.c_char_p, ctypes.c_char_p)
    library.model_open.restype = ctypes.c_void_p
    library.model_port.argtypes = (ctypes.c_void_p, ctypes.c_uint32, ctypes.c_void_p)
    library.model_eval.argtypes = (ctypes.c_void_p, ctypes.c_uint64)
    library.model_close.argtypes = (ctypes.c_void_p,)
    library.model_error.restype = ctypes.c_char_p
    return library


def _path(name: str | None) -> bytes | None:
    return name.encode() if name else None

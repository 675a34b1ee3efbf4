# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Holds a process, with every library in it, to an instruction set that this machine surpasses."""

import sysconfig
from pathlib import Path

import torch

from flow.environment import environment_with
from flow.integer.native import instruction_sets

__all__ = ["held_environment", "seen_by_cpuid", "seen_by_torch"]

_LIBRARY = Path(__file__).parent / f"_cpuid{sysconfig.get_config_var('EXT_SUFFIX')}"

# Of torch, of oneDNN and of MKL; onnxruntime has none, and sees what CPUID says.
_SWITCHES = {
    "portable": ("default", "SSE41", "SSE4_2"),
    "avx2": ("avx2", "AVX2", "AVX2"),
}
_NAMES = ("ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "MKL_ENABLE_INSTRUCTIONS")


def held_environment(isa: str) -> dict[str, str]:
    """Return the variables of a process that knows no instructions beyond those of `isa`.

    CPUID answers without them where the processor lets that instruction fault (Linux on x86), so
    that libraries without a switch are held as well; the libraries' own switches are set besides.
    """
    if isa == instruction_sets()[-1]:
        return environment_with({})
    switches = dict(zip(_NAMES, _SWITCHES[isa], strict=True))
    return environment_with(switches | {"LD_PRELOAD": str(_LIBRARY), "STEELFLOW_HELD_ISA": isa})


def seen_by_cpuid() -> str:
    """Return the widest instruction set that the processor owns up to in this process."""
    found = torch.cpu.get_capabilities()
    if found.get("architecture") != "x86_64":
        return instruction_sets()[-1]
    names = {"avx512": "avx512_f", "avx2": "avx2"}
    return next((name for name, key in names.items() if found.get(key)), "portable")


def seen_by_torch() -> str:
    """Return the instruction set of torch's own kernels in this process."""
    found: str = torch.backends.cpu.get_cpu_capability().lower()
    return "portable" if found == "default" else found

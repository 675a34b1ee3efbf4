# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Corrections to FINN's RTL library, made in the copy that goes into an accelerator folder."""

from dataclasses import dataclass

from hw.errors import HardwareError

__all__ = ["patch_library_file"]


@dataclass(frozen=True)
class _Patch:
    """Replace `old`, which must be there exactly once."""

    old: str
    new: str


# finn-plus 1.6.1, mvu_vvu_axi: when the output is not taken, a matrix unit that produces a result
# every cycle (SIMD = MW) overruns its output queue and loses results. The queue has one place for
# each stage of the core, but (a) mvu.sv has one stage more than is counted here for a SIMD that is
# no 2^n - 1, and (b) two more results start before the queue has stopped the input.
_OUTPUT_QUEUE = _Patch(
    "localparam int unsigned  MAX_IN_FLIGHT = CORE_PIPELINE_DEPTH;",
    "localparam int unsigned  MAX_IN_FLIGHT = CORE_PIPELINE_DEPTH + 2;  // steelflow: was + 0",
)

# finn-plus 1.6.1, thresholding: where all outputs are below -1, N + BIAS + 1 is negative, but N is
# unsigned and so is the sum: it counts as the larger one, and outputs get 33 bits.
_OUTPUT_BITS = _Patch(
    "1+$clog2(-BIAS >= N+BIAS+1? -BIAS : N+BIAS+1)",
    "1+$clog2(-BIAS >= int'(N)+BIAS+1? -BIAS : N+BIAS+1)",
)

_PATCHES = {
    "mvu/mvu_vvu_axi.sv": _OUTPUT_QUEUE,
    "thresholding/hdl/thresholding.sv": _OUTPUT_BITS,
    "thresholding/hdl/thresholding_axi.sv": _OUTPUT_BITS,
}


def patch_library_file(name: str, text: str) -> str:
    """Return a file of FINN's RTL library (name relative to it) as it is used here.

    Raises:
        HardwareError: the passage to be corrected is not there: another version of FINN.
    """
    patch = _PATCHES.get(name)
    if patch is None:
        return text
    if text.count(patch.old) != 1:
        raise HardwareError(
            f"FINN's {name} has no single line {patch.old!r}, which steelflow corrects; "
            "install the tested version of finn-plus"
        )
    return text.replace(patch.old, patch.new)

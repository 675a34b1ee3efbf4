# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Every word of an accelerator's memories, read as its RTL addresses them, against the network."""

from hw.proof.memories import Additions, Factors, Memory, Thresholds, Weights
from hw.proof.prove import Proof, prove_memories

__all__ = ["Additions", "Factors", "Memory", "Proof", "Thresholds", "Weights", "prove_memories"]

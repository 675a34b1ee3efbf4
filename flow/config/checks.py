# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""How many images the engines are compared on."""

from typing import Annotated

from pydantic import Field

from flow.config.section import Epsilon, Positive, Section

__all__ = ["RtlsimConfig", "VerifyConfig"]


class VerifyConfig(Section):
    """How many test images each engine is compared on."""

    images: Positive | None = None  # Brevitas, QONNX and integer: all test images when absent
    finn_images: Annotated[int, Field(ge=0)] = 64  # FINN's own execution, which is slow; 0: none


class RtlsimConfig(Section):
    """How many test images the stitched RTL sees, each clean and after attack."""

    images: Annotated[int, Field(ge=64)] = 64
    epsilon_255: Epsilon = 32

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The accelerator folder: what it holds, how it is read, how images and logits are packed."""

from hw.accelerator.folder import (
    MANIFEST_FILE,
    PLAIN_MHZ,
    SCHEMA,
    Accelerator,
    Estimate,
    Fifo,
    ImageInput,
    Layer,
    LogitOutput,
    Manifest,
    Stream,
)

__all__ = [
    "MANIFEST_FILE",
    "PLAIN_MHZ",
    "SCHEMA",
    "Accelerator",
    "Estimate",
    "Fifo",
    "ImageInput",
    "Layer",
    "LogitOutput",
    "Manifest",
    "Stream",
]

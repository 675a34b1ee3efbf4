# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The architectures, a file each, and building one by name."""

from brevitas_models.architectures.convnet import convnet_settings
from brevitas_models.architectures.registry import architecture_names, build, check, layer_names

__all__ = ["architecture_names", "build", "check", "convnet_settings", "layer_names"]

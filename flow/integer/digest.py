# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The name of exactly one network."""

import hashlib
import tempfile
from pathlib import Path

from flow.integer.network import IntegerNetwork

__all__ = ["network_digest"]


def network_digest(network: IntegerNetwork) -> str:
    """Return the SHA-256 of the file that the network's save writes."""
    with tempfile.TemporaryDirectory(prefix="steelflow-") as folder:
        path = Path(folder) / "network.npz"
        network.save(path)
        return hashlib.sha256(path.read_bytes()).hexdigest()

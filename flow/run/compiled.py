# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The integer networks that the compile step has left."""

from pathlib import Path

from flow.compile.opening import network_file
from flow.integer import IntegerNetwork
from flow.run.pipeline import Context

__all__ = ["compiled_networks", "network_files"]


def network_files(context: Context) -> dict[str, Path]:
    """Return the file of every network of the run; that of the deployed one is network.npz."""
    folder, deployed = context.folder("compile"), context.config.deployed
    files = {name: folder / f"{name}.npz" for name in context.config.networks}
    return files | {deployed: network_file(folder, deployed)}


def compiled_networks(context: Context) -> dict[str, IntegerNetwork]:
    """Load every network of the run, the deployed one first."""
    return {name: IntegerNetwork.load(file) for name, file in network_files(context).items()}

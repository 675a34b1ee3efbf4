# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""An accelerator that was compiled earlier, from its own folder or from one that holds it."""

from dataclasses import dataclass
from pathlib import Path

from flow.errors import FlowError
from flow.integer import IntegerNetwork
from hw.accelerator import MANIFEST_FILE, Accelerator

__all__ = ["ACCELERATOR", "NETWORK", "OpenedAccelerator", "network_file", "open_accelerator"]

ACCELERATOR, NETWORK = "accelerator", "network.npz"  # names in the folder of a compilation
_PLACES = (".", ACCELERATOR, f"compile/{ACCELERATOR}")


@dataclass(frozen=True)
class OpenedAccelerator:
    """An accelerator and, where it lies beside it, the network that it was compiled from."""

    accelerator: Accelerator
    network: IntegerNetwork | None


def open_accelerator(folder: Path | str) -> OpenedAccelerator:
    """Load the accelerator of an accelerator folder, a compiled model's or a run's.

    Raises:
        FlowError: there is none.
        HardwareError: it is damaged or of another version.
    """
    places = [Path(folder) / place for place in _PLACES]
    found = [place.resolve() for place in places if (place / MANIFEST_FILE).is_file()]
    if not found:
        raise FlowError(
            f"{folder}: holds no accelerator ({MANIFEST_FILE} is missing); name the folder that "
            "compile has written"
        )
    accelerator = Accelerator.load(found[0])
    file = network_file(found[0].parent, accelerator.manifest.name, "robust")
    return OpenedAccelerator(accelerator, IntegerNetwork.load(file) if file.is_file() else None)


def network_file(folder: Path, *earlier: str) -> Path:
    """Return the file of the network that became the accelerator in the folder of a compilation.

    Args:
        folder: of a compiled model or of a run's compile step.
        earlier: the network's names; runs of earlier versions had it in NAME.npz.
    """
    files = [folder / NETWORK, *(folder / f"{name}.npz" for name in earlier)]
    return next((file for file in files if file.is_file()), files[0])

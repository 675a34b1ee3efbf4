# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The memory of a process that only loads a network and classifies a batch.

`python -m flow.bench.simulator_memory NETWORK.npz BATCH THREADS` prints its peak in MiB.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np

from flow.integer import IntegerNetwork
from flow.integer.native import NativeNetwork

__all__ = ["peak_rss_mib"]


def peak_rss_mib(network: Path, batch: int, threads: int) -> float:
    """Return the peak of a process of its own: Python, NumPy, the network and a batch of images."""
    command = [sys.executable, "-m", __spec__.name, str(network), str(batch), str(threads)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout)


def _main(path: str, batch: str, threads: str) -> None:
    network = IntegerNetwork.load(Path(path))
    images = np.zeros((int(batch), *network.input_shape), dtype=np.uint8)
    NativeNetwork(network, threads=int(threads)).logits(images)
    status = Path("/proc/self/status").read_text()  # getrusage's includes the parent's
    print(int(status.split("VmHWM:")[1].split()[0]) / 1024)


if __name__ == "__main__":
    _main(*sys.argv[1:])

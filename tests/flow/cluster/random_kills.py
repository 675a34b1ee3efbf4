# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""A map whose workers, scheduler and client are killed at random until so many have died.

    python tests/flow/cluster/random_kills.py 50 [SEED]

Each kill waits until results have come since the last one, so that it hits work under way; what was
killed starts again at once. A client that is done is checked and another one begins, with a new
store, until there were enough kills.
"""

import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from servers import free_port, run_python, scheduler, worker

from flow.cluster import ResultStore

ITEMS = 150
EXPECTED = [[item, item * item] for item in range(ITEMS)]
_CLIENT = """
import json, sys
from pathlib import Path
from flow.cluster import open_cluster
from squares import squares
address, store, traces, output, items = sys.argv[1:]
with open_cluster(address, results=Path(store)) as cluster:
    found = list(cluster.map(squares(Path(traces)), range(int(items)), total=int(items), title="x"))
Path(output).write_text(json.dumps(found))
"""
_Process = subprocess.Popen[bytes]


@dataclass
class Kills:
    """What was killed, and what came of it.

    Attributes:
        killed: how often, by kind.
        rounds: maps that came to their end.
        differences: results that are not what they should be, missing ones and ones too many.
        computed: items, those again that were under way in a kill.
    """

    killed: Counter[str] = field(default_factory=Counter)
    rounds: int = 0
    differences: int = 0
    computed: int = 0


class _Round:
    """One map, by processes that may die."""

    def __init__(self, folder: Path, chance: random.Random, found: Kills) -> None:
        self._folder, self._chance, self._found = folder, chance, found
        self._port = free_port()
        self._store = folder / "results.sqlite"
        self._output = folder / "output.json"
        (folder / "traces").mkdir()
        self._running: dict[str, _Process] = {}
        for name in ("scheduler", "worker 1", "worker 2", "client"):
            self._start(name)

    def _start(self, name: str) -> None:
        if name == "scheduler":
            self._running[name] = scheduler(self._folder, self._port)
        elif name == "client":
            self._running[name] = self._client()
        else:
            self._running[name] = worker(self._folder, self._port)

    def _client(self) -> _Process:
        address = f"tcp://127.0.0.1:{self._port}"
        given = (address, self._store, self._folder / "traces", self._output, ITEMS)
        return run_python(self._folder, "-c", _CLIENT, *map(str, given))

    def run(self, kills: int) -> None:
        """Kill until so many died in all; then let the client come to its end."""
        known = 0
        while not self._output.exists():
            self._revive()
            count = len(ResultStore(self._store)) if self._store.exists() else 0
            if count > known and self._found.killed.total() < kills:
                time.sleep(self._chance.uniform(0, 0.5))
                self._kill(self._chance.choice(list(self._running)))
                known = count
            time.sleep(0.05)
        self._check()

    def _revive(self) -> None:
        for name, process in self._running.items():
            if process.poll() is not None and not self._output.exists():
                self._start(name)

    def _kill(self, name: str) -> None:
        process = self._running[name]
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            process.wait()
            self._found.killed[name.partition(" ")[0]] += 1

    def _check(self) -> None:
        found = json.loads(self._output.read_text())
        wrong = sum(one != other for one, other in zip(found, EXPECTED, strict=False))
        surplus = abs(len(found) - ITEMS) + abs(len(ResultStore(self._store)) - ITEMS)
        self._found.differences += wrong + surplus
        traces = (self._folder / "traces").iterdir()
        self._found.computed += sum(len(one.read_text().splitlines()) for one in traces)
        self._found.rounds += 1

    def close(self) -> None:
        """End what is left."""
        for process in self._running.values():
            process.kill()
            process.wait()


def random_kills(count: int, seed: int) -> Kills:
    """Run maps until so many processes were killed, and compare all that they returned."""
    chance, found = random.Random(seed), Kills()
    while found.killed.total() < count:
        with tempfile.TemporaryDirectory(prefix="steelflow-kills-") as folder:
            one = _Round(Path(folder), chance, found)
            try:
                one.run(count)
            finally:
                one.close()
    return found


if __name__ == "__main__":
    print(random_kills(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0))

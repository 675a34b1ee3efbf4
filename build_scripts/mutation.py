# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Changes one thing in a module and sees whether its tests notice: a sample of all such mutants.

Usage: mutation.py [--room NAME ...] [--sample N] [--seed N] [--jobs N] [--output FILE]

All mutants of a room are too many to try (thousands), so N of each room are drawn by a seed. The
mutants are cosmic-ray's; what is mutated is a copy, never this folder. One run of a room's tests
notes which lines each runs (kept in build/mutation until a file of these changes): a mutant
meets those that run its line first, then the room's others; where there is none it survives.
Prints the share that was noticed with its 95% interval (Wilson), and writes every mutant with its
outcome and diff as JSON. Mutants that cannot be noticed stand in mutation_equivalent.yaml and do
not count. The status is 1 when a room has less than --least of the others noticed.
"""

import argparse
import ast
import difflib
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from compileall import compile_dir
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import groupby, islice
from multiprocessing import get_context
from pathlib import Path
from py_compile import PycInvalidationMode
from queue import Queue
from typing import Any

import yaml
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names
from mutation_tests import run_tests
from scipy.stats import binomtest

ROOT = Path(__file__).resolve().parents[1]
PLAN = ROOT / "build_scripts" / "mutation.yaml"
EQUIVALENT = ROOT / "build_scripts" / "mutation_equivalent.yaml"
_SKIPPED = {"core/NoOp"}
_PLAIN = {"newline", "endmarker", "string"}
_PUNCTUATION = {"(", ")", "[", "]", "{", "}", ",", ":", ".", "=", "->"}


@dataclass(frozen=True)
class Mutant:
    """One change: `occurrence` counts the places in the file where the operator applies."""

    room: str
    path: str
    operator: str
    occurrence: int
    line: int
    tests: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant: killed (by a test or the time limit), survived or equivalent."""

    mutant: Mutant
    outcome: str
    change: tuple[str, str]  # the changed lines before and after
    seconds: float


@dataclass(frozen=True)
class Notes:
    """Of the tests of a room: how long each takes, and which run each line of each file."""

    seconds: dict[str, float]
    lines: dict[str, dict[str, list[str]]]

    def total(self, tests: Iterable[str]) -> float:
        """Return how long these take together."""
        return sum(self.seconds[test] for test in tests)

    def own(self, path: str, text: str, line: int) -> list[str]:
        """Return the tests that run the statement, outside of functions any line; fastest first.

        The tests of a file stay together, as they share fixtures.
        """
        lines, span = self.lines.get(path, {}), _statement(text, line)
        numbers = lines if span is None else [str(number) for number in span]
        found = sorted({test for number in numbers for test in lines.get(number, [])})
        files = [[*of] for _, of in groupby(found, key=lambda test: test.split("::")[0])]
        ordered = (sorted(of, key=self.seconds.__getitem__) for of in sorted(files, key=self.total))
        return [test for of in ordered for test in of]


def _statement(text: str, line: int) -> range | None:
    """Return the lines of the statement (its head, where others follow); None outside functions."""
    inside, best = False, range(0)
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.stmt | ast.ExceptHandler):
            continue
        body = getattr(node, "body", None)
        last = max(node.lineno, body[0].lineno - 1) if body else node.end_lineno or node.lineno
        if isinstance(node, ast.FunctionDef) and last < line <= (node.end_lineno or 0):
            inside = True
        first = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", []))])
        if first <= line <= last and first >= best.start:
            best = range(first, last + 1)
    return best if inside else None


def main() -> int:
    """Draw, try, report."""
    options = _options()
    plan = yaml.safe_load(PLAN.read_text())
    rooms = options.room or list(plan)
    chosen = [one for room in rooms for one in _sample(room, plan[room], options)]
    found = _try_all(chosen, options)
    options.output.write_text(json.dumps([asdict(one) for one in found], indent=1))
    shares = [_report(room, [one for one in found if one.mutant.room == room]) for room in rooms]
    return int(min(shares, default=1.0) < options.least)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--room", action="append", help="lowering, integer, ... (default: all)")
    parser.add_argument("--sample", type=int, default=20, metavar="N", help="mutants of each room")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the sample")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="mutants at a time")
    parser.add_argument(
        "--timeout", type=float, default=900, metavar="S", help="after which a mutant is noticed"
    )
    parser.add_argument(
        "--least", type=float, default=0.9, metavar="X", help="share to be noticed (default: 0.9)"
    )
    parser.add_argument(
        "--output", type=Path, default=Path("build/mutation.json"), metavar="FILE", help="outcomes"
    )
    options = parser.parse_args()
    options.output.parent.mkdir(parents=True, exist_ok=True)
    return options


def _sample(
    room: str, entries: list[dict[str, list[str]]], options: argparse.Namespace
) -> list[Mutant]:
    """Draw mutants of a room, each as likely as any other."""
    seen: set[Path] = set()
    mutants: list[Mutant] = []
    for entry in entries:
        paths = {path for pattern in entry["files"] for path in ROOT.glob(pattern)} - seen
        seen |= paths
        for path in sorted(paths):
            mutants += _mutants(room, path, tuple(entry["tests"]))
    print(f"{room}: {len(mutants)} mutants", flush=True)
    random.Random(f"{options.seed} {room}").shuffle(mutants)
    return [*islice(filter(_is_python, mutants), options.sample)]


def _is_python(mutant: Mutant) -> bool:
    """Say whether a mutant compiles: cosmic-ray also takes the * of signatures for a product."""
    text = (ROOT / mutant.path).read_text()
    changed = mutate_code(text, get_operator(mutant.operator)(), mutant.occurrence)
    try:
        ast.parse(changed or "")
    except SyntaxError:
        return False
    return changed is not None


def _mutants(room: str, path: Path, tests: tuple[str, ...]) -> Iterator[Mutant]:
    """Yield all mutants of a file but those of annotations and of __all__, which do nothing."""
    text = path.read_text()
    nodes = [node for node in ast_nodes(get_ast(text)) if not _is_plain(node)]
    inert = _inert_lines(text)
    for name in sorted(set(operator_names()) - _SKIPPED):
        kind = get_operator(name)
        if kind.arguments():
            continue
        operator = kind()
        places = (place for node in nodes for place in operator.mutation_positions(node))
        for occurrence, ((line, column), _) in enumerate(places):
            if not any(first <= (line, column) < last for first, last in inert):
                yield Mutant(room, str(path.relative_to(ROOT)), name, occurrence, line, tests)


def _is_plain(node: Any) -> bool:  # noqa: ANN401 - parso's
    """Say whether no operator changes this kind of leaf; most are such."""
    return node.type in _PLAIN or (node.type == "operator" and node.value in _PUNCTUATION)


def _inert_lines(text: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Return where annotations and __all__ stand, as (line, column) from and to."""
    found: list[ast.expr | ast.stmt] = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and node.returns:
            found.append(node.returns)
        if isinstance(node, ast.arg | ast.AnnAssign) and node.annotation:
            found.append(node.annotation)
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            found.append(node)
    return [
        ((n.lineno, n.col_offset), (n.end_lineno or n.lineno, n.end_col_offset or 0)) for n in found
    ]


def _try_all(chosen: list[Mutant], options: argparse.Namespace) -> list[Outcome]:
    """Try each mutant in one of several copies."""
    equivalent = yaml.safe_load(EQUIVALENT.read_text()) or []
    known = {(one["path"], one["before"], one["after"]) for one in equivalent}
    with tempfile.TemporaryDirectory(prefix="steelflow-mutation-") as scratch:
        copies: Queue[Path] = Queue()
        for index in range(options.jobs):
            copies.put(_copy(Path(scratch) / str(index)))
        rooms = sorted({one.room for one in chosen})
        _preload(rooms, copies.queue[0])
        notes = {room: _notes(room, copies.queue[0]) for room in rooms}

        def run(mutant: Mutant) -> Outcome:
            copy = copies.get()
            try:
                return _try(mutant, copy, known, notes[mutant.room], options.timeout)
            finally:
                copies.put(copy)

        with ThreadPoolExecutor(options.jobs) as pool:
            return list(pool.map(run, chosen))


def _copy(folder: Path) -> Path:
    """Copy what git has, and the built kernels."""
    command = ["git", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    built = [str(path.relative_to(ROOT)) for path in (ROOT / "flow").rglob("_kernels*.so")]
    for name in [*listed.rstrip("\0").split("\0"), *built]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, folder / name)
    compile_dir(folder, quiet=2, invalidation_mode=PycInvalidationMode.CHECKED_HASH)
    return folder


def _tests(rooms: Iterable[str]) -> list[str]:
    plan = yaml.safe_load(PLAN.read_text())
    return [*dict.fromkeys(test for room in rooms for one in plan[room] for test in one["tests"])]


def _notes(room: str, copy: Path) -> Notes:
    """Return which tests run which lines of a room, from the last run if nothing has changed."""
    entries = yaml.safe_load(PLAN.read_text())[room]
    files = sorted({path for one in entries for p in one["files"] for path in copy.glob(p)})
    named = [copy / test for test in _tests([room])]
    tests = [one for test in named for one in (sorted(test.rglob("*.py")) or [test])]
    sources = [*files, *tests]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    kept = ROOT / "build" / "mutation" / f"{room}-{digest}.json"
    if not kept.exists():
        print(f"{room}: noting which tests run which lines", flush=True)
        listed, noted = copy / "lines_of.txt", copy / "lines.json"
        listed.write_text("\n".join(map(str, files)))
        options = ["--lines-of", str(listed), "--lines-to", str(noted)]
        if not _passes([*options, *_tests([room])], copy, None):
            said = (copy / "tests.log").read_text()[-4000:]
            sys.exit(f"mutation: the tests of {room} fail without a mutant:\n{said}")
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(noted.read_text().replace(f"{copy}/", ""))
    found = json.loads(kept.read_text())
    return Notes(found["seconds"], found["lines"])


def _try(
    mutant: Mutant, copy: Path, equivalent: set[tuple[str, str, str]], notes: Notes, limit_s: float
) -> Outcome:
    path, start = copy / mutant.path, time.monotonic()
    original = path.read_text()
    changed = mutate_code(original, get_operator(mutant.operator)(), mutant.occurrence)
    assert changed is not None
    change = _change(original, changed)
    if (mutant.path, *change) in equivalent:
        outcome = "equivalent"
    else:
        own = notes.own(mutant.path, original, mutant.line)
        path.write_text(changed)
        try:
            outcome = "survived" if _survives(mutant, own, copy, notes, limit_s) else "killed"
        finally:
            path.write_text(original)
    seconds = time.monotonic() - start
    print(f"{outcome:10} {seconds:5.0f} s {mutant.path}:{mutant.line} {change[1]}", flush=True)
    return Outcome(mutant, outcome, change, seconds)


def _survives(mutant: Mutant, own: list[str], copy: Path, notes: Notes, limit_s: float) -> bool:
    """Run the tests that run the line, then the room's others: what they cache may be wrong."""
    chosen = copy / "chosen.json"
    chosen.write_text(json.dumps(own))
    files = [*dict.fromkeys(name.split("::")[0] for name in own)]
    for arguments, seconds in (
        (["--only", str(chosen), *files], notes.total(own)),
        (["--without", str(chosen), *mutant.tests], notes.total(notes.seconds)),
    ):
        if own and not _passes(arguments, copy, min(limit_s, 120 + 10 * seconds)):
            return False
    return True


def _change(before: str, after: str) -> tuple[str, str]:
    """Return the lines that differ, without indentation."""
    lines = [*difflib.ndiff(before.splitlines(), after.splitlines())]
    old, new = ([line[2:].strip() for line in lines if line.startswith(sign)] for sign in "-+")
    return " / ".join(old), " / ".join(new)


def _passes(arguments: list[str], copy: Path, limit_s: float | None) -> bool:
    """Run tests in a copy until the first that fails; no test left to run is no failure."""
    process = get_context("forkserver").Process(target=run_tests, args=(copy, arguments))
    process.start()
    process.join(limit_s)
    if process.exitcode is None:
        os.killpg(process.pid or 0, signal.SIGKILL)
        process.join()
    return process.exitcode in (0, 5)


def _preload(rooms: Iterable[str], copy: Path) -> None:
    """Load once what the tests import from elsewhere, some ten seconds; each run forks from it."""
    found = copy / "modules.json"
    arguments = ["--collect-only", "--modules-to", str(found), *_tests(rooms)]
    process = get_context("spawn").Process(target=run_tests, args=(copy, arguments))
    process.start()
    process.join()
    os.environ |= {"OMP_NUM_THREADS": "1", "STEELFLOW_MUTATION_MODULES": str(found)}
    get_context("forkserver").set_forkserver_preload(["mutation_preload"])


def _report(room: str, found: list[Outcome]) -> float:
    """Print a line and the survivors; return the share that was noticed."""
    tried = [one for one in found if one.outcome != "equivalent"]
    killed = sum(one.outcome == "killed" for one in tried)
    if not tried:
        return 1.0
    low, high = binomtest(killed, len(tried)).proportion_ci(method="wilson")
    print(
        f"{room}: {killed} of {len(tried)} noticed, {killed / len(tried):.0%} "
        f"({low:.0%} to {high:.0%}); {len(found) - len(tried)} more are equivalent"
    )
    for one in tried:
        if one.outcome == "survived":
            print(f"  {one.mutant.path}:{one.mutant.line}: {one.change[0]}\n    -> {one.change[1]}")
    return killed / len(tried)


if __name__ == "__main__":
    sys.exit(main())

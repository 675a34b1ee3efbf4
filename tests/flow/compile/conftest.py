# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pytest
from qonnx_models import tiny_qonnx

from flow.cli import main


@dataclass(frozen=True)
class Built:
    """What `steelflow compile` left of a tiny model, and what it said."""

    folder: Path
    waves: Path
    lines: list[str]


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    """Compile once for all tests that look at the result."""
    base = tmp_path_factory.mktemp("compiled")
    model, waves, folder = base / "tiny.onnx", base / "waves.vcd", base / "out"
    tiny_qonnx().save(str(model))
    options = ["--fps", "100000", "--verify", "3", "--trace", str(waves), "--output", str(folder)]
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(StringIO()) as out:
        patch.setenv("XDG_CACHE_HOME", str(base / "cache"))
        assert main(["compile", str(model), *options]) == 0
        yield Built(folder, waves, out.getvalue().splitlines())

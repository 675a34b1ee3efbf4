# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The Python way in: every example of docs/python.md runs, and `import flow` loads nothing."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qonnx_models import tiny_qonnx

import flow
from flow.lowering import lower

PAGE = Path(__file__).parents[1] / "docs" / "python.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of ART and of Foolbox, when imported
def test_every_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    model = tiny_qonnx()
    model.save("model.onnx")
    network = lower(model).network
    images = np.random.default_rng(0).integers(0, 256, (20, *network.input_shape), dtype=np.uint8)
    np.save("images.npy", images)
    np.save("labels.npy", network.logits(images).argmax(axis=1))
    names: dict[str, Any] = {}
    for block in BLOCKS:
        exec(compile(block, str(PAGE), "exec"), names)
    assert (Path("build") / "mine" / "accelerator" / "manifest.json").is_file()
    assert len(BLOCKS) == 9


def test_the_page_shows_every_name() -> None:
    text = PAGE.read_text()
    assert [name for name in flow.__all__ if name not in text] == []


def test_every_name_is_there_and_the_loaded_one() -> None:
    assert {name for name in flow.__all__ if getattr(flow, name) is None} == set()
    assert flow.IntegerNetwork is type(lower(tiny_qonnx()).network)
    assert set(flow.__all__) <= set(dir(flow))


def test_another_name_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="module 'flow' has no attribute 'load_modle'"):
        flow.load_modle  # noqa: B018


def test_import_flow_loads_nothing() -> None:
    code = "import sys; before = set(sys.modules); import flow; print(set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "'numpy'" not in done.stdout
    assert len(done.stdout.split(",")) < 20

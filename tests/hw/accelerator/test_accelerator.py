# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Loading accelerator folders: whole ones only."""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hw.accelerator import Accelerator
from hw.errors import HardwareError


@pytest.fixture
def folder(accelerators: Mapping[str, Accelerator], tmp_path: Path) -> Path:
    """A folder that a test may damage."""
    shutil.copytree(accelerators["sequential"].folder, tmp_path / "acc")
    return tmp_path / "acc"


def _edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = folder / "manifest.json"
    data = json.loads(path.read_text())
    change(data)
    path.write_text(json.dumps(data))


def test_copy_loads_like_the_original(
    folder: Path, accelerators: Mapping[str, Accelerator]
) -> None:
    assert Accelerator.load(folder).manifest == accelerators["sequential"].manifest


def test_white_space_in_the_manifest_does_not_matter(folder: Path) -> None:
    _edit(folder, lambda data: data)
    Accelerator.load(folder)


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: (folder / "memory/MVAU_rtl_0/memblock.dat").unlink(),
        lambda folder: (folder / "top.sv").write_text("module rgb_top; endmodule"),
        lambda folder: (folder / "more.sv").touch(),
        lambda folder: (folder / "top.sv").rename(folder / "tip.sv"),
        lambda folder: _edit(folder, lambda data: data.update(clock_mhz=500.0)),
        lambda folder: _edit(folder, lambda data: data.update(checksum="0" * 64)),
    ],
    ids=["missing", "changed", "added", "renamed", "manifest", "checksum"],
)
def test_changed_folder_is_refused(folder: Path, damage: Callable[[Path], object]) -> None:
    damage(folder)
    with pytest.raises(HardwareError, match=r"acc: files changed since it was stitched \(checksum"):
        Accelerator.load(folder)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda data: data.update(schema=2), "schema 2 is not 3"),
        (lambda data: data.pop("schema"), "schema None is not 3"),
        (lambda data: data.pop("layers"), "layers: Field required"),
        (lambda data: data.update(colour="red"), "colour: Unexpected keyword argument"),
        (lambda data: data["fifos"][2].update(depth="2"), r"fifos\.2\.depth: Input should be a"),
    ],
)
def test_wrong_manifest_is_refused(
    folder: Path, change: Callable[[dict[str, Any]], object], problem: str
) -> None:
    _edit(folder, change)
    with pytest.raises(HardwareError, match=rf"manifest\.json: {problem}.*compile the network"):
        Accelerator.load(folder)


def _with(accelerator: Accelerator, **output: Any) -> Accelerator:  # noqa: ANN401
    manifest = accelerator.manifest
    changed = replace(manifest, output=replace(manifest.output, **output))
    return replace(accelerator, manifest=changed)


def test_logits_are_decoded_class_by_class(accelerators: Mapping[str, Accelerator]) -> None:
    offset = (1.0, 2.0, -3.0, 0.0, 0.5)
    accelerator = _with(accelerators["sequential"], logit_scale=0.25, logit_offset=offset)
    logits = np.array([[4, 0, -8, 1, 2], [0, 0, 0, 0, 0]], dtype=np.int32)
    expected = [[2.0, 2.0, -5.0, 0.25, 1.0], list(offset)]
    np.testing.assert_array_equal(accelerator.decode(logits), expected)


def test_what_cannot_be_decoded_is_refused(accelerators: Mapping[str, Accelerator]) -> None:
    sequential = accelerators["sequential"]
    with pytest.raises(HardwareError, match=r"logits: shape \(2, 3\) is not \(N, 5\); give what"):
        sequential.decode(np.zeros((2, 3), np.int32))
    with pytest.raises(HardwareError, match="its output is the label, which has no scale; compile"):
        _with(sequential, kind="label").decode(np.zeros((2, 1), np.int32))
    unknown = replace(sequential.manifest.input, preprocessing=None)
    blind = replace(sequential, manifest=replace(sequential.manifest, input=unknown))
    with pytest.raises(HardwareError, match="does not say how the model's input is made of pixels"):
        blind.encode(np.zeros((1, 3, 6, 6)))


@pytest.mark.parametrize("text", ["", "{", "\x00\xff"])
def test_manifest_that_is_no_json_is_refused(folder: Path, text: str) -> None:
    (folder / "manifest.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(HardwareError, match=r"manifest\.json: not readable as JSON"):
        Accelerator.load(folder)


def test_folder_without_manifest_is_no_accelerator(tmp_path: Path) -> None:
    with pytest.raises(HardwareError, match=r"no accelerator, manifest\.json is missing"):
        Accelerator.load(tmp_path)

# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Accelerators are found with the network that they were compiled from, whoever wrote it."""

import shutil
from pathlib import Path

import pytest
from conftest import Built

from flow.compile.opening import open_accelerator


@pytest.mark.parametrize("writer", ["compile", "a run that trains", "a run of the zoo"])
def test_the_network_lies_beside_its_accelerator(writer: str, built: Built, tmp_path: Path) -> None:
    name = open_accelerator(built.folder).accelerator.manifest.name
    file = {"compile": "network", "a run that trains": "robust", "a run of the zoo": name}[writer]
    shutil.copytree(built.folder / "accelerator", tmp_path / "compile" / "accelerator")
    shutil.copyfile(built.folder / "network.npz", tmp_path / "compile" / f"{file}.npz")
    opened = open_accelerator(tmp_path)
    assert opened.network is not None
    assert (opened.network.classes,) == opened.accelerator.manifest.output.shape

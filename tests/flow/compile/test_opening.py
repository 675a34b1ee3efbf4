# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""Accelerators are found with the network that they were compiled from, whoever wrote it."""

import shutil
from pathlib import Path

import pytest
from conftest import Built

from flow.compile.opening import network_file, open_accelerator


@pytest.mark.parametrize("writer", ["now", "an earlier training", "an earlier zoo run"])
def test_the_network_lies_beside_its_accelerator(writer: str, built: Built, tmp_path: Path) -> None:
    name = open_accelerator(built.folder).accelerator.manifest.name
    names = {"now": "network", "an earlier training": "robust", "an earlier zoo run": name}
    shutil.copytree(built.folder / "accelerator", tmp_path / "compile" / "accelerator")
    shutil.copyfile(built.folder / "network.npz", tmp_path / "compile" / f"{names[writer]}.npz")
    opened = open_accelerator(tmp_path)
    assert opened.network is not None
    assert (opened.network.classes,) == opened.accelerator.manifest.output.shape


def test_a_network_of_todays_name_is_the_accelerators(tmp_path: Path) -> None:
    assert network_file(tmp_path, "robust") == tmp_path / "network.npz"
    (tmp_path / "robust.npz").touch()
    assert network_file(tmp_path, "robust") == tmp_path / "robust.npz"
    (tmp_path / "network.npz").touch()
    assert network_file(tmp_path, "robust") == tmp_path / "network.npz"

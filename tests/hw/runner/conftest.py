# SPDX-FileCopyrightText: 2026 the steelflow engineers
# SPDX-License-Identifier: BSD-3-Clause
"""The virtual board, compiled once."""

from collections.abc import Iterator

import pytest
from virtual_board import Built, build_board

from hw.runner.backends.virtual import VirtualDevice


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The kernel and its program."""
    return build_board(tmp_path_factory.mktemp("runner"))


@pytest.fixture
def board(built: Built) -> Iterator[VirtualDevice]:
    """A virtual board that has just been switched on."""
    device = VirtualDevice(built.program, built.folder)
    yield device
    device.close()
